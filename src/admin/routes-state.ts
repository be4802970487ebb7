import type { EntityKind } from '../entity/types.ts';
import { jsonAnswer, oneAnswer } from './answer.ts';
import { changeHashNumber } from './change-hash.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { INTEGER, listOf, objectOf, oneOf, STRING } from './schemas.ts';
import type { AdminOptions, ExtensionsView } from './types.ts';

const CHANGELOG = {
  method: 'GET',
  group: 'state',
  summary: 'Tells how many changes there were, and a hash over them',
  query: [],
  responses: {
    200: {
      doc: '`latest` is the revision of the last change, empty when there was none.',
      schema: objectOf({ count: INTEGER, hash: STRING, latest: STRING }),
    },
  },
  handle: changelog,
} as const satisfies Omit<AdminRoute, 'id' | 'path'>;

const HISTORY_RECORD = objectOf({ revision: INTEGER, at: STRING, author: STRING, changes: { type: 'array' }, hash: STRING });

/** The routes that show the state as a whole and how it came about. */
export const STATE_ROUTES: readonly AdminRoute[] = [
  { ...CHANGELOG, id: 'changelog', path: '/changelog' },
  { ...CHANGELOG, id: 'changelog_v1', path: '/api/v1/changelog' },
  {
    id: 'history',
    method: 'GET',
    path: '/api/v1/history',
    group: 'state',
    summary: 'Lists changes, newest first: who, when, what, before and after',
    query: [
      { name: 'limit', type: 'integer', doc: 'At most so many.', default: 50, minimum: 1, maximum: 1000 },
      { name: 'before', type: 'integer', doc: 'Only revisions below this one: the last of the page before.' },
    ],
    responses: { 200: { doc: 'Secrets and keys are hidden.', schema: listOf(HISTORY_RECORD) } },
    handle: history,
  },
  {
    id: 'status',
    method: 'GET',
    path: '/api/v1/status',
    group: 'state',
    summary: 'Tells version, uptime, listeners, entity counts, certificates, extensions and what was rejected',
    query: [],
    responses: { 200: { doc: 'The state of this gateway.', schema: oneOf({ type: 'object' }) } },
    handle: status,
  },
];

function changelog(_request: AdminRequest, { state }: AdminOptions): AdminAnswer {
  const revision = state.revision();
  return {
    ...jsonAnswer({
      count: state.changeCount(),
      hash: changeHashNumber(state.hash()).toString(36),
      latest: revision === 0 ? '' : String(revision),
    }),
    revision,
  };
}

async function history(request: AdminRequest, { state }: AdminOptions): Promise<AdminAnswer> {
  const { before } = request.query;
  const records = await state.history({ limit: Number(request.query.limit), ...(typeof before === 'number' && { before }) });
  return { status: 200, json: { count: records.length, data: records, status_code: 200 } };
}

const KINDS = ['namespace', 'domain', 'service', 'route', 'module', 'collection', 'secret'] as const satisfies readonly EntityKind[];

async function status(_request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const { state } = options;
  const entities = state.entities();
  const upgradeError = options.processes?.upgradeError();
  return oneAnswer(
    {
      version: options.version,
      node: process.version,
      pid: process.pid,
      phase: options.phase(),
      uptimeSeconds: Math.round(process.uptime()),
      revision: state.revision(),
      hash: state.hash(),
      workers: options.processes?.workers() ?? [],
      ...(upgradeError !== undefined && { upgradeError: upgradeError.message }),
      listeners: [],
      ...options.status?.(),
      entities: Object.fromEntries(KINDS.map((kind) => [kind, entities[kind].size])),
      rejected: shownRejected(options),
      certificates: options.certificates?.() ?? [],
      ...(options.extensions !== undefined && { extensions: toSummary(await options.extensions.status()) }),
    },
    state.revision(),
  );
}

/** What is worth a look at once; all else is in `/api/v1/extensions/status`. */
function toSummary({ environments, threads, waiting }: ExtensionsView): object {
  const quarantined = environments.filter(({ state }) => state === 'quarantined').map(({ name }) => name);
  return {
    environments: new Set(environments.map(({ name }) => name)).size,
    quarantined: [...new Set(quarantined)],
    threads: threads.length,
    waiting,
  };
}

/** The stored entities that are kept out of service, with the reason. */
export function shownRejected({ state }: AdminOptions): readonly unknown[] {
  return state.rejected().map(({ kind, namespace, name, error }) => ({ kind, namespace, name, code: error.code, detail: error.message }));
}
