import { SekishoError } from '../lib/errors.ts';
import { emptyEntities, ENTITY_KINDS, toEntityId, toEntityKey, toKeyPrefix } from './entity-key.ts';
import { emptyClaims, replaceClaims, type RouteClaims } from './route-claims.ts';
import type { Change, Entities, EntityKind, EntityTypes, Route } from './types.ts';

/** Entities without a dangling reference, and the index that keeps it so cheaply. Immutable. */
export interface EntityGraph {
  readonly entities: Entities;
  readonly claims: RouteClaims;
}

/** Kinds that keep a namespace from being deleted, in the order in which they are named. */
const NAMESPACED = ['route', 'service', 'module', 'domain', 'collection', 'secret'] as const;
const PLURALS = { route: 'routes', service: 'services', module: 'modules', domain: 'domains', collection: 'collections', secret: 'secrets' } as const;

type MutableEntities = { -readonly [K in EntityKind]: Map<string, EntityTypes[K]> };
type Touched = Map<string, { readonly kind: EntityKind; readonly namespace: string; readonly name: string }>;

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
  for (const { kind, namespace, name } of touched.values()) {
    const entity = next[kind].get(toEntityKey(kind, namespace, name));
    if (entity === undefined) checkDeletion(next, kind, namespace, name);
    else checkPut(next, kind, entity);
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
    else if (!map.delete(key)) throw new SekishoError('ENTITY_NOT_FOUND', `${id.kind} not found: ${id.name}`);
    touched.set(`${id.kind}\n${key}`, id);
  }
  return { next, touched };
}

function checkPut(next: Entities, kind: EntityKind, entity: EntityTypes[EntityKind]): void {
  if (!('namespace' in entity)) return;
  if (!next.namespace.has(entity.namespace)) throw dangling('namespace', entity.namespace, '/namespace');
  if (kind !== 'route') return;
  const { namespace, service, modules } = entity as Route;
  if (service !== undefined && !next.service.has(toEntityKey('service', namespace, service))) throw dangling('service', service, '/service');
  for (const [index, module] of (modules ?? []).entries()) {
    if (!next.module.has(toEntityKey('module', namespace, module))) throw dangling('module', module, `/modules/${index}`);
  }
}

function checkDeletion(next: Entities, kind: EntityKind, namespace: string, name: string): void {
  if (kind === 'namespace') {
    const prefix = toKeyPrefix(name);
    for (const other of NAMESPACED) refuse(`namespace: ${name}: ${PLURALS[other]}`, filterNames<{ readonly name: string }>(next[other], (_, key) => key.startsWith(prefix)));
  } else if (kind === 'service') {
    refuse(`service: ${name}: routes`, filterNames(next.route, (route) => route.service === name && route.namespace === namespace));
  } else if (kind === 'module') {
    refuse(`module: ${name}: routes`, filterNames(next.route, (route) => route.namespace === namespace && route.modules?.includes(name) === true));
  }
}

function filterNames<T extends { readonly name: string }>(map: ReadonlyMap<string, T>, isUser: (entity: T, key: string) => boolean): readonly string[] {
  const names: string[] = [];
  for (const [key, entity] of map) if (isUser(entity, key)) names.push(entity.name);
  return names;
}

function refuse(what: string, users: readonly string[]): void {
  if (users.length === 0) return;
  const shown = users.slice(0, 3).join(', ') + (users.length > 3 ? ` and ${users.length - 3} more` : '');
  throw new SekishoError('ENTITY_IN_USE', `cannot delete ${what} still linked (${shown})`);
}

function dangling(kind: EntityKind, name: string, pointer: string): SekishoError {
  const detail = `${kind} not found: ${name}`;
  return new SekishoError('ENTITY_REFERENCE', detail, { errors: [{ pointer, detail }] });
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

/** The changes that make `entities` out of nothing, every entity after those that it refers to. */
export function toPuts(entities: Entities): readonly Change[] {
  const changes: Change[] = [];
  for (const kind of ENTITY_KINDS) {
    // Kind and entity belong together: both come from the map of that kind.
    for (const entity of entities[kind].values()) changes.push({ op: 'put', kind, entity } as Change);
  }
  return changes;
}
