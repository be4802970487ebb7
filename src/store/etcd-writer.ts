import { setTimeout as sleep } from 'node:timers/promises';
import { toEntityId } from '../entity/entity-key.ts';
import type { Compare, Etcd, Txn, TxnOperation } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { MAX_BYTES, MAX_OPERATIONS, toBatches } from './etcd-batches.ts';
import { isPassing, isUnknownOutcome, toStoreError } from './etcd-failure.ts';
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

/** Keys of turns that a change takes away when it is stored, and the one that it leaves when it is outrun. */
export interface TurnKeys {
  readonly spent: readonly string[];
  readonly reserve?: string | undefined;
}

/** How a try to write ended: stored at etcd's `modRevision`, or outrun by another change, which stands at `modRevision`. */
export interface Written {
  readonly isStored: boolean;
  readonly modRevision: number;
  readonly pending?: EtcdPosition['pending'];
}

/** Each record is written, and one that is too old deleted with its parts. */
const RECORD_OPERATIONS = 3;
const PAUSE_MS = 25;
/** Transactions at a time that bring entities to their keys: the disks of etcd take them together. */
const LANES = 8;

/**
 * Makes a planned change in one transaction that compares the state it was planned on. What does not fit goes into parts first; the transaction then
 * says that the change is pending, and from then on it is made for every reader, though `finishPending` has yet to write the entities to their keys.
 */
export async function writePlan(
  options: WriterOptions,
  plan: EtcdPlan,
  position: EtcdPosition,
  signal: AbortSignal,
  turns: TurnKeys = { spent: [] },
): Promise<Written> {
  const { etcd } = options;
  const { revision } = plan.next;
  const parts = fitsTransaction(plan) ? undefined : await writeBody(options, plan);
  const pending = parts === undefined ? undefined : { change: plan.change, parts };
  const txn = toTxn(options, plan, { position, pending, turns });
  try {
    // The same transaction can't be made twice: it compares what it changes. So it is asked until it is known how it went.
    const { succeeded, responses, revision: modRevision } = await persist(() => etcd.txn(txn, signal), signal);
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
    throw toStoreError(error, `the change to revision ${revision}`);
  }
}

/**
 * Writes the entities of a pending change to their keys. Any node may do so, several at once too; gives etcd's revision of the state, undefined when another
 * was faster.
 */
export async function finishPending(
  { etcd, layout }: WriterOptions,
  position: EtcdPosition,
  body: PartsBody,
  signal: AbortSignal,
): Promise<number | undefined> {
  const compare = [isAt(layout, position)];
  const { pending: _, ...finished } = position;
  const batches = toBatches(body.values.map(([key, value]) => toOperation(key, value ?? undefined))).values();
  const write = (success: readonly TxnOperation[]) => persist(() => etcd.txn({ compare, success }, signal), signal);
  let isOutrun = false;
  // Each takes the next batch that nobody has taken.
  const lane = async (): Promise<void> => {
    for (const batch of batches) {
      if (isOutrun) return;
      if (!(await write(batch)).succeeded) isOutrun = true;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  if (isOutrun) return undefined;
  const { succeeded, revision } = await write([put(layout.state, toStateValue(finished))]);
  return succeeded ? revision : undefined;
}

/** Tries what can be tried again until it is known how it went. What one try left in the dark stays so when a later one is not sent at all. */
async function persist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  let unknown: unknown;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (isUnknownOutcome(error)) unknown ??= error;
      if (signal.aborted || !isPassing(error)) throw unknown ?? error;
      await sleep(PAUSE_MS);
    }
  }
}

/** True when the plan needs no parts. One of several changes has to fit. */
export function fitsTransaction({ values, records }: EtcdPlan): boolean {
  if (values.size + RECORD_OPERATIONS * (records.length - 1) > MAX_OPERATIONS) return false;
  let bytes = Buffer.byteLength(JSON.stringify(records));
  for (const value of values.values()) bytes += Buffer.byteLength(value ?? '');
  return bytes <= MAX_BYTES;
}

async function writeBody(
  { etcd, layout }: WriterOptions,
  { next: { revision }, change, records, values, orphaning }: EtcdPlan,
): Promise<number> {
  if (orphaning.length > MAX_OPERATIONS)
    throw new SekishoError(
      'STORE_TOO_LARGE',
      `one change deletes, or gives other schemas to, ${orphaning.length} collections; ${MAX_OPERATIONS} are allowed`,
    );
  const body: PartsBody = {
    changes: records.flatMap(({ changes }) => changes),
    values: [...values].map(([key, value]) => [key, value ?? null]),
  };
  try {
    return await writeParts({ etcd, layout, revision, change }, body);
  } catch (error) {
    throw toStoreError(error, `the change to revision ${revision}`);
  }
}

function toTxn(
  { layout, historyLimit }: WriterOptions,
  plan: EtcdPlan,
  { position, pending, turns }: { readonly position: EtcdPosition; readonly pending: EtcdPosition['pending']; readonly turns: TurnKeys },
): Txn {
  const { next, values, orphaning, records, change } = plan;
  const guarded = orphaning.map((each) => {
    const id = toEntityId(each);
    return { key: layout.entity(id), documents: layout.documents(id.namespace, id.name) };
  });
  // A collection is guarded by its own key, so that this one is written at once.
  const now = pending === undefined ? [...values] : guarded.map(({ key }) => [key, values.get(key)] as const);
  const old = records.map(({ revision }) => revision - historyLimit).filter((revision) => revision > 0);
  const isEmpty = guarded.map(
    ({ documents }): Compare => ({ key: documents, isPrefix: true, target: 'createRevision', result: '=', value: 0 }),
  );
  return {
    compare: [isAt(layout, position), ...isEmpty],
    success: [
      put(layout.state, toStateValue({ ...next, ...(pending && { pending }) })),
      ...records.map((record) => put(layout.record(record.revision), toRecordValue(record, change, pending?.parts))),
      ...now.map(([key, value]) => toOperation(key, value)),
      ...old.flatMap((revision) => [{ delete: { key: layout.record(revision) } }, { delete: { prefix: layout.partsOf(revision) } }]),
      ...turns.spent.map((key) => ({ delete: { key } })),
    ],
    failure: [
      { range: { key: layout.state } },
      { range: { key: layout.record(next.revision) } },
      ...guarded.map(({ documents }): TxnOperation => ({ range: { prefix: documents, countOnly: true } })),
      ...(turns.reserve === undefined ? [] : [put(turns.reserve, '')]),
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
