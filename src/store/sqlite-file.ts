import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { SekishoError } from '../lib/errors.ts';

export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, unknown>>;

/** One SQLite file that one connection alone may write. */
export interface SqliteFile extends SqliteReader {
  readonly path: string;
  run(sql: string, ...values: readonly SqlValue[]): number;
  /**
   * Runs `body` in a transaction; when it returns, the transaction is on the disk. What `body` throws undoes it.
   * An I/O error poisons the file: STORE_FAILED for this and every later transaction, since after a failed fsync nobody knows what the disk holds.
   */
  transaction<T>(body: () => T): T;
}

/** What can be asked of a file. Statements are prepared once. */
export interface SqliteReader {
  get(sql: string, ...values: readonly SqlValue[]): SqlRow | undefined;
  all(sql: string, ...values: readonly SqlValue[]): readonly SqlRow[];
  close(): void;
}

const FILE_NAME = 'sekisho.db';
const LOCK_NAME = 'sekisho.lock';
const APPLICATION_ID = 0x53454b49;
const FORMAT_VERSION = 1;
const BUSY_TIMEOUT_MS = 1000;

const TABLES = `
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, hash TEXT NOT NULL, entities INTEGER NOT NULL, key_check TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS entities (kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT, sum INTEGER NOT NULL, PRIMARY KEY (kind, namespace, name)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (revision INTEGER PRIMARY KEY, at TEXT NOT NULL, author TEXT NOT NULL, hash TEXT NOT NULL, changes TEXT NOT NULL, sealed TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS documents (namespace TEXT NOT NULL, collection TEXT NOT NULL, id TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, data TEXT NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (namespace, collection, id)) STRICT, WITHOUT ROWID;
`;

const PRIMARY_CODES = { busy: 5, full: 13, notADatabase: 26, corrupt: 11, cantOpen: 14 } as const;

/**
 * Opens `sekisho.db` in `dir`, making both if need be, and keeps the lock until `close`. STORE_LOCKED when another process has it,
 * STORE_CORRUPT when it is damaged or no store of this version, STORE_FAILED when it can't be opened.
 */
export function openSqliteFile(dir: string): SqliteFile {
  const path = join(dir, FILE_NAME);
  let lock: DatabaseSync | undefined;
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    lock = takeLock(join(dir, LOCK_NAME));
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    prepareFile(database, path);
    return toSqliteFile(database, path, lock);
  } catch (error) {
    database?.close();
    lock?.close();
    throw toOpenError(error, path);
  }
}

/** The lock is on a file of its own, so that backups and the reader beside the writer are not shut out. It ends with the process. */
function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** A connection to the file of an open store that only reads what is committed. */
export function openSqliteReader(dir: string): SqliteReader {
  const path = join(dir, FILE_NAME);
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
  const prepare = toPreparer(database);
  return {
    get: (sql, ...values) => prepare(sql).get(...values),
    all: (sql, ...values) => prepare(sql).all(...values),
    close: () => {
      if (database.isOpen) database.close();
    },
  };
}

function prepareFile(database: DatabaseSync, path: string): void {
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const applicationId = pragma('application_id');
  const isNew = pragma('schema_version') === 0;
  if (!isNew && applicationId !== APPLICATION_ID)
    throw new SekishoError('STORE_CORRUPT', `${path} is an SQLite file, but no store of Sekisho; nothing was changed`);
  const version = pragma('user_version');
  if (!isNew && version !== FORMAT_VERSION) {
    throw new SekishoError(
      'STORE_CORRUPT',
      `${path} has format ${String(version)}; this version reads format ${FORMAT_VERSION}; nothing was changed`,
    );
  }
  // WAL: one fsync per commit, and readers do not wait for it.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
  const check = pragma('quick_check(1)');
  if (check !== 'ok') throw new SekishoError('STORE_CORRUPT', `${path} is damaged: ${String(check)}; nothing was changed`);
  database.exec(`BEGIN IMMEDIATE; ${TABLES} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT_VERSION}; COMMIT`);
}

function toPreparer(database: DatabaseSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return (sql) => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
}

function toSqliteFile(database: DatabaseSync, path: string, lock: DatabaseSync): SqliteFile {
  const prepare = toPreparer(database);
  let poison: SekishoError | undefined;
  const fail = (error: unknown): SekishoError => {
    if (error instanceof SekishoError) return error;
    const isPoison = primaryCode(error) !== PRIMARY_CODES.full;
    const advice = isPoison ? 'no further change is accepted until the gateway is restarted' : 'the disk is full';
    const failure = new SekishoError('STORE_FAILED', `the change could not be written: ${textOf(error)}; ${advice}`, { cause: error });
    if (isPoison) poison = failure;
    return failure;
  };

  return {
    path,
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    get: (sql, ...values) => prepare(sql).get(...values),
    all: (sql, ...values) => prepare(sql).all(...values),
    transaction(body) {
      if (poison !== undefined) throw new SekishoError('STORE_FAILED', poison.message, { cause: poison });
      try {
        prepare('BEGIN IMMEDIATE').run();
        const result = body();
        prepare('COMMIT').run();
        return result;
      } catch (error) {
        const failure = fail(error);
        rollBack(database);
        throw failure;
      }
    },
    close: () => {
      if (database.isOpen) database.close();
      if (lock.isOpen) lock.close();
    },
  };
}

function rollBack(database: DatabaseSync): void {
  try {
    if (database.isTransaction) database.exec('ROLLBACK');
  } catch {
    // The failure that led here is the one to tell; the file is poisoned by it.
  }
}

function toOpenError(error: unknown, path: string): SekishoError {
  if (error instanceof SekishoError) return error;
  switch (primaryCode(error)) {
    case PRIMARY_CODES.busy:
      return new SekishoError('STORE_LOCKED', `${path} is in use by another process: stop it, or give this gateway another storage.dir`, {
        cause: error,
      });
    case PRIMARY_CODES.notADatabase:
    case PRIMARY_CODES.corrupt:
      return new SekishoError(
        'STORE_CORRUPT',
        `${path} is damaged: ${textOf(error)}; nothing was changed; restore it from a backup, or move it away`,
        { cause: error },
      );
    default:
      return new SekishoError('STORE_FAILED', `${path} can't be opened: ${textOf(error)}`, { cause: error });
  }
}

/** SQLite's result code without its extension; undefined when `error` is not SQLite's. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
