import { SekishoError } from '../lib/errors.ts';
import { listAnswer, oneAnswer } from './answer.ts';
import { bodyField } from './namespace-choice.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { listOf, oneOf, STRING } from './schemas.ts';
import type { AdminOptions, SyncControl } from './types.ts';

const OBJECT = { type: 'object' } as const;

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
      200: { doc: 'How many keys are missing, different, or there though no resource has them, with examples.', schema: oneOf(OBJECT) },
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
      doc: 'Ids of schemas; without them all.',
      schema: { type: 'object', properties: { schemas: { type: 'array', items: STRING } }, additionalProperties: false },
      required: false,
    },
    responses: { 200: { doc: 'As GET.', schema: oneOf(OBJECT) } },
    handle: resync,
  },
];

function resync(request: AdminRequest, options: AdminOptions): AdminAnswer {
  const schemas = bodyField(request.body, 'schemas') ?? [];
  return oneAnswer(control(options).resync(schemas as readonly string[]));
}

function control({ sync }: AdminOptions): SyncControl {
  if (sync === undefined)
    throw new SekishoError('SYNC_NO_ETCD', 'this node delivers nothing: the configuration names neither `etcd` nor `webhooks` nor `cron`');
  return sync;
}
