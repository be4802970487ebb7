import { randomUUID } from 'node:crypto';
import { toEntityId } from '../entity/entity-key.ts';
import type { Change } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { toChainHash, toHistoryChanges } from './change-record.ts';
import { toEntry } from './etcd-entry.ts';
import type { EtcdLayout } from './etcd-layout.ts';
import type { EtcdPosition } from './etcd-state.ts';
import type { Body } from './sealed-entity.ts';
import type { SecretBox } from './secret-box.ts';
import { toOrphaning } from './store-rules.ts';
import type { EntityId, HistoryRecord, PutStep } from './types.ts';

/** Changes as they will stand in etcd after one transaction. */
export interface EtcdPlan {
  /** Tells that a transaction which may or may not have been made is this one. */
  readonly change: string;
  /** Where the history ends with it. */
  readonly next: EtcdPosition;
  /** In order; the last one is that of `next`. */
  readonly records: readonly HistoryRecord[];
  /** What is written to the keys of entities; undefined deletes. */
  readonly values: ReadonlyMap<string, string | undefined>;
  /** Changes that are not made while their collections hold documents. */
  readonly orphaning: readonly Change[];
}

export interface PlanContext {
  readonly layout: EtcdLayout;
  readonly box: SecretBox;
  readonly position: EtcdPosition;
  readonly find: (id: EntityId) => Body | undefined;
  readonly isMask: (id: EntityId) => boolean;
}

/** Largest value of one key. etcd takes 1.5 MiB for a whole transaction. */
export const MAX_VALUE_BYTES = 1024 * 1024;

/** What `steps`, each with a revision of its own, mean on the ground of `position`. STORE_TOO_LARGE for an entity over 1 MiB. */
export function toEtcdPlan({ layout, box, position, find, isMask }: PlanContext, steps: readonly PutStep[]): EtcdPlan {
  const values = new Map<string, string | undefined>();
  const bodies = new Map<string, Body | undefined>();
  const records: HistoryRecord[] = [];
  const orphaning: Change[] = [];
  const findNow = (id: EntityId): Body | undefined => {
    const key = layout.entity(id);
    return bodies.has(key) ? bodies.get(key) : find(id);
  };
  const at = new Date().toISOString();
  let { revision, hash } = position;
  for (const { changes, author } of steps) {
    const history = toHistoryChanges(changes, findNow);
    orphaning.push(...toOrphaning(changes, findNow));
    for (const change of changes) {
      const id = toEntityId(change);
      const entity = change.op === 'put' ? { ...change.entity } : undefined;
      const value = entity !== undefined || isMask(id) ? toEntry(box, id, entity) : undefined;
      if (value !== undefined) checkSize(`the ${id.kind} ${id.name}`, value);
      values.set(layout.entity(id), value);
      bodies.set(layout.entity(id), entity);
    }
    revision += 1;
    hash = toChainHash(hash, history);
    records.push({ revision, hash, at, author, changes: history });
  }
  const next = { revision, hash, store: position.store || randomUUID(), key: box.fingerprint, modRevision: 0 };
  return { change: randomUUID(), next, records, values, orphaning };
}

/** STORE_TOO_LARGE when `value` is over 1 MiB. */
export function checkSize(what: string, value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes <= MAX_VALUE_BYTES) return;
  const size = (bytes / MAX_VALUE_BYTES).toFixed(2);
  throw new SekishoError('STORE_TOO_LARGE', `${what} is too large for a store on etcd: ${size} MiB (${bytes} bytes), 1 MiB is allowed`);
}
