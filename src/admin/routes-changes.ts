import { parseEntity } from '../entity/parse-entity.ts';
import { redactEntity } from '../entity/redact.ts';
import type { Change, EntityKind } from '../entity/types.ts';
import { type FieldError, SekishoError, tellFirst } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { oneAnswer, withWarnings } from './answer.ts';
import { bodyField, defaultNamespace } from './namespace-choice.ts';
import { DRY_RUN, EXPECT, NAMESPACE } from './parameters.ts';
import type { AdminAnswer, AdminRequest, AdminRoute } from './route.ts';
import { entityRef, INTEGER, objectOf, oneOf, STRING } from './schemas.ts';
import type { AdminOptions } from './types.ts';
import { WAIT } from './wait-for-all.ts';

const KINDS = ['namespace', 'domain', 'service', 'route', 'module', 'collection', 'secret'] as const satisfies readonly EntityKind[];
const MAX_CHANGES = 10_000;

const ONE_CHANGE = {
  oneOf: [
    ...KINDS.map((kind) => objectOf({ op: { const: 'put' }, kind: { const: kind }, entity: entityRef(kind) })),
    objectOf({ op: { const: 'delete' }, kind: { enum: KINDS }, namespace: STRING, name: STRING }, ['namespace']),
  ],
};

/** The route that changes several entities at once. */
export const CHANGES_ROUTES: readonly AdminRoute[] = [
  {
    id: 'put_changes',
    method: 'PUT',
    path: '/api/v1/changes',
    group: 'changes',
    summary: 'Applies several changes together, or none of them',
    query: [NAMESPACE, EXPECT, DRY_RUN, ...WAIT],
    conditional: true,
    isChange: true,
    body: {
      doc: 'The changes, in any order of their references.',
      schema: objectOf({ changes: { type: 'array', items: ONE_CHANGE, minItems: 1, maxItems: MAX_CHANGES } }),
      required: true,
    },
    responses: {
      200: {
        doc: 'Stored and served (or, with `dry_run`, could be).',
        schema: oneOf(objectOf({ changes: { type: 'array' }, dryRun: { type: 'boolean' }, revision: INTEGER })),
      },
    },
    handle: putChanges,
  },
];

async function putChanges(request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const namespace = typeof request.query.namespace === 'string' ? request.query.namespace : defaultNamespace(options);
  const changes = parseChanges(request.body, namespace);
  const dryRun = request.query.dry_run === true;
  const { revision, warnings } = await options.state.apply(changes, {
    author: request.principal,
    ...(request.expect !== undefined && { expect: request.expect }),
    dryRun,
  });
  return withWarnings(oneAnswer({ changes: changes.map(toShown), dryRun, revision }, revision), warnings);
}

function toShown(change: Change): unknown {
  return change.op === 'put' ? { ...change, entity: redactEntity(change.kind, change.entity) } : change;
}

/** All problems of all changes are told together, each with its pointer into the body. */
function parseChanges(body: unknown, namespace: string | undefined): readonly Change[] {
  const list = bodyField(body, 'changes');
  if (!Array.isArray(list)) throw new SekishoError('ADMIN_BAD_REQUEST', 'the body is an object with the list `changes`');
  if (list.length === 0 || list.length > MAX_CHANGES)
    throw new SekishoError('ADMIN_BAD_REQUEST', `changes has ${list.length} entries; allowed are 1 to ${MAX_CHANGES}`);
  const changes: Change[] = [];
  const errors: FieldError[] = [];
  for (const [i, item] of list.entries()) {
    try {
      changes.push(parseChange(item, namespace));
    } catch (error) {
      if (!(error instanceof SekishoError)) throw error;
      const parts = error.errors.length > 0 ? error.errors : [{ pointer: '', detail: error.message }];
      for (const part of parts)
        errors.push({ pointer: `/changes/${i}${error.code === 'ENTITY_INVALID' ? '/entity' : ''}${part.pointer}`, detail: part.detail });
    }
  }
  if (errors.length > 0) throw new SekishoError('ENTITY_INVALID', `${errors[0]?.pointer}: ${tellFirst(errors)}`, { errors });
  return changes;
}

function parseChange(item: unknown, defaultName: string | undefined): Change {
  const kind = parseKind(bodyField(item, 'kind'));
  const op = bodyField(item, 'op');
  if (op === 'put') {
    const entity = parseEntity(kind, bodyField(item, 'entity'), { defaultNamespace: defaultName });
    return { op, kind, entity } as unknown as Change;
  }
  if (op !== 'delete') throw new SekishoError('ADMIN_BAD_REQUEST', `op is put or delete, not ${JSON.stringify(op) ?? 'missing'}`);
  const name = bodyField(item, 'name');
  if (typeof name !== 'string' || name === '') throw new SekishoError('ADMIN_BAD_REQUEST', 'name is required');
  if (kind === 'namespace') return { op, kind, namespace: '', name };
  const namespace = bodyField(item, 'namespace') ?? defaultName;
  if (typeof namespace !== 'string' || namespace === '') throw new SekishoError('ADMIN_BAD_REQUEST', 'namespace is required');
  return { op, kind, namespace, name };
}

function parseKind(value: unknown): EntityKind {
  const kind = KINDS.find((one) => one === value);
  if (kind !== undefined) return kind;
  const near = typeof value === 'string' ? nearest(value, KINDS) : undefined;
  throw new SekishoError(
    'ADMIN_BAD_REQUEST',
    `kind is one of ${KINDS.join(', ')}, not ${JSON.stringify(value) ?? 'missing'}${near === undefined ? '' : `; did you mean ${near}?`}`,
  );
}
