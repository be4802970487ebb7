import { isDeepStrictEqual } from 'node:util';
import { ENTITY_KINDS, toEntityId, toEntityKey } from '../entity/entity-key.ts';
import type { Change, Entities, EntityKind } from '../entity/types.ts';
import { type MapEdit, SharedMap } from '../lib/shared-map.ts';
import type { EntityId, StoreState } from './types.ts';

export type Put = Extract<Change, { op: 'put' }>;

/**
 * Two layers: what the configuration file defines lies below what is stored. A stored entity hides the one below; a stored deletion masks it.
 *
 *   served = stored ∪ (base − stored − masked)
 */
export interface Layers {
  readonly base: ReadonlyMap<string, Put>;
  /** What lies above it, by `toIdKey`. */
  readonly above: SharedMap<'stored' | 'masked'>;
}

/** Text that is unique for an entity over all kinds. */
export function toIdKey({ kind, namespace, name }: EntityId): string {
  return `${kind}\n${toEntityKey(kind, namespace, name)}`;
}

/** The base layer of the configuration's entities, with the default namespace below them unless it is disabled. Deletions are ignored. */
export function toBase(changes: readonly Change[], hasDefaultNamespace: boolean): ReadonlyMap<string, Put> {
  const base = new Map<string, Put>();
  const add = (put: Put) => base.set(toIdKey(toEntityId(put)), put);
  if (hasDefaultNamespace) add({ op: 'put', kind: 'namespace', entity: { name: 'default', tags: ['default'] } });
  for (const change of changes) if (change.op === 'put') add(change);
  return base;
}

/** The layers at the start, and everything that is to be served, each entity after those that it refers to. */
export function toLayers(base: ReadonlyMap<string, Put>, state: StoreState): { readonly layers: Layers; readonly puts: readonly Put[] } {
  const stored = new Map<string, Put>();
  for (const kind of ENTITY_KINDS) for (const put of toPutsOf(kind, state.entities)) stored.set(toIdKey(toEntityId(put)), put);
  const masked = new Set(state.masked.map(toIdKey));
  const visible = [...base].filter(([key]) => !stored.has(key) && !masked.has(key)).map(([, put]) => put);
  const above = new SharedMap<'stored' | 'masked'>().with([
    ...[...masked].map((key) => [key, 'masked'] as const),
    ...[...stored.keys()].map((key) => [key, 'stored'] as const),
  ]);
  return { layers: { base, above }, puts: sortPuts([...visible, ...stored.values()]) };
}

/** The layers after stored changes. */
export function withStored({ base, above }: Layers, changes: readonly Change[]): Layers {
  const edits = changes.map((change): MapEdit<'stored' | 'masked'> => {
    const key = toIdKey(toEntityId(change));
    if (change.op === 'put') return [key, 'stored'];
    return [key, base.has(key) ? 'masked' : undefined];
  });
  return { base, above: above.with(edits) };
}

/** What changes in the served entities when `base` takes the place of the base layer. */
export function diffBase(layers: Layers, base: ReadonlyMap<string, Put>, served: Entities): readonly Change[] {
  const isHidden = (key: string) => layers.above.has(key);
  const find = (id: EntityId): unknown => served[id.kind].get(toEntityKey(id.kind, id.namespace, id.name));
  const puts = [...base]
    .filter(([key, put]) => !isHidden(key) && !isDeepStrictEqual(find(toEntityId(put)), put.entity))
    .map(([, put]) => put);
  const deletions: Change[] = [];
  for (const [key, put] of layers.base) {
    const id = toEntityId(put);
    if (!base.has(key) && !isHidden(key) && find(id) !== undefined) deletions.push({ op: 'delete', ...id });
  }
  return [...sortPuts(puts), ...deletions];
}

/** The changes that lead from what is served to `puts` and nothing else. */
export function diffServed(puts: readonly Put[], served: Entities): readonly Change[] {
  const wanted = new Set(puts.map((put) => toIdKey(toEntityId(put))));
  const news = puts.filter((put) => {
    const { kind, namespace, name } = toEntityId(put);
    return !isDeepStrictEqual(served[kind].get(toEntityKey(kind, namespace, name)), put.entity);
  });
  const ids = ENTITY_KINDS.flatMap((kind) => toPutsOf(kind, served).map(toEntityId));
  const deletions = ids.filter((id) => !wanted.has(toIdKey(id))).map((id): Change => ({ op: 'delete', ...id }));
  return [...news, ...deletions.toReversed()];
}

function toPutsOf(kind: EntityKind, entities: Entities): readonly Put[] {
  // Kind and entity belong together: both come from the map of that kind.
  return [...entities[kind].values()].map((entity) => ({ op: 'put', kind, entity }) as Put);
}

function sortPuts(puts: readonly Put[]): readonly Put[] {
  return puts.toSorted((a, b) => ENTITY_KINDS.indexOf(a.kind) - ENTITY_KINDS.indexOf(b.kind));
}
