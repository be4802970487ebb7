import { WEBHOOK_EVENTS_TABLE } from '../sql/system-tables.ts';
import type { Database } from '../sql/types.ts';
import { toEvent, type WebhookEvent } from './webhook-queue.ts';

/** A change that a receiver did not take. */
export interface DeadLetter extends Omit<WebhookEvent, 'body'> {
  readonly receiver: string;
  readonly attempts: number;
  /** ISO 8601. */
  readonly diedAt: string;
  readonly reason: string;
}

/** One with what was sent. */
export interface WholeDeadLetter extends DeadLetter {
  /** The resource as JSON, of a delete the last one. */
  readonly body: string;
}

/** Dead letters of all receivers, in the same table as what waits. */
export interface DeadLetters {
  /** Makes dead letters of all that wait but the newest `keep`; gives their number. */
  buryOldest(receiver: string, keep: number, reason: string): Promise<number>;
  /** Deletes all dead letters but the newest `keep`; gives their number. */
  trimDead(receiver: string, keep: number): Promise<number>;
  /** Dead letters after an id, in the order of ids. */
  dead(receiver: string, limit: number, after: number): Promise<readonly DeadLetter[]>;
  /** Undefined when there is none with that id. */
  one(receiver: string, id: number): Promise<WholeDeadLetter | undefined>;
  /** Lets dead letters wait again, those with the given ids or all; gives their number. */
  revive(receiver: string, ids?: readonly number[]): Promise<number>;
  /** Deletes dead letters, those with the given ids or all; gives their number. */
  forget(receiver: string, ids?: readonly number[]): Promise<number>;
}

const TABLE = WEBHOOK_EVENTS_TABLE;
const COLUMNS = ['event_id', 'type', 'path', 'timestamp', 'version', 'attempts', 'dead_at', 'reason'];

/** The dead letters in an open and prepared database. */
export function createDeadLetters(database: Database): DeadLetters {
  const quote = (name: string): string => (database.kind === 'mysql' ? `\`${name}\`` : `"${name}"`);
  const read = (text: string, values: readonly unknown[]) => database.reader.query(text, values);
  const write = (text: string, values: readonly unknown[]) =>
    database.transaction((session) => session.query(text, values), { isolation: 'READ COMMITTED' });
  /** The id of the newest of those that are too many; undefined when there are none. */
  const bound = async (receiver: string, state: string, keep: number): Promise<number | undefined> => {
    const text = `SELECT event_id FROM ${TABLE} WHERE receiver = ? AND ${state} ORDER BY event_id DESC LIMIT 1 OFFSET ${Math.trunc(keep)}`;
    const [row] = await read(text, [receiver]);
    return row === undefined ? undefined : Number(row['event_id']);
  };
  const count = async (condition: string, values: readonly unknown[]): Promise<number> =>
    Number((await read(`SELECT COUNT(*) AS n FROM ${TABLE} WHERE ${condition}`, values))[0]?.['n']);
  /** Does something to the rows of a condition that were there before. */
  const toAll = async (statement: string, first: readonly unknown[], condition: string, values: readonly unknown[]): Promise<number> => {
    const found = await count(condition, values);
    if (found > 0) await write(`${statement} WHERE ${condition}`, [...first, ...values]);
    return found;
  };
  const deadOf = (receiver: string, ids: readonly number[] | undefined): [string, readonly unknown[]] =>
    ids === undefined
      ? ['receiver = ? AND dead_at > 0', [receiver]]
      : [`receiver = ? AND dead_at > 0 AND event_id IN (${['0', ...ids.map(() => '?')].join(',')})`, [receiver, ...ids]];
  const select = (columns: readonly string[], condition: string): string =>
    `SELECT ${columns.map(quote).join(', ')} FROM ${TABLE} WHERE receiver = ? AND dead_at > 0 AND ${condition}`;
  return {
    async buryOldest(receiver, keep, reason) {
      const last = await bound(receiver, 'dead_at = 0', keep);
      if (last === undefined) return 0;
      return await toAll(
        `UPDATE ${TABLE} SET dead_at = ?, reason = ?`,
        [Math.floor(Date.now() / 1000), reason],
        'receiver = ? AND dead_at = 0 AND event_id <= ?',
        [receiver, last],
      );
    },
    async trimDead(receiver, keep) {
      const last = await bound(receiver, 'dead_at > 0', keep);
      if (last === undefined) return 0;
      return await toAll(`DELETE FROM ${TABLE}`, [], 'receiver = ? AND dead_at > 0 AND event_id <= ?', [receiver, last]);
    },
    async dead(receiver, limit, after) {
      const text = `${select(COLUMNS, 'event_id > ?')} ORDER BY event_id LIMIT ${Math.trunc(limit)}`;
      return (await read(text, [receiver, after])).map((row) => toLetter(receiver, row));
    },
    async one(receiver, id) {
      const [row] = await read(select([...COLUMNS, 'body'], 'event_id = ?'), [receiver, id]);
      return row && { ...toLetter(receiver, row), body: String(row['body']) };
    },
    revive: (receiver, ids) => toAll(`UPDATE ${TABLE} SET dead_at = 0, attempts = 0, reason = ''`, [], ...deadOf(receiver, ids)),
    forget: (receiver, ids) => toAll(`DELETE FROM ${TABLE}`, [], ...deadOf(receiver, ids)),
  };
}

function toLetter(receiver: string, row: Readonly<Record<string, unknown>>): DeadLetter {
  return {
    receiver,
    id: Number(row['event_id']),
    ...toEvent(row),
    attempts: Number(row['attempts']),
    diedAt: new Date(Number(row['dead_at']) * 1000).toISOString(),
    reason: String(row['reason']),
  };
}
