import type { Etcd } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { EtcdLayout } from './etcd-layout.ts';
import { readParts } from './etcd-parts.ts';
import type { HistoryChange, HistoryRecord } from './types.ts';

/** A record of the history as it stands in etcd. */
interface StoredRecord {
  readonly at: string;
  readonly author: string;
  readonly hash: string;
  readonly change: string;
  /** The changes themselves, or in how many parts they are. */
  readonly changes?: readonly HistoryChange[];
  readonly parts?: number;
}

/** The value of a record's key. */
export function toRecordValue({ at, author, hash, changes }: HistoryRecord, change: string, parts?: number): string {
  const record: StoredRecord = { at, author, hash, change, ...(parts === undefined ? { changes } : { parts }) };
  return JSON.stringify(record);
}

/** Which change a record is of. */
export function toChangeOf(value: Buffer): string {
  return parseRecord(value, 0).change;
}

/** Up to `limit` records before a revision, newest first. */
export async function readHistory(
  etcd: Etcd,
  layout: EtcdLayout,
  { limit, before, first }: { readonly limit: number; readonly before: number; readonly first: number },
): Promise<readonly HistoryRecord[]> {
  // Revisions have no gaps, so that their keys are known.
  const from = Math.max(first, before - limit);
  const records: HistoryRecord[] = [];
  if (from >= before) return records;
  for await (const page of etcd.pages({ prefix: layout.history, after: layout.record(from - 1), limit: Math.min(512, before - from) })) {
    for (const { key, value } of page.kvs) {
      const revision = Number(key.slice(layout.history.length));
      if (revision >= before) return records.toReversed();
      records.push(await toRecord(etcd, layout, revision, parseRecord(value, revision)));
    }
  }
  return records.toReversed();
}

async function toRecord(etcd: Etcd, layout: EtcdLayout, revision: number, stored: StoredRecord): Promise<HistoryRecord> {
  const { at, author, hash, change, parts } = stored;
  const changes = parts === undefined ? stored.changes : (await readParts({ etcd, layout, revision, change }, parts)).changes;
  return { revision, at, author, hash, changes: changes ?? [] };
}

function parseRecord(value: Buffer, revision: number): StoredRecord {
  try {
    return JSON.parse(value.toString()) as StoredRecord;
  } catch (error) {
    throw new SekishoError('STORE_CORRUPT', `the record of revision ${revision} in etcd is damaged`, { cause: error });
  }
}
