import { SekishoError } from '../lib/errors.ts';
import { listAnswer, oneAnswer } from './answer.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { INTEGER, listOf, objectOf, oneOf, STRING } from './schemas.ts';
import type { AdminOptions, ProcessControl } from './types.ts';

const WORKER = objectOf({
  worker: INTEGER,
  pid: INTEGER,
  state: STRING,
  requests: INTEGER,
  inFlight: INTEGER,
  connections: INTEGER,
  rssBytes: INTEGER,
  revision: INTEGER,
  uptimeSeconds: INTEGER,
  restarts: INTEGER,
});
const KEYS = { type: 'array', items: STRING };

/** The routes that show and replace the processes of the gateway. */
export const WORKER_ROUTES: readonly AdminRoute[] = [
  {
    id: 'workers',
    method: 'GET',
    path: '/api/v1/workers',
    group: 'processes',
    summary: 'Lists the worker processes: state, requests, memory, restarts',
    query: [],
    early: true,
    responses: { 200: { doc: 'One entry per process; none with `workers: 0`.', schema: listOf(WORKER) } },
    handle: (_request, options) => listAnswer(options.processes?.workers() ?? [], undefined),
  },
  {
    id: 'reload',
    method: 'POST',
    path: '/api/v1/reload',
    group: 'processes',
    summary: 'Reads the configuration again and replaces the workers one by one; nothing changes when it is wrong',
    query: [],
    responses: {
      200: {
        doc: 'Which keys are different, and which of them count from the next start on.',
        schema: oneOf(objectOf({ changed: KEYS, later: KEYS, replaced: INTEGER })),
      },
    },
    handle: async (_request, options) => oneAnswer(await processesOf(options).reload()),
  },
  {
    id: 'upgrade',
    method: 'POST',
    path: '/api/v1/upgrade',
    group: 'processes',
    summary: 'Starts the program that is on the disk now and hands all listeners over to it',
    query: [],
    responses: {
      202: {
        doc: 'It has begun. `GET /api/v1/status` has another `pid` once the new process serves, or `upgradeError`.',
        schema: oneOf(objectOf({ pid: INTEGER })),
      },
    },
    handle: upgrade,
  },
];

async function upgrade(_request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  await processesOf(options).upgrade();
  return oneAnswer({ pid: process.pid }, undefined, 202);
}

function processesOf({ processes }: AdminOptions): ProcessControl {
  if (processes === undefined) throw new SekishoError('RELOAD_REFUSED', 'this gateway cannot be reloaded');
  return processes;
}
