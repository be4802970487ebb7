import { WEBHOOK_EVENTS_TABLE } from '../sql/system-tables.ts';
import type { Database, EventRow } from '../sql/types.ts';

/** A change on its way to a receiver. */
export interface WaitingEvent {
  /** Of its row in the event log: grows with the changes of one resource. */
  readonly id: number;
  readonly path: string;
  /** How often it was sent. */
  readonly attempts: number;
}

export interface WebhookEvent extends Pick<EventRow, 'type' | 'path' | 'version' | 'body'> {
  readonly id: number;
  /** Unix seconds. */
  readonly timestamp: number;
}

export interface QueueCount {
  readonly receiver: string;
  readonly waiting: number;
  /** Unix seconds; 0 when nothing waits. */
  readonly oldest: number;
  readonly dead: number;
}

/** The queues of all receivers. */
export interface WebhookQueue {
  /** The first that wait, in the order of their ids. */
  waiting(receiver: string, limit: number, exceptPaths: readonly string[]): Promise<readonly WaitingEvent[]>;
  fetch(receiver: string, id: number): Promise<WebhookEvent | undefined>;
  remove(receiver: string, id: number): Promise<void>;
  /** Notes a try that failed. */
  fail(receiver: string, id: number, reason: string): Promise<void>;
  bury(receiver: string, id: number, reason: string): Promise<void>;
  counts(): Promise<readonly QueueCount[]>;
}

const TABLE = WEBHOOK_EVENTS_TABLE;
const MAX_REASON = 1000;

/** The queues in an open and prepared database. */
export function createWebhookQueue(database: Database): WebhookQueue {
  const quote = (name: string): string => (database.kind === 'mysql' ? `\`${name}\`` : `"${name}"`);
  const read = (text: string, values: readonly unknown[]) => database.reader.query(text, values);
  const write = (text: string, values: readonly unknown[]) =>
    database.transaction((session) => session.query(text, values), { isolation: 'READ COMMITTED' });
  const change = (set: string, values: readonly unknown[], receiver: string, id: number) =>
    write(`UPDATE ${TABLE} SET ${set} WHERE receiver = ? AND event_id = ?`, [...values, receiver, id]);
  const nowS = (): number => Math.floor(Date.now() / 1000);
  return {
    async waiting(receiver, limit, exceptPaths) {
      const except = exceptPaths.length === 0 ? '' : ` AND path NOT IN (${exceptPaths.map(() => '?').join(',')})`;
      const text = `SELECT event_id, path, attempts FROM ${TABLE} WHERE receiver = ? AND dead_at = 0${except} ORDER BY event_id LIMIT ${Math.trunc(limit)}`;
      const rows = await read(text, [receiver, ...exceptPaths]);
      return rows.map((row) => ({ id: Number(row['event_id']), path: String(row['path']), attempts: Number(row['attempts']) }));
    },
    async fetch(receiver, id) {
      const columns = ['type', 'path', 'timestamp', 'version', 'body'].map(quote).join(', ');
      const [row] = await read(`SELECT ${columns} FROM ${TABLE} WHERE receiver = ? AND event_id = ? AND dead_at = 0`, [receiver, id]);
      return row && { ...toEvent(row), id, body: String(row['body']) };
    },
    async remove(receiver, id) {
      await write(`DELETE FROM ${TABLE} WHERE receiver = ? AND event_id = ?`, [receiver, id]);
    },
    async fail(receiver, id, reason) {
      await change('attempts = attempts + 1, reason = ?', [reason.slice(0, MAX_REASON)], receiver, id);
    },
    async bury(receiver, id, reason) {
      await change('attempts = attempts + 1, dead_at = ?, reason = ?', [nowS(), reason.slice(0, MAX_REASON)], receiver, id);
    },
    async counts() {
      const waiting = 'CASE WHEN dead_at = 0 THEN 1 ELSE 0 END';
      const oldest = `MIN(CASE WHEN dead_at = 0 THEN ${quote('timestamp')} END)`;
      const text = `SELECT receiver, COUNT(*) AS n, SUM(${waiting}) AS waiting, ${oldest} AS oldest FROM ${TABLE} GROUP BY receiver ORDER BY receiver`;
      return (await read(text, [])).map((row) => ({
        receiver: String(row['receiver']),
        waiting: Number(row['waiting']),
        oldest: Number(row['oldest'] ?? 0),
        dead: Number(row['n']) - Number(row['waiting']),
      }));
    },
  };
}

/** What every reader of the table takes of a row. */
export function toEvent(row: Readonly<Record<string, unknown>>): Omit<WebhookEvent, 'id' | 'body'> {
  return {
    type: row['type'] as WebhookEvent['type'],
    path: String(row['path']),
    timestamp: Number(row['timestamp']),
    version: Number(row['version']),
  };
}
