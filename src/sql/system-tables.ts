import type { Dialect } from './dialect.ts';
import { createRecordTable, RECORD_TABLE } from './table-record.ts';

/** The event log: rows that changes of resources leave in their transaction (Gohan's table). */
export const EVENTS_TABLE = 'events';
/** Stored answers of requests with an Idempotency-Key. */
export const ANSWERS_TABLE = 'sekisho_answers';

/** Where streams of the database's replication were acknowledged, by the name of the stream. */
export const POSITIONS_TABLE = 'sekisho_positions';
/** Offices that are held in the database, where there is no etcd. */
export const LEASES_TABLE = 'sekisho_leases';
/** Changes on their way to receivers of webhooks, and dead letters. */
export const WEBHOOK_EVENTS_TABLE = 'sekisho_webhook_events';

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
  const positions = [
    `${q('name')} ${short} NOT NULL PRIMARY KEY`,
    `${q('position')} ${typeOf('text')} NOT NULL`,
    `${q('mark')} ${short} NOT NULL`,
  ];
  const leases = [
    `${q('name')} ${short} NOT NULL PRIMARY KEY`,
    `${q('holder')} ${short} NOT NULL`,
    `${q('term')} ${typeOf('integer')} NOT NULL`,
    `${q('until_ms')} ${typeOf('integer')} NOT NULL`,
  ];
  const webhookEvents = [
    `${q('receiver')} ${short} NOT NULL`,
    `${q('event_id')} ${typeOf('integer')} NOT NULL`,
    `${q('type')} ${short} NOT NULL`,
    `${q('path')} ${typeOf('text')} NOT NULL`,
    `${q('timestamp')} ${typeOf('integer')} NOT NULL`,
    `${q('version')} ${typeOf('integer')} NOT NULL`,
    `${q('body')} ${typeOf('text')} NOT NULL`,
    `${q('attempts')} ${typeOf('integer')} NOT NULL`,
    `${q('dead_at')} ${typeOf('integer')} NOT NULL`,
    `${q('reason')} ${typeOf('text')} NOT NULL`,
    `PRIMARY KEY (${q('receiver')}, ${q('event_id')})`,
  ];
  const create = (table: string, columns: readonly string[]): string =>
    `CREATE TABLE ${q(table)} (\n  ${columns.join(',\n  ')}\n)${tableOptions}`;
  return new Map([
    [EVENTS_TABLE, create(EVENTS_TABLE, events)],
    [ANSWERS_TABLE, create(ANSWERS_TABLE, answers)],
    [POSITIONS_TABLE, create(POSITIONS_TABLE, positions)],
    [LEASES_TABLE, create(LEASES_TABLE, leases)],
    [WEBHOOK_EVENTS_TABLE, create(WEBHOOK_EVENTS_TABLE, webhookEvents)],
    [RECORD_TABLE, createRecordTable(dialect)],
  ]);
}

/** INSERT of the named columns with one row of placeholders. */
export function insertInto(dialect: Dialect, table: string, columns: readonly string[]): string {
  const names = columns.map((column) => dialect.quote(column)).join(',');
  return `INSERT INTO ${dialect.quote(table)} (${names}) VALUES (${columns.map((_, index) => dialect.placeholder(index + 1)).join(',')})`;
}
