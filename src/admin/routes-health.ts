import { SekishoError } from '../lib/errors.ts';
import { changeHashNumber } from './change-hash.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { shownRejected } from './routes-state.ts';
import { INTEGER, objectOf, STRING } from './schemas.ts';
import type { AdminOptions } from './types.ts';

/** The routes that probes and scrapers ask. They need the same credentials as all others. */
export const HEALTH_ROUTES: readonly AdminRoute[] = [
  {
    id: 'root',
    method: 'GET',
    path: '/',
    group: 'health',
    summary: 'Says what this is; the headers have the hash of all changes',
    query: [],
    early: true,
    responses: { 200: { doc: 'A line of text.', contentType: 'text/plain' } },
    handle: root,
  },
  {
    id: 'healthz',
    method: 'GET',
    path: '/healthz',
    group: 'health',
    summary: 'Tells that the process lives',
    query: [],
    early: true,
    responses: { 200: { doc: 'It lives.', schema: objectOf({ status: STRING, version: STRING }) } },
    handle: (_request, options) => ({ status: 200, json: { status: 'ok', version: options.version } }),
  },
  {
    id: 'readyz',
    method: 'GET',
    path: '/readyz',
    group: 'health',
    summary: 'Tells whether requests are served: 503 before the state is loaded and while stopping',
    query: [],
    early: true,
    responses: {
      200: {
        doc: 'It serves.',
        schema: objectOf(
          {
            status: STRING,
            version: STRING,
            revision: INTEGER,
            hash: STRING,
            workers: objectOf({ serving: INTEGER, wanted: INTEGER }),
            rejected: { type: 'array' },
            problems: { type: 'array', items: STRING },
          },
          ['workers'],
        ),
      },
      503: { doc: 'Not yet, or not any more.', schema: { $ref: '#/components/schemas/Problem' }, contentType: 'application/problem+json' },
    },
    handle: ready,
  },
  {
    id: 'metrics',
    method: 'GET',
    path: '/metrics',
    group: 'health',
    summary: 'Gives the metrics in the Prometheus text format; 404 when they are disabled',
    query: [],
    early: true,
    responses: { 200: { doc: 'Prometheus text, version 0.0.4.', contentType: 'text/plain' } },
    handle: metrics,
  },
];

function root(_request: AdminRequest, { phase, state, watchOnly, cluster }: AdminOptions): AdminAnswer {
  const hash = phase() === 'starting' ? '' : state.hash();
  // DGate's words: clients look for them.
  return {
    status: 200,
    text: 'DGate Admin API',
    headers: [
      'X-DGate-WatchOnly',
      String(watchOnly),
      'X-DGate-ChangeHash',
      changeHashNumber(hash).toString(),
      ...(cluster === undefined ? [] : ['X-DGate-Raft-State', raftState(watchOnly)]),
    ],
  };
}

/** DGate's clients look for the node that takes changes: here all do that are not watch-only. */
function raftState(watchOnly: boolean): string {
  return watchOnly ? 'Follower' : 'Leader';
}

function ready(_request: AdminRequest, options: AdminOptions): AdminAnswer {
  const phase = options.phase();
  if (phase !== 'ready')
    throw new SekishoError(
      'NOT_READY',
      phase === 'starting' ? 'not ready: the state is being loaded' : 'not ready: the gateway is stopping',
    );
  const { state, version, processes, cluster, watchOnly } = options;
  const wanted = processes?.wanted() ?? 0;
  const serving = processes?.workers().filter((worker) => worker.state === 'serving').length ?? 0;
  if (wanted > 0 && serving === 0) throw new SekishoError('NOT_READY', `not ready: none of ${wanted} workers serves`);
  const workers = wanted === 0 ? {} : { workers: { serving, wanted } };
  return {
    status: 200,
    ...(cluster !== undefined && { headers: ['X-Raft-State', raftState(watchOnly)] }),
    json: {
      status: 'ok',
      version,
      revision: state.revision(),
      hash: state.hash(),
      ...workers,
      rejected: shownRejected(options),
      problems: options.problems?.() ?? [],
    },
  };
}

async function metrics(_request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  if (options.metrics === undefined) throw new SekishoError('ADMIN_NOT_FOUND', 'Metrics are disabled (disable_metrics).');
  return { status: 200, text: await options.metrics(), contentType: 'text/plain; version=0.0.4; charset=utf-8' };
}
