import { SekishoError } from '../lib/errors.ts';
import { listAnswer, oneAnswer } from './answer.ts';
import { bodyField } from './namespace-choice.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { listOf, oneOf, STRING } from './schemas.ts';
import type { AdminOptions, SyncControl } from './types.ts';

const OBJECT = { type: 'object' } as const;
const LIST = { type: 'array', items: STRING } as const;

/** The routes of what is delivered from the event log, and of jobs. */
export const SYNC_ROUTES: readonly AdminRoute[] = [
  {
    id: 'sync_status',
    method: 'GET',
    path: '/api/v1/sync',
    group: 'sync',
    summary: 'Tells who delivers the event log, how many changes wait, what hinders them, and which keys are watched',
    query: [],
    responses: { 200: { doc: 'State of delivery, reports and watched keys as this node knows it.', schema: oneOf(OBJECT) } },
    handle: (_request, options) => oneAnswer(control(options).status()),
  },
  {
    id: 'sync_cron',
    method: 'GET',
    path: '/api/v1/sync/cron',
    group: 'sync',
    summary: 'Lists the jobs with their next and last run',
    query: [],
    responses: { 200: { doc: 'One entry per job.', schema: listOf(OBJECT) } },
    handle: async (_request, options) => listAnswer((await options.sync?.cron()) ?? [], undefined),
  },
  {
    id: 'sync_drift',
    method: 'GET',
    path: '/api/v1/sync/drift',
    group: 'sync',
    summary: 'Compares database and etcd now',
    query: [],
    responses: {
      200: {
        doc: 'How many keys are missing, different, or there though no resource has them (`foreign` ones have values of others and stay), with examples.',
        schema: oneOf(OBJECT),
      },
    },
    handle: async (_request, options) => oneAnswer(await control(options).compare()),
  },
  {
    id: 'sync_resync_status',
    method: 'GET',
    path: '/api/v1/sync/resync',
    group: 'sync',
    summary: 'Tells how far the last resynchronisation is',
    query: [],
    responses: { 200: { doc: '`state`: idle, running, done or failed.', schema: oneOf(OBJECT) } },
    handle: (_request, options) => oneAnswer(control(options).resyncStatus()),
  },
  {
    id: 'sync_resync',
    method: 'POST',
    path: '/api/v1/sync/resync',
    group: 'sync',
    summary: 'Begins to make etcd hold what it should; while one runs, tells of that one',
    query: [],
    body: {
      doc: '`schemas`: ids; without them all, and keys of former schemas and templates are removed too. `former`: templates that keys were written under before the gateway wrote them down. `dry_run`: only tell what would be repaired.',
      schema: {
        type: 'object',
        properties: { schemas: LIST, former: LIST, dry_run: { type: 'boolean' } },
        additionalProperties: false,
      },
      required: false,
    },
    responses: { 200: { doc: 'As GET.', schema: oneOf(OBJECT) } },
    handle: resync,
  },
];

function resync(request: AdminRequest, options: AdminOptions): AdminAnswer {
  const list = (name: string): readonly string[] => (bodyField(request.body, name) ?? []) as readonly string[];
  const isDryRun = bodyField(request.body, 'dry_run') === true;
  return oneAnswer(control(options).resync({ schemas: list('schemas'), former: list('former'), isDryRun }));
}

function control({ sync }: AdminOptions): SyncControl {
  if (sync === undefined)
    throw new SekishoError('SYNC_NO_ETCD', 'this node delivers nothing: the configuration names neither `etcd` nor `webhooks` nor `cron`');
  return sync;
}
