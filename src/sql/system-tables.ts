import type { Dialect } from './dialect.ts';
import { createRecordTable, RECORD_TABLE } from './table-record.ts';

/** The event log: rows that changes of resources leave in their transaction (Gohan's table). */
export const EVENTS_TABLE = 'events';
/** Stored answers of requests with an Idempotency-Key. */
export const ANSWERS_TABLE = 'sekisho_answers';

/** How long a stored answer is kept. */
export const ANSWER_LIFETIME_S = 24 * 3600;

/** CREATE TABLE statements of the tables that every database of resources has, by table. */
export function systemTables(dialect: Dialect): ReadonlyMap<string, string> {
  const { quote: q, typeOf, tableOptions } = dialect;
  const short = 'varchar(255)';
  const events = [
    `${q('id')} ${dialect.countedKey}`,
    `${q('type')} ${short} NOT NULL`,
    `${q('path')} ${typeOf('text')} NOT NULL`,
    `${q('timestamp')} ${typeOf('integer')} NOT NULL`,
    `${q('version')} ${typeOf('integer')} NOT NULL`,
    `${q('body')} ${typeOf('text')} NOT NULL`,
    `${q('sync_plain')} ${typeOf('boolean')} NOT NULL`,
    `${q('sync_property')} ${typeOf('text')} NOT NULL`,
  ];
  const answers = [
    `${q('key')} ${short} NOT NULL PRIMARY KEY`,
    `${q('fingerprint')} ${short} NOT NULL`,
    `${q('status')} ${typeOf('integer')} NOT NULL`,
    `${q('body')} ${typeOf('text')} NOT NULL`,
    `${q('created_at')} ${typeOf('integer')} NOT NULL`,
  ];
  const create = (table: string, columns: readonly string[]): string =>
    `CREATE TABLE ${q(table)} (\n  ${columns.join(',\n  ')}\n)${tableOptions}`;
  return new Map([
    [EVENTS_TABLE, create(EVENTS_TABLE, events)],
    [ANSWERS_TABLE, create(ANSWERS_TABLE, answers)],
    [RECORD_TABLE, createRecordTable(dialect)],
  ]);
}

/** INSERT of the named columns with one row of placeholders. */
export function insertInto(dialect: Dialect, table: string, columns: readonly string[]): string {
  const names = columns.map((column) => dialect.quote(column)).join(',');
  return `INSERT INTO ${dialect.quote(table)} (${names}) VALUES (${columns.map((_, index) => dialect.placeholder(index + 1)).join(',')})`;
}
