import { EVENTS_TABLE, WEBHOOK_EVENTS_TABLE } from './system-tables.ts';
import type { Database, Session } from './types.ts';

/** Somebody besides etcd who gets rows of the event log, into a queue of its own. */
export interface LogReceiver {
  readonly name: string;
  /** Whether it gets changes of the resource of this path. */
  accepts(path: string): boolean;
  /** Its queue may have more in it. */
  onForwarded(): void;
}

const MOVED = ['type', 'path', 'timestamp', 'version', 'body'];

/**
 * Copies rows of the event log to the queues of receivers, in the transaction that deletes them: so each receiver gets each row once, whoever deletes it and
 * wherever that one is killed.
 */
export async function forwardRows(
  session: Session,
  kind: Database['kind'],
  ids: readonly number[],
  receivers: readonly LogReceiver[],
): Promise<void> {
  const list = ids.map(() => '?').join(',');
  // Two leaders that overlap: the later one finds the rows gone.
  const lock = kind === 'sqlite3' ? '' : ' FOR UPDATE';
  const rows = await session.query(`SELECT id, path FROM ${EVENTS_TABLE} WHERE id IN (${list}) ORDER BY id${lock}`, ids);
  for (const { name, accepts } of receivers) {
    const wanted = rows.filter(({ path }) => accepts(String(path))).map(({ id }) => id);
    if (wanted.length === 0) continue;
    const marks = wanted.map(() => '?').join(',');
    const columns = MOVED.map((column) => (kind === 'mysql' ? `\`${column}\`` : `"${column}"`)).join(', ');
    // Of another history of the database, which used the same ids.
    await session.query(`DELETE FROM ${WEBHOOK_EVENTS_TABLE} WHERE receiver = ? AND event_id IN (${marks})`, [name, ...wanted]);
    const text = `INSERT INTO ${WEBHOOK_EVENTS_TABLE} (receiver, event_id, ${columns}, attempts, dead_at, reason)
      SELECT ?, id, ${columns}, 0, 0, '' FROM ${EVENTS_TABLE} WHERE id IN (${marks})`;
    await session.query(text, [name, ...wanted]);
  }
}
