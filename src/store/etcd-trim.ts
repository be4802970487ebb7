import type { Etcd } from '../etcd/types.ts';
import type { EtcdLayout } from './etcd-layout.ts';

/** Revisions whose records go in one transaction: each key counts in etcd's log. */
const STEP = 500;

/**
 * Deletes the records of the history before the revision `first`, with their parts, step by step. A change takes away the one that it pushes out; what
 * is left here is what a lower limit, or another node's, has left behind. Gives how many records went.
 */
export async function trimHistory(etcd: Etcd, layout: EtcdLayout, first: number, signal?: AbortSignal): Promise<number> {
  let deleted = 0;
  for (;;) {
    const [oldest] = (await etcd.range({ prefix: layout.history, limit: 1, keysOnly: true }, signal)).kvs;
    const from = oldest === undefined ? first : Number(oldest.key.slice(layout.history.length));
    if (!(from < first)) return deleted;
    const end = Math.min(first, from + STEP);
    const success = [
      { delete: { key: layout.record(from), end: layout.record(end) } },
      { delete: { key: layout.allParts, end: layout.partsOf(end) } },
    ];
    const [records] = (await etcd.txn({ success }, signal)).responses;
    deleted += records?.type === 'delete' ? records.deleted : 0;
  }
}
