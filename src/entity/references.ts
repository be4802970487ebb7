import { EntityError } from './entity-error.ts';
import { emptyEntities, toEntityId, toEntityKey, toKeyPrefix } from './entity-key.ts';
import { emptyClaims, type RouteClaims, replaceClaims } from './route-claims.ts';
import type { Change, Entities, EntityId, EntityKind, EntityTypes, Route } from './types.ts';

/** Entities without a dangling reference, and the index that keeps it so cheaply. Immutable. */
export interface EntityGraph {
  readonly entities: Entities;
  readonly claims: RouteClaims;
}

/** Kinds that keep a namespace from being deleted, in the order in which they are named. */
const NAMESPACED = ['route', 'service', 'module', 'domain', 'collection', 'secret'] as const;
const PLURALS = {
  route: 'routes',
  service: 'services',
  module: 'modules',
  domain: 'domains',
  collection: 'collections',
  secret: 'secrets',
} as const;

type MutableEntities = { -readonly [K in EntityKind]: Map<string, EntityTypes[K]> };
type Touched = Map<string, EntityId>;

/** The graph of no entity. */
export function emptyGraph(): EntityGraph {
  return { entities: emptyEntities(), claims: emptyClaims() };
}

/**
 * The graph after `changes`, applied together; the order inside the list matters only for several changes of one entity. The given graph is not touched.
 * ENTITY_NOT_FOUND for a deletion of what is not there, ENTITY_REFERENCE for a put that names something missing, ENTITY_IN_USE for a deletion of what others
 * name, ENTITY_CONFLICT for two routes with the same path and method.
 */
export function applyChanges(graph: EntityGraph, changes: readonly Change[]): EntityGraph {
  const before = graph.entities;
  const { next, touched } = edit(before, changes);
  for (const id of touched.values()) {
    const entity = next[id.kind].get(toEntityKey(id.kind, id.namespace, id.name));
    if (entity === undefined) checkDeletion(next, id);
    else checkPut(next, id, entity);
  }
  return { entities: next, claims: editClaims(graph, next, touched) };
}

function edit(before: Entities, changes: readonly Change[]): { readonly next: Entities; readonly touched: Touched } {
  const next = { ...before } as MutableEntities;
  const touched: Touched = new Map();
  for (const change of changes) {
    const id = toEntityId(change);
    const key = toEntityKey(id.kind, id.namespace, id.name);
    // Only the maps of kinds that are touched are copied.
    if (next[id.kind] === before[id.kind]) Object.assign(next, { [id.kind]: new Map(before[id.kind]) });
    const map = next[id.kind] as Map<string, unknown>;
    if (change.op === 'put') map.set(key, change.entity);
    else if (!map.delete(key)) throw new EntityError('ENTITY_NOT_FOUND', id, `${id.kind} not found: ${id.name}`);
    touched.set(`${id.kind}\n${key}`, id);
  }
  return { next, touched };
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

function checkDeletion(next: Entities, id: EntityId): void {
  const { kind, namespace, name } = id;
  if (kind === 'namespace') {
    const prefix = toKeyPrefix(name);
    for (const other of NAMESPACED)
      refuse(
        id,
        PLURALS[other],
        filterNames<{ readonly name: string }>(next[other], (_, key) => key.startsWith(prefix)),
      );
  } else if (kind === 'service') {
    refuse(
      id,
      'routes',
      filterNames(next.route, (route) => route.service === name && route.namespace === namespace),
    );
  } else if (kind === 'module') {
    refuse(
      id,
      'routes',
      filterNames(next.route, (route) => route.namespace === namespace && route.modules?.includes(name) === true),
    );
  }
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

function editClaims(graph: EntityGraph, next: Entities, touched: Touched): RouteClaims {
  if (next.route === graph.entities.route) return graph.claims;
  const removed: Route[] = [];
  const added: Route[] = [];
  for (const { kind, namespace, name } of touched.values()) {
    if (kind !== 'route') continue;
    const key = toEntityKey(kind, namespace, name);
    const old = graph.entities.route.get(key);
    const now = next.route.get(key);
    if (old !== undefined) removed.push(old);
    if (now !== undefined) added.push(now);
  }
  return replaceClaims(graph.claims, removed, added);
}
