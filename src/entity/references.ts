import { type MapEdit, SharedMap, toSharedMap } from '../lib/shared-map.ts';
import { EntityError } from './entity-error.ts';
import { emptyEntities, toEntityId, toEntityKey, toKeyPrefix } from './entity-key.ts';
import { emptyClaims, type RouteClaims, replaceClaims } from './route-claims.ts';
import { type RouteUsers, replaceUsers, usersOf } from './route-users.ts';
import type { Change, Entities, EntityId, EntityKind, EntityTypes, Route } from './types.ts';

/** Entities without a dangling reference, and the indices that keep it so cheaply. Immutable; a change shares what it leaves alone. */
export interface EntityGraph {
  readonly entities: Entities;
  readonly claims: RouteClaims;
  readonly users: RouteUsers;
}

/** Kinds that, after routes, keep a namespace from being deleted, in the order in which they are named. */
const NAMESPACED = ['service', 'module', 'domain', 'collection', 'secret'] as const;
const PLURALS = {
  service: 'services',
  module: 'modules',
  domain: 'domains',
  collection: 'collections',
  secret: 'secrets',
} as const;

type Touched = Map<string, EntityId>;

/** The graph of no entity. */
export function emptyGraph(): EntityGraph {
  return { entities: emptyEntities(), claims: emptyClaims(), users: new SharedMap() };
}

/**
 * The graph after `changes`, applied together; the order inside the list matters only for several changes of one entity. The given graph is not touched.
 * ENTITY_NOT_FOUND for a deletion of what is not there, ENTITY_REFERENCE for a put that names something missing, ENTITY_IN_USE for a deletion of what others
 * name, ENTITY_CONFLICT for two routes with the same path and method.
 */
export function applyChanges(graph: EntityGraph, changes: readonly Change[]): EntityGraph {
  const before = graph.entities;
  const { next, touched } = edit(before, changes);
  const { removed, added } = toRouteEdits(before, next, touched);
  const users = replaceUsers(graph.users, removed, added);
  for (const id of touched.values()) {
    const entity = next[id.kind].get(toEntityKey(id.kind, id.namespace, id.name));
    if (entity === undefined) checkDeletion(next, users, id);
    else checkPut(next, id, entity);
  }
  return {
    entities: next,
    claims: removed.length + added.length === 0 ? graph.claims : replaceClaims(graph.claims, removed, added),
    users,
  };
}

function edit(before: Entities, changes: readonly Change[]): { readonly next: Entities; readonly touched: Touched } {
  const edits = new Map<EntityKind, Map<string, unknown>>();
  const touched: Touched = new Map();
  for (const change of changes) {
    const id = toEntityId(change);
    const key = toEntityKey(id.kind, id.namespace, id.name);
    const some = edits.get(id.kind) ?? new Map<string, unknown>();
    edits.set(id.kind, some);
    const isThere = some.has(key) ? some.get(key) !== undefined : before[id.kind].has(key);
    if (change.op === 'delete' && !isThere) throw new EntityError('ENTITY_NOT_FOUND', id, `${id.kind} not found: ${id.name}`);
    some.set(key, change.op === 'put' ? change.entity : undefined);
    touched.set(`${id.kind}\n${key}`, id);
  }
  return { next: editEntities(before, edits), touched };
}

/** The entities after edits of the maps of their kinds; kinds without one keep theirs. An edit is an entity of its kind, or undefined for one that goes. */
export function editEntities(before: Entities, edits: ReadonlyMap<EntityKind, Iterable<MapEdit<unknown>>>): Entities {
  const next: Record<EntityKind, ReadonlyMap<string, unknown>> = { ...before };
  for (const [kind, some] of edits) next[kind] = toSharedMap<unknown>(before[kind]).with(some);
  return next as Entities;
}

function checkPut(next: Entities, id: EntityId, entity: EntityTypes[EntityKind]): void {
  if (!('namespace' in entity)) return;
  if (!next.namespace.has(entity.namespace)) throw dangling(id, 'namespace', entity.namespace, '/namespace');
  if (id.kind !== 'route') return;
  const { namespace, service, modules } = entity as Route;
  if (service !== undefined && !next.service.has(toEntityKey('service', namespace, service)))
    throw dangling(id, 'service', service, '/service');
  for (const [index, module] of (modules ?? []).entries()) {
    if (!next.module.has(toEntityKey('module', namespace, module))) throw dangling(id, 'module', module, `/modules/${index}`);
  }
}

function checkDeletion(next: Entities, users: RouteUsers, id: EntityId): void {
  const { kind, namespace, name } = id;
  if (kind !== 'namespace' && kind !== 'service' && kind !== 'module') return;
  const routes = usersOf(users, kind, toEntityKey(kind, namespace, name));
  refuse(id, 'routes', [...routes.values()].map((route) => route.name).toSorted());
  if (kind !== 'namespace') return;
  const prefix = toKeyPrefix(name);
  for (const other of NAMESPACED)
    refuse(
      id,
      PLURALS[other],
      filterNames<{ readonly name: string }>(next[other], (_, key) => key.startsWith(prefix)),
    );
}

function filterNames<T extends { readonly name: string }>(
  map: ReadonlyMap<string, T>,
  isUser: (entity: T, key: string) => boolean,
): readonly string[] {
  const names: string[] = [];
  for (const [key, entity] of map) if (isUser(entity, key)) names.push(entity.name);
  return names;
}

function refuse(id: EntityId, kind: string, users: readonly string[]): void {
  if (users.length === 0) return;
  const shown = users.slice(0, 3).join(', ') + (users.length > 3 ? ` and ${users.length - 3} more` : '');
  throw new EntityError('ENTITY_IN_USE', id, `cannot delete ${id.kind}: ${id.name}: ${kind} still linked (${shown})`);
}

function dangling(id: EntityId, kind: EntityKind, name: string, pointer: string): EntityError {
  const detail = `${kind} not found: ${name}`;
  return new EntityError('ENTITY_REFERENCE', id, detail, { errors: [{ pointer, detail }] });
}

function toRouteEdits(
  before: Entities,
  next: Entities,
  touched: Touched,
): { readonly removed: readonly Route[]; readonly added: readonly Route[] } {
  const keys = [...touched.values()]
    .filter(({ kind }) => kind === 'route')
    .map(({ namespace, name }) => toEntityKey('route', namespace, name));
  const find = (map: ReadonlyMap<string, Route>): readonly Route[] => keys.flatMap((key) => map.get(key) ?? []);
  return { removed: find(before.route), added: find(next.route) };
}
