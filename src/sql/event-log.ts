import { dialectOf } from './dialect-of.ts';
import { forwardRows, type LogReceiver } from './forward-rows.ts';
import { EVENTS_TABLE } from './system-tables.ts';
import type { Database, EventRow, Session } from './types.ts';

/** A row of the event log that is not published yet. */
export interface LoggedEvent extends EventRow {
  readonly id: number;
  /** Unix seconds of the change. */
  readonly timestamp: number;
}

/** How much of the log is read at once. At least one row is, whatever its size. */
export interface ReadLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** The unpublished rows of the event log: whoever publishes them deletes them. Errors are those of `Session`. */
export interface EventLog {
  /**
   * The first rows in the order of their ids, but for those of the given paths. Of one resource that order is the order of its changes: an id is
   * taken while the row of the resource is locked. Among resources a row may turn up before ones already seen, so reading begins at the first each time.
   */
  read(limits: ReadLimits, exceptPaths?: readonly string[]): Promise<readonly LoggedEvent[]>;
  /** Deletes rows that were published. Those that are not there are no error. */
  remove(ids: readonly number[]): Promise<void>;
  /** The rows with these ids that are still there. */
  find(ids: readonly number[]): Promise<readonly LoggedEvent[]>;
  /** Ids and sizes of the first rows, in the order of their ids. */
  ids(maxRows: number): Promise<readonly { readonly id: number; readonly bytes: number }[]>;
  /** How many rows wait up to an id (all of them without one), and since when (Unix seconds, 0 for an empty log). */
  backlog(upTo?: number): Promise<{ readonly count: number; readonly oldest: number }>;
  /** Of these paths, those with rows that wait. */
  pending(paths: readonly string[]): Promise<ReadonlySet<string>>;
  /** The highest id that waits; 0 for an empty log. */
  lastId(): Promise<number>;
  /** Deletes all rows but the newest `keep`, by their ids. */
  trim(keep: number): Promise<void>;
}

const COLUMNS = ['id', 'type', 'path', 'timestamp', 'version', 'body', 'sync_plain', 'sync_property'];
const CHUNK = 512;

/** The event log of an open and prepared database. What is removed from it goes to the queues of `receivers` in the same transaction. */
export async function openEventLog(database: Database, receivers: readonly LogReceiver[] = []): Promise<EventLog> {
  const { quote } = await dialectOf(database);
  const table = quote(EVENTS_TABLE);
  const columns = COLUMNS.map((column) => `e.${quote(column)}`).join(', ');
  const query = (sql: string, parameters: readonly unknown[]) => database.reader.query(sql, parameters);
  return {
    async read({ maxRows, maxBytes }, exceptPaths = []) {
      const except = exceptPaths.length === 0 ? '' : ` WHERE path NOT IN (${marks(exceptPaths.length)})`;
      // Sizes first: bodies beyond the budget are not even sent by the database.
      const sized = `SELECT id, octet_length(body) AS size FROM ${table}${except} ORDER BY id LIMIT ${toLiteral(maxRows)}`;
      const summed = `SELECT id, SUM(size) OVER (ORDER BY id) - size AS earlier FROM (${sized}) s`;
      const text = `SELECT ${columns} FROM ${table} e JOIN (${summed}) w ON w.id = e.id WHERE w.earlier < ${toLiteral(maxBytes)} ORDER BY e.id`;
      return (await query(text, fill(exceptPaths))).map(toEvent);
    },
    async remove(ids) {
      for (const chunk of chunks(ids)) {
        const text = `DELETE FROM ${table} WHERE id IN (${marks(chunk.length)})`;
        const remove = async (session: Session): Promise<void> => {
          if (receivers.length > 0) await forwardRows(session, database.kind, chunk, receivers);
          await session.query(text, fill(chunk));
        };
        await database.transaction(remove, { isolation: 'READ COMMITTED' });
        for (const receiver of receivers) receiver.onForwarded();
      }
    },
    async find(ids) {
      const found: LoggedEvent[] = [];
      for (const chunk of chunks(ids)) {
        const text = `SELECT ${columns} FROM ${table} e WHERE e.id IN (${marks(chunk.length)}) ORDER BY e.id`;
        found.push(...(await query(text, fill(chunk))).map(toEvent));
      }
      return found;
    },
    async ids(maxRows) {
      const rows = await query(`SELECT id, octet_length(body) AS bytes FROM ${table} ORDER BY id LIMIT ${toLiteral(maxRows)}`, []);
      return rows.map((row) => ({ id: Number(row['id']), bytes: Number(row['bytes']) }));
    },
    async backlog(upTo) {
      const range = upTo === undefined ? '' : ` WHERE id <= ${toLiteral(upTo)}`;
      const [row] = await query(`SELECT COUNT(*) AS count, MIN(${quote('timestamp')}) AS oldest FROM ${table}${range}`, []);
      return { count: Number(row?.['count'] ?? 0), oldest: Number(row?.['oldest'] ?? 0) };
    },
    async pending(paths) {
      const found = new Set<string>();
      for (const chunk of chunks(paths)) {
        const rows = await query(`SELECT DISTINCT path FROM ${table} WHERE path IN (${marks(chunk.length)})`, fill(chunk));
        for (const row of rows) found.add(String(row['path']));
      }
      return found;
    },
    async lastId() {
      const [row] = await query(`SELECT MAX(id) AS id FROM ${table}`, []);
      return Number(row?.['id'] ?? 0);
    },
    async trim(keep) {
      const [row] = await query(`SELECT id FROM ${table} ORDER BY id DESC LIMIT 1 OFFSET ${toLiteral(keep)}`, []);
      if (row === undefined) return;
      const text = `DELETE FROM ${table} WHERE id <= ${toLiteral(Number(row['id']))}`;
      await database.transaction((session) => session.query(text, []), { isolation: 'READ COMMITTED' });
    },
  };
}

function toEvent(row: Readonly<Record<string, unknown>>): LoggedEvent {
  return {
    id: Number(row['id']),
    type: row['type'] as LoggedEvent['type'],
    path: String(row['path']),
    timestamp: Number(row['timestamp']),
    version: Number(row['version']),
    body: String(row['body']),
    syncPlain: Boolean(Number(row['sync_plain'])),
    syncProperty: String(row['sync_property']),
  };
}

/** A number that stands in a statement: LIMIT takes no parameter everywhere. */
function toLiteral(value: number): string {
  return String(Math.max(0, Math.trunc(value)));
}

function chunks<T>(items: readonly T[]): readonly (readonly T[])[] {
  const found: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += CHUNK) found.push(items.slice(from, from + CHUNK));
  return found;
}

/** Lists are filled up to a power of two, so that a database sees few different statements. */
function marks(length: number): string {
  return Array.from({ length: 2 ** Math.ceil(Math.log2(length)) }, () => '?').join(',');
}

function fill<T>(items: readonly T[]): readonly T[] {
  if (items.length === 0) return items;
  const missing = 2 ** Math.ceil(Math.log2(items.length)) - items.length;
  return [...items, ...Array.from({ length: missing }, () => items.at(-1) as T)];
}
