import type { Dialect } from '../dialect.ts';
import type { Session } from '../types.ts';

/** Goose's table of the versions that are in force. */
export const VERSION_TABLE = 'goose_db_version';
/** Where a migration stands whose statements are committed one by one. */
const PROGRESS_TABLE = 'sekisho_migration';

/** A migration that was begun and did not end. */
export interface Progress {
  readonly version: number;
  readonly direction: 'up' | 'down';
  /** How many of its statements were carried out; the next one may have been, too. */
  readonly done: number;
}

/** The two tables of migrations, by any session of the database. */
export interface VersionTable {
  /** Makes the tables, as goose does: with a row of version 0. */
  create(session: Session): Promise<void>;
  /** Versions in force, ascending, without 0, with the time since when. */
  applied(session: Session): Promise<ReadonlyMap<number, string>>;
  add(session: Session, version: number): Promise<void>;
  remove(session: Session, version: number): Promise<void>;
  progress(session: Session): Promise<Progress | undefined>;
  setProgress(session: Session, progress: Progress | undefined): Promise<void>;
}

export function createVersionTable(dialect: Dialect): VersionTable {
  const table = dialect.quote(VERSION_TABLE);
  const progressTable = dialect.quote(PROGRESS_TABLE);
  const isTrue = dialect.kind === 'postgresql' ? 'true' : '1';
  const time = dialect.kind === 'sqlite3' ? 'datetime' : 'timestamp';
  const add = async (session: Session, version: number): Promise<void> => {
    await session.query(`INSERT INTO ${table} (version_id, is_applied) VALUES (${version}, ${isTrue})`, []);
  };
  return {
    add,
    async create(session) {
      await session.query(
        `CREATE TABLE IF NOT EXISTS ${table} (id ${dialect.countedKey}, version_id bigint NOT NULL, is_applied boolean NOT NULL,
         tstamp ${time} DEFAULT CURRENT_TIMESTAMP)${dialect.tableOptions}`,
        [],
      );
      await session.query(
        `CREATE TABLE IF NOT EXISTS ${progressTable} (id integer NOT NULL PRIMARY KEY, version_id bigint NOT NULL, direction varchar(8) NOT NULL, done bigint NOT NULL)${dialect.tableOptions}`,
        [],
      );
      const [row] = await session.query(`SELECT count(*) AS n FROM ${table}`, []);
      if (Number(row?.['n']) === 0) await add(session, 0);
    },
    async applied(session) {
      // Goose once wrote a row for each step back; the last row of a version decides.
      const rows = await session.query(`SELECT version_id, is_applied, tstamp FROM ${table} ORDER BY id`, []);
      const applied = new Map<number, string>();
      for (const row of rows) {
        const version = Number(row['version_id']);
        if (row['is_applied'] === true || Number(row['is_applied']) === 1) applied.set(version, String(row['tstamp']));
        else applied.delete(version);
      }
      applied.delete(0);
      return new Map([...applied].toSorted(([a], [b]) => a - b));
    },
    async remove(session, version) {
      await session.query(`DELETE FROM ${table} WHERE version_id = ${version}`, []);
    },
    async progress(session) {
      const [row] = await session.query(`SELECT version_id, direction, done FROM ${progressTable}`, []);
      if (row === undefined) return undefined;
      return { version: Number(row['version_id']), direction: row['direction'] === 'down' ? 'down' : 'up', done: Number(row['done']) };
    },
    async setProgress(session, progress) {
      if (progress === undefined) {
        await session.query(`DELETE FROM ${progressTable}`, []);
        return;
      }
      // One statement: after DDL it is committed by itself.
      const { version, direction, done } = progress;
      const clash = dialect.kind === 'mysql' ? 'ON DUPLICATE KEY UPDATE' : 'ON CONFLICT (id) DO UPDATE SET';
      await session.query(
        `INSERT INTO ${progressTable} (id, version_id, direction, done) VALUES (1, ${version}, '${direction}', ${done})
         ${clash} version_id = ${version}, direction = '${direction}', done = ${done}`,
        [],
      );
    },
  };
}
