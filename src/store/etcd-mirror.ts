import { ENTITY_KINDS, emptyEntities, toEntityId, toEntityKey } from '../entity/entity-key.ts';
import type { Change } from '../entity/types.ts';
import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { parseEntry } from './etcd-entry.ts';
import type { EtcdLayout } from './etcd-layout.ts';
import { EMPTY_POSITION, type EtcdPosition } from './etcd-state.ts';
import type { Body } from './sealed-entity.ts';
import type { SecretBox } from './secret-box.ts';
import type { EntityId, StoreState } from './types.ts';

/** A key beneath the followed prefix; without a value it is not there any more. */
export interface Entry {
  readonly key: string;
  readonly value: string | undefined;
  readonly modRevision: number;
}

/** What is known of a store in etcd: the text of every entity's key, and what it says. */
export interface EtcdMirror {
  /** Another object whenever the state key was written. */
  readonly position: EtcdPosition;
  find(id: EntityId): Body | undefined;
  /** etcd's revision of the entity's key; 0 when there is none. */
  modRevisionOf(id: EntityId): number;
  toState(): StoreState;
  /** Everything that is known, for the disk. */
  entries(): Iterable<Entry>;
  /** Takes over `entries` beside what is known. */
  add(position: EtcdPosition, entries: readonly Entry[]): Taken;
  /** Takes over `entries` in place of everything that is known. */
  replace(position: EtcdPosition, entries: readonly Entry[]): Taken;
}

/** What came of entries that were taken over. */
export interface Taken {
  /** Each after those that it refers to. */
  readonly changes: readonly Change[];
  /** Something is different, be it only a mask that is gone. */
  readonly isNews: boolean;
}

interface Held {
  readonly value: string;
  readonly modRevision: number;
  /** Undefined for a key that is of no entity known here. */
  readonly id: EntityId | undefined;
  /** Undefined for a deletion that masks. */
  readonly entity: Body | undefined;
}

export function createEtcdMirror(layout: EtcdLayout, box: SecretBox): EtcdMirror {
  const held = new Map<string, Held>();
  let position = EMPTY_POSITION;
  const apply = (entries: Iterable<Entry>): Taken => {
    const changes: Change[] = [];
    let isNews = false;
    for (const entry of entries) {
      const before = held.get(entry.key);
      const change = takeEntry(held, layout, box, entry);
      const after = held.get(entry.key);
      isNews ||= before?.entity !== after?.entity || before?.id?.kind !== after?.id?.kind;
      if (change !== undefined) changes.push(change);
    }
    return { changes: sortChanges(changes), isNews };
  };
  return {
    get position() {
      return position;
    },
    find: (id) => held.get(layout.entity(id))?.entity,
    modRevisionOf: (id) => held.get(layout.entity(id))?.modRevision ?? 0,
    toState: () => toState(held, position),
    *entries() {
      for (const [key, { value, modRevision }] of held) yield { key, value, modRevision };
    },
    add(next, entries) {
      position = toPosition(position, next);
      return apply(entries);
    },
    replace(next, entries) {
      position = toPosition(position, next);
      const present = new Set(entries.map(({ key }) => key));
      const gone = [...held.keys()].filter((key) => !present.has(key));
      return apply([...entries, ...gone.map((key) => ({ key, value: undefined, modRevision: 0 }))]);
    },
  };
}

/** The same object as long as nothing has changed: whoever holds it can tell. */
function toPosition(now: EtcdPosition, next: EtcdPosition): EtcdPosition {
  const isSame = next.modRevision === now.modRevision && next.store === now.store && next.hash === now.hash;
  return isSame ? now : next;
}

function takeEntry(held: Map<string, Held>, layout: EtcdLayout, box: SecretBox, { key, value, modRevision }: Entry): Change | undefined {
  const before = held.get(key);
  if (value === undefined) {
    held.delete(key);
    return before?.id !== undefined && before.entity !== undefined ? { op: 'delete', ...before.id } : undefined;
  }
  if (before?.value === value) {
    held.set(key, { ...before, modRevision });
    return undefined;
  }
  const id = layout.toEntityId(key);
  if (id === undefined) {
    held.set(key, { value, modRevision, id, entity: undefined });
    observe({ type: 'store.damaged', key, reason: 'it is of no kind of entity that this version knows' });
    return undefined;
  }
  try {
    const entity = parseEntry(box, id, value);
    held.set(key, { value, modRevision, id, entity });
    return entity === undefined ? { op: 'delete', ...id } : ({ op: 'put', kind: id.kind, entity } as unknown as Change);
  } catch (error) {
    // The last good version is served on.
    held.set(key, { value, modRevision, id: before?.entity && id, entity: before?.entity });
    observe({ type: 'store.damaged', key, reason: toSekishoError(error).message });
    return undefined;
  }
}

function toState(held: ReadonlyMap<string, Held>, { revision, hash }: EtcdPosition): StoreState {
  const entities = emptyEntities();
  const masked: EntityId[] = [];
  for (const { id, entity } of held.values()) {
    if (id === undefined) continue;
    if (entity === undefined) masked.push(id);
    // The entry was parsed under a key of that kind.
    else (entities[id.kind] as Map<string, unknown>).set(toEntityKey(id.kind, id.namespace, id.name), entity);
  }
  return { entities, revision, hash, masked };
}

/** Puts in the order of references, then deletions in the opposite one. */
function sortChanges(changes: readonly Change[]): readonly Change[] {
  if (changes.length < 2) return changes;
  const rank = (change: Change): number => {
    const order = ENTITY_KINDS.indexOf(toEntityId(change).kind);
    return change.op === 'put' ? order : 2 * ENTITY_KINDS.length - order;
  };
  return changes.toSorted((a, b) => rank(a) - rank(b));
}
