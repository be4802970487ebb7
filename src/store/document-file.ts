import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { SekishoError } from '../lib/errors.ts';

/** A document as etcd has it; without a value it is not there any more. */
export interface KeptDocument {
  readonly key: string;
  readonly value: string | undefined;
  /** etcd's revision of this state of it. */
  readonly modRevision: number;
}

/** Of what a file is the copy. */
export interface CopyPlace {
  readonly prefix: string;
  /** Tells stores apart that had the same prefix one after another. */
  readonly store: string;
  /** etcd's revision up to which it is known. */
  readonly revision: number;
  /** All documents are in it; false while the first of them are being read. */
  readonly isWhole: boolean;
}

/** A copy of documents on the disk. Calls throw STORE_CORRUPT for what is damaged, errors of SQLite else. */
export interface DocumentFile {
  readonly path: string;
  readonly place: CopyPlace;
  get(key: string): { readonly key: string; readonly value: string } | undefined;
  /** Those whose keys begin with `prefix`, in the order of their bytes, as etcd has it. */
  page(prefix: string, limit: number, offset: number): readonly { readonly key: string; readonly value: string }[];
  count(prefix: string): number;
  /** The revision of each key. */
  revisions(): ReadonlyMap<string, number>;
  /** Takes over what is newer than what is there, in one transaction. */
  take(documents: readonly KeptDocument[], place: CopyPlace): void;
  /** Forgets all documents. */
  clear(place: CopyPlace): void;
  close(): void;
}

const NAME = 'last-good-documents.db';
const FORMAT = 1;
const BUSY_TIMEOUT_MS = 1000;
const TABLES = `
CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY CHECK (id = 1), prefix TEXT NOT NULL, store TEXT NOT NULL, revision INTEGER NOT NULL, is_whole INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, value TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
PRAGMA user_version = ${FORMAT};
`;
const NOWHERE: CopyPlace = { prefix: '', store: '', revision: 0, isWhole: false };
const BENEATH = 'WHERE key >= ? AND key < ?';

/** Where the copy in `dir` lies. */
export function documentFilePath(dir: string): string {
  return join(dir, NAME);
}

/** Opens the copy in `dir`, making both if need be. Throws, with the reason, when it is damaged, of another version, or can't be opened. */
export function openDocumentFile(dir: string): DocumentFile {
  const path = documentFilePath(dir);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  // What SQLite lays beside the file has the mode of the file.
  closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    prepareFile(database);
    return toDocumentFile(database, path);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Removes the copy in `dir`: it can be made anew as long as etcd is there. */
export function removeDocumentFile(dir: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(documentFilePath(dir) + end, { force: true });
}

function prepareFile(database: DatabaseSync): void {
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  const version = pragma('user_version');
  if (pragma('schema_version') !== 0 && version !== FORMAT)
    throw new SekishoError('STORE_CORRUPT', `it has format ${String(version)}, this version knows only ${FORMAT}`);
  // A copy: what a power cut takes away of its end is read again from etcd, or served as it was a moment before.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  const check = pragma('quick_check(1)');
  if (check !== 'ok') throw new SekishoError('STORE_CORRUPT', `it is damaged: ${String(check)}`);
  database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT`);
}

function toDocumentFile(database: DatabaseSync, path: string): DocumentFile {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  let place = toPlace(prepare('SELECT * FROM place').get());
  const inTransaction = (next: CopyPlace, work: () => void): void => {
    prepare('BEGIN IMMEDIATE').run();
    try {
      work();
      prepare('INSERT OR REPLACE INTO place VALUES (1, ?, ?, ?, ?)').run(next.prefix, next.store, next.revision, next.isWhole ? 1 : 0);
      prepare('COMMIT').run();
      place = next;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };
  return {
    path,
    get place() {
      return place;
    },
    get(key) {
      const row = prepare('SELECT * FROM documents WHERE key = ?').get(key);
      return row && toKept(row);
    },
    page: (prefix, limit, offset) =>
      prepare(`SELECT * FROM documents ${BENEATH} ORDER BY key LIMIT ? OFFSET ?`).all(prefix, endOf(prefix), limit, offset).map(toKept),
    count: (prefix) => Number(prepare(`SELECT count(*) AS count FROM documents ${BENEATH}`).get(prefix, endOf(prefix))?.['count'] ?? 0),
    revisions: () =>
      new Map(
        prepare('SELECT key, revision FROM documents')
          .all()
          .map(({ key, revision }) => [String(key), Number(revision)]),
      ),
    take(documents, next) {
      inTransaction(next, () => {
        for (const { key, value, modRevision } of documents) {
          if (value === undefined) prepare('DELETE FROM documents WHERE key = ? AND revision <= ?').run(key, modRevision);
          else
            prepare(
              'INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value, sum = excluded.sum WHERE excluded.revision > revision',
            ).run(key, modRevision, value, toSum(key, value));
        }
      });
    },
    clear(next) {
      inTransaction(next, () => void prepare('DELETE FROM documents').run());
    },
    close() {
      if (database.isOpen) database.close();
    },
  };
}

function toPlace(row: Readonly<Record<string, unknown>> | undefined): CopyPlace {
  if (row === undefined) return NOWHERE;
  return { prefix: String(row['prefix']), store: String(row['store']), revision: Number(row['revision']), isWhole: row['is_whole'] === 1 };
}

function toKept({ key, value, sum }: Readonly<Record<string, unknown>>): { readonly key: string; readonly value: string } {
  if (typeof key === 'string' && typeof value === 'string' && sum === toSum(key, value)) return { key, value };
  throw new SekishoError('STORE_CORRUPT', `the copy of the document ${String(key)} on the disk is damaged: its checksum is wrong`);
}

function toSum(key: string, value: string): number {
  return crc32(value, crc32(key));
}

/** The first key that does not begin with `prefix`, which ends with a slash. */
function endOf(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}
