import type { Compare, KeyTarget, RangeQuery, Txn, TxnOperation } from './types.ts';
import type { Message } from './wire.ts';

/** Base64 of a key or value. */
export function toBase64(data: string | Buffer): string {
  return Buffer.from(data).toString('base64');
}

/** The key fields of one key, of those from `key` to `end`, or of all keys that begin with `prefix`, from `start` on. */
export function toKeyRange(target: KeyTarget, start?: Buffer): Message {
  const { key, prefix, end } = target;
  if (key !== undefined && prefix === undefined) return { key: toBase64(key), ...(end !== undefined && { range_end: toBase64(end) }) };
  if (prefix === undefined || key !== undefined) throw new Error('a range has either a key or a prefix');
  // A key is never empty: etcd takes a zero byte for "from the first key on".
  const from = start ?? (prefix === '' ? Buffer.of(0) : Buffer.from(prefix));
  return { key: toBase64(from), range_end: toBase64(toPrefixEnd(prefix)) };
}

/** The first key behind all that begin with `prefix`. */
function toPrefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i -= 1) {
    const byte = end[i] ?? 0;
    if (byte < 0xff) {
      end[i] = byte + 1;
      return end.subarray(0, i + 1);
    }
  }
  return Buffer.of(0);
}

/** The first key after `key` in byte order. */
export function toKeyAfter(key: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(key), Buffer.of(0)]);
}

/** The request of a range read; `start` overrides `query.after`. */
export function toRangeRequest(query: RangeQuery, start = query.after === undefined ? undefined : toKeyAfter(query.after)): Message {
  return {
    ...toKeyRange(query, start),
    ...(query.revision !== undefined && { revision: String(query.revision) }),
    ...(query.limit !== undefined && { limit: String(query.limit) }),
    ...(query.keysOnly === true && { keys_only: true }),
    ...(query.countOnly === true && { count_only: true }),
    ...(query.serializable === true && { serializable: true }),
  };
}

/** The request of a transaction. */
export function toTxnRequest(txn: Txn): Message {
  return {
    compare: (txn.compare ?? []).map(toCompare),
    success: txn.success.map(toOperation),
    failure: (txn.failure ?? []).map(toOperation),
  };
}

const TARGET = { createRevision: 'CREATE', modRevision: 'MOD', version: 'VERSION', value: 'VALUE', lease: 'LEASE' } as const;
const FIELD = {
  createRevision: 'create_revision',
  modRevision: 'mod_revision',
  version: 'version',
  value: 'value',
  lease: 'lease',
} as const;
const RESULT = { '=': 'EQUAL', '!=': 'NOT_EQUAL', '<': 'LESS', '>': 'GREATER' } as const;

function toCompare(compare: Compare): Message {
  const value = compare.target === 'value' ? toBase64(compare.value) : String(compare.value);
  const range = 'isPrefix' in compare ? { range_end: toBase64(toPrefixEnd(compare.key)) } : {};
  return {
    key: toBase64(compare.key),
    ...range,
    target: TARGET[compare.target],
    result: RESULT[compare.result],
    [FIELD[compare.target]]: value,
  };
}

function toOperation(operation: TxnOperation): Message {
  if ('put' in operation) return { request_put: toPutRequest(operation.put) };
  if ('range' in operation) return { request_range: toRangeRequest(operation.range) };
  const { prevKv, ...target } = operation.delete;
  return { request_delete_range: { ...toKeyRange(target), ...(prevKv === true && { prev_kv: true }) } };
}

/** The request of a put. */
export function toPutRequest(put: {
  readonly key: string;
  readonly value: string | Buffer;
  readonly lease?: string;
  readonly prevKv?: boolean;
}): Message {
  return {
    key: toBase64(put.key),
    value: toBase64(put.value),
    ...(put.lease !== undefined && { lease: put.lease }),
    ...(put.prevKv === true && { prev_kv: true }),
  };
}
