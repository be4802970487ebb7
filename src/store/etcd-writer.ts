import { setTimeout as sleep } from 'node:timers/promises';
import { toEntityId } from '../entity/entity-key.ts';
import type { Compare, Etcd, Txn, TxnOperation } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { MAX_BYTES, MAX_OPERATIONS, toBatches } from './etcd-batches.ts';
import { isPassing, toStoreError } from './etcd-failure.ts';
import { toChangeOf, toRecordValue } from './etcd-history.ts';
import type { EtcdLayout } from './etcd-layout.ts';
import { type PartsBody, writeParts } from './etcd-parts.ts';
import type { EtcdPlan } from './etcd-plan.ts';
import { type EtcdPosition, toStateValue } from './etcd-state.ts';
import { collectionNotEmpty } from './store-rules.ts';

export interface WriterOptions {
  readonly etcd: Etcd;
  readonly layout: EtcdLayout;
  readonly historyLimit: number;
}

/** How a try to write ended: stored at etcd's `modRevision`, or outrun by another change, which stands at `modRevision`. */
export interface Written {
  readonly isStored: boolean;
  readonly modRevision: number;
  readonly pending?: EtcdPosition['pending'];
}

const PAUSE_MS = 25;

/**
 * Makes a planned change in one transaction that compares the state it was planned on. What does not fit goes into parts first; the transaction then
 * says that the change is pending, and from then on it is made for every reader, though `finishPending` has yet to write the entities to their keys.
 */
export async function writePlan(options: WriterOptions, plan: EtcdPlan, position: EtcdPosition, signal: AbortSignal): Promise<Written> {
  const { etcd } = options;
  const { revision } = plan.next;
  const parts = fitsOne(plan) ? undefined : await writeBody(options, plan);
  const pending = parts === undefined ? undefined : { change: plan.change, parts };
  const txn = toTxn(options, plan, position, pending);
  for (;;) {
    try {
      const { succeeded, responses, revision: modRevision } = await etcd.txn(txn, signal);
      if (succeeded) return { isStored: true, modRevision, ...(pending && { pending }) };
      const [state, record, ...counts] = responses.map((response) => (response.type === 'range' ? response.result : undefined));
      const made = record?.kvs[0];
      if (made !== undefined && toChangeOf(made.value) === plan.change)
        return { isStored: true, modRevision: made.modRevision, ...(pending && { pending }) };
      const found = state?.kvs[0]?.modRevision ?? 0;
      const orphaning = plan.orphaning.find((_, index) => (counts[index]?.count ?? 0) > 0);
      if (found === position.modRevision && orphaning !== undefined) throw collectionNotEmpty(orphaning);
      return { isStored: false, modRevision: found };
    } catch (error) {
      // The same transaction can't be made twice: it compares what it changes. So it is asked until it is known how it went.
      if (signal.aborted || !isPassing(error)) throw toStoreError(error, `the change to revision ${revision}`);
      await sleep(PAUSE_MS);
    }
  }
}

/** Writes the entities of a pending change to their keys. Any node may do so, several at once too; gives etcd's revision of the state, undefined when another was faster. */
export async function finishPending({ etcd, layout }: WriterOptions, position: EtcdPosition, body: PartsBody): Promise<number | undefined> {
  const compare = [isAt(layout, position)];
  const { pending: _, ...finished } = position;
  for (const operations of toBatches(body.values.map(([key, value]) => toOperation(key, value ?? undefined)))) {
    if (!(await etcd.txn({ compare, success: operations })).succeeded) return undefined;
  }
  const { succeeded, revision } = await etcd.txn({ compare, success: [put(layout.state, toStateValue(finished))] });
  return succeeded ? revision : undefined;
}

function fitsOne({ values, changes }: EtcdPlan): boolean {
  if (values.size > MAX_OPERATIONS) return false;
  let bytes = Buffer.byteLength(JSON.stringify(changes));
  for (const value of values.values()) bytes += Buffer.byteLength(value ?? '');
  return bytes <= MAX_BYTES;
}

async function writeBody(
  { etcd, layout }: WriterOptions,
  { next: { revision }, change, changes, values, orphaning }: EtcdPlan,
): Promise<number> {
  if (orphaning.length > MAX_OPERATIONS)
    throw new SekishoError(
      'STORE_TOO_LARGE',
      `one change deletes, or gives other schemas to, ${orphaning.length} collections; ${MAX_OPERATIONS} are allowed`,
    );
  const body: PartsBody = { changes, values: [...values].map(([key, value]) => [key, value ?? null]) };
  try {
    return await writeParts({ etcd, layout, revision, change }, body);
  } catch (error) {
    throw toStoreError(error, `the change to revision ${revision}`);
  }
}

function toTxn({ layout, historyLimit }: WriterOptions, plan: EtcdPlan, position: EtcdPosition, pending: EtcdPosition['pending']): Txn {
  const { next, values, orphaning } = plan;
  const guarded = orphaning.map((change) => {
    const id = toEntityId(change);
    return { key: layout.entity(id), documents: layout.documents(id.namespace, id.name) };
  });
  // A collection is guarded by its own key, so that this one is written at once.
  const now = pending === undefined ? [...values] : guarded.map(({ key }) => [key, values.get(key)] as const);
  const old = next.revision - historyLimit;
  const isEmpty = guarded.map(
    ({ documents }): Compare => ({ key: documents, isPrefix: true, target: 'createRevision', result: '=', value: 0 }),
  );
  return {
    compare: [isAt(layout, position), ...isEmpty],
    success: [
      put(layout.state, toStateValue({ ...next, ...(pending && { pending }) })),
      put(layout.record(next.revision), toRecordValue(plan, pending?.parts)),
      ...now.map(([key, value]) => toOperation(key, value)),
      ...(old > 0 ? [{ delete: { key: layout.record(old) } }, { delete: { prefix: layout.partsOf(old) } }] : []),
    ],
    failure: [
      { range: { key: layout.state } },
      { range: { key: layout.record(next.revision) } },
      ...guarded.map(({ documents }): TxnOperation => ({ range: { prefix: documents, countOnly: true } })),
    ],
  };
}

function isAt(layout: EtcdLayout, { modRevision }: EtcdPosition): Compare {
  return { key: layout.state, target: 'modRevision', result: '=', value: modRevision };
}

function toOperation(key: string, value: string | undefined): TxnOperation {
  return value === undefined ? { delete: { key } } : put(key, value);
}

function put(key: string, value: string): TxnOperation {
  return { put: { key, value } };
}
