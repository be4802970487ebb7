import { SekishoError } from '../lib/errors.ts';
import { listAnswer, oneAnswer } from './answer.ts';
import type { BackupControl, ClusterControl } from './cluster-control.ts';
import { bodyField } from './namespace-choice.ts';
import { DRY_RUN } from './parameters.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { listOf, objectOf, oneOf, STRING } from './schemas.ts';
import type { AdminOptions } from './types.ts';

const OBJECT = { type: 'object' } as const;
const PATH = '/api/v1/cluster';
const MEMBER = `${PATH}/members/{member}`;
/** What an answer may be long, too: a state that was saved can be restored. */
const MAX_BACKUP_BYTES = 256 * 1024 * 1024;
const SHARED = { group: 'cluster', query: [] } as const;

/** The routes of the fleet: its nodes, and the etcd that holds its state. */
export const CLUSTER_ROUTES: readonly AdminRoute[] = [
  {
    ...SHARED,
    id: 'cluster',
    method: 'GET',
    path: PATH,
    summary: 'Tells which nodes there are and what they serve, and how the members of etcd are',
    responses: {
      200: { doc: 'Nodes, members, leader, sizes, alarms; `problems` has a sentence for each thing that is wrong.', schema: oneOf(OBJECT) },
    },
    handle: async (_request, options) => oneAnswer(await clusterOf(options).status()),
  },
  {
    ...SHARED,
    id: 'cluster_nodes',
    method: 'GET',
    path: `${PATH}/nodes`,
    summary: 'Lists the nodes that live',
    responses: { 200: { doc: 'Version, addresses, tags, workers, revision and hash, problems.', schema: listOf(OBJECT) } },
    handle: async (_request, options) => listAnswer(await clusterOf(options).nodes(), undefined),
  },
  {
    ...SHARED,
    id: 'cluster_members',
    method: 'GET',
    path: `${PATH}/members`,
    summary: 'Lists the members of etcd, also those that do not answer',
    responses: { 200: { doc: 'Addresses, who leads, size of the database.', schema: listOf(OBJECT) } },
    handle: async (_request, options) => listAnswer(await clusterOf(options).members(), undefined),
  },
  {
    ...SHARED,
    id: 'cluster_add_member',
    method: 'POST',
    path: `${PATH}/members`,
    summary: 'Adds a member to etcd, before its process is started',
    body: {
      doc: 'Where its peers reach it. A learner gets the data without a vote, until it is promoted.',
      schema: objectOf({ peerUrls: { type: 'array', items: STRING, minItems: 1 }, learner: { type: 'boolean' } }, ['learner']),
      required: true,
    },
    responses: { 201: { doc: 'The member; start its etcd with `--initial-cluster-state existing`.', schema: oneOf(OBJECT) } },
    handle: addMember,
  },
  {
    ...SHARED,
    id: 'cluster_remove_member',
    method: 'DELETE',
    path: MEMBER,
    summary: 'Takes a member out of etcd, by name or id',
    responses: { 204: { doc: 'It has no vote any more; its process may be stopped.' } },
    handle: async ({ params }, options) => {
      await clusterOf(options).removeMember(params.member ?? '');
      return { status: 204 };
    },
  },
  {
    ...SHARED,
    id: 'cluster_promote_member',
    method: 'POST',
    path: `${MEMBER}/promote`,
    summary: 'Gives a learner a vote, once it has all data',
    responses: { 204: { doc: 'It votes.' } },
    handle: async ({ params }, options) => {
      await clusterOf(options).promoteMember(params.member ?? '');
      return { status: 204 };
    },
  },
  {
    ...SHARED,
    id: 'cluster_defragment',
    method: 'POST',
    path: `${PATH}/defragment`,
    summary: 'Gives unused space of the databases of etcd back to the file system, one member after another',
    query: [{ name: 'member', type: 'string', doc: 'Name or id of one member; all of them, the leader last, when absent.' }],
    responses: { 200: { doc: 'The sizes before and after.', schema: listOf(OBJECT) } },
    handle: async ({ query }, options) =>
      listAnswer(await clusterOf(options).defragment(query.member === undefined ? undefined : String(query.member)), undefined),
  },
  {
    ...SHARED,
    id: 'cluster_disarm',
    method: 'POST',
    path: `${PATH}/disarm`,
    summary: 'Takes the alarms of etcd back, after their cause is gone (a full database: compact, defragment, or raise the quota)',
    responses: { 200: { doc: 'The alarms that were taken back.', schema: listOf(OBJECT) } },
    handle: async (_request, options) => listAnswer(await clusterOf(options).disarm(), undefined),
  },
  {
    ...SHARED,
    id: 'cluster_etcd_snapshot',
    method: 'GET',
    path: `${PATH}/etcd-snapshot`,
    summary: 'Gives the whole database of a member of etcd, as `etcdutl snapshot restore` takes it',
    responses: { 200: { doc: 'Its last 32 bytes are the SHA-256 of all before them.', contentType: 'application/octet-stream' } },
    handle: (_request, options) => ({ status: 200, stream: clusterOf(options).snapshot(), contentType: 'application/octet-stream' }),
  },
  {
    ...SHARED,
    id: 'save_state',
    method: 'GET',
    path: `${PATH}/snapshot`,
    summary: 'Gives all stored entities and documents in one file, secrets encrypted; of every kind of store',
    responses: { 200: { doc: 'For `POST /api/v1/cluster/restore` of a gateway with the same `storage.encryption_key`.', schema: OBJECT } },
    handle: async (_request, options) => ({ status: 200, text: await backupsOf(options).save(), contentType: 'application/json' }),
  },
  {
    ...SHARED,
    id: 'restore_state',
    method: 'POST',
    path: `${PATH}/restore`,
    summary: 'Makes entities and documents what they were when the file was made; running nodes follow',
    query: [DRY_RUN],
    isChange: true,
    body: { doc: 'What `GET /api/v1/cluster/snapshot` gave.', schema: OBJECT, required: true, maxBytes: MAX_BACKUP_BYTES },
    responses: { 200: { doc: 'How much was put and deleted.', schema: oneOf(OBJECT) } },
    handle: async ({ body, query, principal }, options) =>
      oneAnswer(await backupsOf(options).restore(body, { author: principal, dryRun: query.dry_run === true }), options.state.revision()),
  },
];

async function addMember({ body }: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const urls = bodyField(body, 'peerUrls');
  const isList = Array.isArray(urls) && urls.length > 0 && urls.every((url) => typeof url === 'string' && /^https?:\/\/./.test(url));
  if (!isList) throw new SekishoError('ADMIN_BAD_REQUEST', 'peerUrls is a list of URLs such as http://10.0.0.4:2380');
  return oneAnswer(await clusterOf(options).addMember(urls as readonly string[], bodyField(body, 'learner') === true), undefined, 201);
}

function clusterOf({ cluster }: AdminOptions): ClusterControl {
  if (cluster === undefined)
    throw new SekishoError(
      'FLEET_NONE',
      'this gateway keeps its state for itself: nodes of a fleet have storage.type etcd, with the same endpoints and prefix',
    );
  return cluster;
}

function backupsOf({ backups }: AdminOptions): BackupControl {
  if (backups === undefined) throw new SekishoError('FLEET_NONE', 'this gateway saves no state');
  return backups;
}
