import type { Change, Entities, EntityId, EntityKind } from './types.ts';

/** The kinds in the order of their references: a kind refers only to kinds before it. */
export const ENTITY_KINDS = [
  'namespace',
  'module',
  'service',
  'collection',
  'secret',
  'domain',
  'route',
] as const satisfies readonly EntityKind[];

/** The key of an entity in `Entities`: its name for a namespace, else `namespace/name`, which is unique since names of namespaces have no `/`. */
export function toEntityKey(kind: EntityKind, namespace: string, name: string): string {
  return kind === 'namespace' ? name : `${toKeyPrefix(namespace)}${name}`;
}

/** What the keys of all entities of `namespace` begin with (namespaces themselves excepted). */
export function toKeyPrefix(namespace: string): string {
  return `${namespace}/`;
}

/** Kind, namespace (empty for namespaces) and name of what `change` is about. */
export function toEntityId(change: Change): EntityId {
  if (change.op === 'delete')
    return { kind: change.kind, namespace: change.kind === 'namespace' ? '' : change.namespace, name: change.name };
  return { kind: change.kind, namespace: 'namespace' in change.entity ? change.entity.namespace : '', name: change.entity.name };
}

/** A state without any entity. */
export function emptyEntities(): Entities {
  return {
    namespace: new Map(),
    domain: new Map(),
    service: new Map(),
    route: new Map(),
    module: new Map(),
    collection: new Map(),
    secret: new Map(),
  };
}
