import { toEntityKey } from '../entity/entity-key.ts';
import { parseEntity } from '../entity/parse-entity.ts';
import { redactEntity } from '../entity/redact.ts';
import type { Change, EntityKind, EntityTypes } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { oneAnswer, withWarnings } from './answer.ts';
import { entityListAnswer } from './entity-list.ts';
import { headerList } from './fields.ts';
import { bodyField, chooseNamespace, defaultNamespace, givenNamespace } from './namespace-choice.ts';
import { DRY_RUN, EXPECT, NAMESPACE } from './parameters.ts';
import type { AdminAnswer, AdminRequest, AdminRoute, QueryParameter } from './route.ts';
import { entityList, entityRef, KEY_SCHEMA, oneOf } from './schemas.ts';
import type { AdminOptions, Applied } from './types.ts';
import { WAIT } from './wait-for-all.ts';

const KINDS = ['namespace', 'domain', 'service', 'route', 'module', 'collection', 'secret'] as const satisfies readonly EntityKind[];

/** The routes of the kinds that make up the configuration: the same five for each. */
export const ENTITY_ROUTES: readonly AdminRoute[] = KINDS.flatMap((kind) => entityRoutes(kind));

function entityRoutes(kind: EntityKind): readonly AdminRoute[] {
  return [...readRoutes(kind), ...changeRoutes(kind)];
}

function readRoutes(kind: EntityKind): readonly AdminRoute[] {
  const shared = { method: 'GET', group: kind, query: namespaceParameter(kind) } as const;
  return [
    {
      ...shared,
      id: `list_${kind}`,
      path: `/api/v1/${kind}`,
      summary: `Lists ${kind} entities by name`,
      responses: { 200: { doc: 'All of the namespace, sorted by name.', schema: entityList(kind) } },
      handle: (request, options) => listEntities(kind, request, options),
    },
    {
      ...shared,
      id: `get_${kind}`,
      path: `/api/v1/${kind}/{name}`,
      summary: `Gives one ${kind}`,
      responses: { 200: { doc: 'The entity; secrets and keys are hidden.', schema: oneOf(entityRef(kind)) } },
      handle: (request, options) => getEntity(kind, request, options),
    },
  ];
}

function changeRoutes(kind: EntityKind): readonly AdminRoute[] {
  const path = `/api/v1/${kind}`;
  // DGate's: services answer 204, all others 202.
  const deleted = kind === 'service' ? 204 : 202;
  const shared = {
    group: kind,
    query: [...namespaceParameter(kind), EXPECT, DRY_RUN, ...WAIT],
    conditional: true,
    isChange: true,
  } as const;
  const deletion = { [deleted]: { doc: 'Deleted.' }, 200: { doc: 'Could be deleted (`dry_run`).', schema: oneOf(KEY_SCHEMA) } };
  return [
    {
      ...shared,
      id: `put_${kind}`,
      method: 'PUT',
      path,
      summary: `Creates or replaces a ${kind}; answers all of its namespace, or nothing with \`Prefer: return=minimal\``,
      body: { doc: `The whole ${kind}.`, schema: entityRef(kind), required: true },
      responses: {
        201: { doc: 'Stored and served.', schema: entityList(kind) },
        200: { doc: 'What would be stored (`dry_run`).', schema: oneOf(entityRef(kind)) },
      },
      handle: (request, options) => putEntity(kind, request, options),
    },
    {
      ...shared,
      id: `delete_${kind}`,
      method: 'DELETE',
      path,
      summary: `Deletes the ${kind} that the body names`,
      body: { doc: 'Name and namespace; other fields are ignored.', schema: KEY_SCHEMA, required: true },
      responses: deletion,
      handle: (request, options) => deleteEntity(kind, bodyField(request.body, 'name'), deleted, request, options),
    },
    {
      ...shared,
      id: `delete_${kind}_by_name`,
      method: 'DELETE',
      path: `${path}/{name}`,
      summary: `Deletes one ${kind}`,
      responses: deletion,
      handle: (request, options) => deleteEntity(kind, request.params.name, deleted, request, options),
    },
  ];
}

function namespaceParameter(kind: EntityKind): readonly QueryParameter[] {
  return kind === 'namespace' ? [] : [NAMESPACE];
}

async function putEntity<K extends EntityKind>(kind: K, request: AdminRequest, options: AdminOptions): Promise<AdminAnswer> {
  const namespace = kind === 'namespace' ? undefined : chooseNamespace(request, options);
  const entity = parseEntity(kind, request.body, { defaultNamespace: namespace }) as EntityTypes[K];
  const change = { op: 'put', kind, entity } as unknown as Change;
  const { revision, warnings } = await applyOne(change, request, options);
  const isDry = request.query.dry_run === true;
  if (isDry) return withWarnings(oneAnswer(redactEntity(kind, entity), revision), warnings);
  if (headerList(request.exchange.headers, 'prefer').includes('return=minimal') && warnings.length === 0)
    return { status: 201, revision, headers: ['Preference-Applied', 'return=minimal'] };
  return entityListAnswer(kind, namespace, options.state, { revision, status: 201, warnings });
}

function listEntities(kind: EntityKind, request: AdminRequest, options: AdminOptions): AdminAnswer {
  const { state } = options;
  const revision = state.revision();
  if (kind === 'namespace') return entityListAnswer(kind, undefined, state, { revision });
  // DGate's: without a default namespace the list of domains is that of all namespaces.
  if (kind === 'domain' && givenNamespace(request) === undefined && defaultNamespace(options) === undefined) {
    return entityListAnswer(kind, undefined, state, { revision });
  }
  const namespace = chooseNamespace(request, options);
  if (!state.entities().namespace.has(namespace)) throw new SekishoError('ENTITY_REFERENCE', `namespace not found: ${namespace}`);
  return entityListAnswer(kind, namespace, state, { revision });
}

function getEntity<K extends EntityKind>(kind: K, request: AdminRequest, options: AdminOptions): AdminAnswer {
  const namespace = kind === 'namespace' ? '' : chooseNamespace(request, options);
  const all: ReadonlyMap<string, EntityTypes[K]> = options.state.entities()[kind];
  const entity = all.get(toEntityKey(kind, namespace, request.params.name ?? ''));
  if (entity === undefined) throw new SekishoError('ENTITY_NOT_FOUND', `${kind} not found`);
  return oneAnswer(redactEntity(kind, entity), options.state.revision());
}

async function deleteEntity(
  kind: EntityKind,
  name: unknown,
  status: number,
  request: AdminRequest,
  options: AdminOptions,
): Promise<AdminAnswer> {
  if (typeof name !== 'string' || name === '') throw new SekishoError('ADMIN_BAD_REQUEST', 'name is required');
  const namespace = kind === 'namespace' ? '' : chooseNamespace(request, options);
  const { revision } = await applyOne({ op: 'delete', kind, namespace, name }, request, options);
  if (request.query.dry_run === true) return oneAnswer(kind === 'namespace' ? { name } : { name, namespace }, revision);
  return { status, revision };
}

function applyOne(change: Change, request: AdminRequest, options: AdminOptions): Promise<Applied> {
  return options.state.apply([change], {
    author: request.principal,
    ...(request.expect !== undefined && { expect: request.expect }),
    dryRun: request.query.dry_run === true,
  });
}
