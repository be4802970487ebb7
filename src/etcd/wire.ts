import { isRecord } from './etcd-error.ts';
import type { Alarm, KeyValue, Member, RangeResult, TxnResponse, TxnResult, WatchEvent } from './types.ts';

/** A message of the gateway as JSON.parse gives it: bytes are base64, 64-bit numbers are texts, and what is zero or empty is absent. */
export type Message = Readonly<Record<string, unknown>>;

const EMPTY: Message = {};

/** The field as a message; one without fields when it is absent. */
export function toMessage(value: unknown): Message {
  return isRecord(value) ? value : EMPTY;
}

/** The field as a list of messages. */
export function toMessages(value: unknown): readonly Message[] {
  return Array.isArray(value) ? value.map(toMessage) : [];
}

/** A counter of etcd. Throws when it is past 2^53: better an error than a revision that is off by one. */
export function toNumber(value: unknown): number {
  if (value === undefined) return 0;
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new Error(`etcd gave ${JSON.stringify(value).slice(0, 40)} where a whole number below 2^53 was expected`);
  return number;
}

/** An id: decimal text, because ids pass 2^53; `0` when absent. */
export function toId(value: unknown): string {
  return typeof value === 'string' ? value : String(typeof value === 'number' ? value : 0);
}

/** Text; empty when absent. */
export function toText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Bytes from base64. */
export function toBytes(value: unknown): Buffer {
  return Buffer.from(toText(value), 'base64');
}

/** The store's revision in the header of an answer. */
export function toRevision(message: Message): number {
  return toNumber(toMessage(message.header).revision);
}

/** One key. */
export function toKeyValue(message: Message): KeyValue {
  return {
    key: toBytes(message.key).toString(),
    value: toBytes(message.value),
    createRevision: toNumber(message.create_revision),
    modRevision: toNumber(message.mod_revision),
    version: toNumber(message.version),
    lease: toId(message.lease),
  };
}

/** The answer of a range read; `revision` is for one inside of a transaction, whose header has it too. */
export function toRangeResult(message: Message): RangeResult {
  return {
    revision: toRevision(message),
    kvs: toMessages(message.kvs).map(toKeyValue),
    count: toNumber(message.count),
    more: message.more === true,
  };
}

/** The answer of a transaction. */
export function toTxnResult(message: Message): TxnResult {
  return {
    succeeded: message.succeeded === true,
    revision: toRevision(message),
    responses: toMessages(message.responses).map(toTxnResponse),
  };
}

function toTxnResponse(message: Message): TxnResponse {
  if (message.response_range !== undefined) return { type: 'range', result: toRangeResult(toMessage(message.response_range)) };
  if (message.response_delete_range !== undefined) {
    const answer = toMessage(message.response_delete_range);
    return { type: 'delete', deleted: toNumber(answer.deleted), previous: toMessages(answer.prev_kvs).map(toKeyValue) };
  }
  const { prev_kv: previous } = toMessage(message.response_put);
  return { type: 'put', ...(previous !== undefined && { previous: toKeyValue(toMessage(previous)) }) };
}

/** One event of a watch. */
export function toWatchEvent(message: Message): WatchEvent {
  const { type, kv } = message;
  return {
    type: type === 'DELETE' ? 'delete' : 'put',
    kv: toKeyValue(toMessage(kv)),
  };
}

/** One member of the cluster. */
export function toMember(message: Message): Member {
  return {
    id: toId(message.ID),
    name: toText(message.name),
    peerUrls: toTexts(message.peerURLs),
    clientUrls: toTexts(message.clientURLs),
    isLearner: message.isLearner === true,
  };
}

/** One alarm of a member. */
export function toAlarm(message: Message): Alarm {
  return { memberId: toId(message.memberID), alarm: toText(message.alarm) };
}

/** A list of texts. */
export function toTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
