import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SekishoError } from '../lib/errors.ts';
import { createCommitSignal } from './commit-signal.ts';
import { createCompilers } from './compilers.ts';
import { deferBegin, type Transact } from './deferred.ts';
import { SQLITE } from './dialect-sqlite.ts';
import type { Executor } from './executor.ts';
import { prepareTables } from './prepare.ts';
import { type RetryOptions, withRetries } from './retry.ts';
import { type Compilers, createSession } from './session.ts';
import { openSqliteConnection, type SqliteConnection } from './sqlite-connection.ts';
import { createSqliteWriter } from './sqlite-writer.ts';
import type { Database } from './types.ts';

/** Opens an SQLite file, making it and its folder if need be; `:memory:` is a file that is removed at the end. DATABASE_FAILED when it can't be opened. */
export function openSqliteDatabase(path: string, retry: RetryOptions): Database {
  const memory = path === ':memory:' || path === '' ? mkdtempSync(join(tmpdir(), 'sekisho-memory-')) : undefined;
  const file = memory === undefined ? path : join(memory, 'data.db');
  const { writer: connection, reader } = openBoth(file, memory === undefined);
  const writer = createSqliteWriter(connection);
  const commits = createCommitSignal();
  let compilers: Compilers = createCompilers(SQLITE, new Map(), { cascadeDelete: false });
  let session = createSession(reader, compilers);

  const use: Database['use'] = (schemas, options) => {
    compilers = createCompilers(SQLITE, schemas.resources, options);
    session = createSession(reader, compilers);
  };
  const database: Database = {
    kind: 'sqlite3',
    get reader() {
      return session;
    },
    transaction: (work, { signal, isDeferred, isAlone, isHolding }) =>
      commits.follow((onLogged) => {
        let tries = 0;
        const run = (executor: Executor): ReturnType<typeof work> => work(createSession(executor, compilers, onLogged));
        // What failed together with others is run alone.
        const transact: Transact = (inner) => writer.run(inner, { signal, isAlone: isAlone === true || tries > 1, isHolding });
        return withRetries(retry, signal, () => {
          tries += 1;
          return isDeferred === true ? deferBegin(transact, run) : transact(run);
        });
      }),
    onLogged: (listener) => commits.on(listener),
    async prepare(schemas, options) {
      await writer.runUnchecked((executor) => prepareTables(SQLITE, executor, schemas, options));
      use(schemas, options);
    },
    use,
    async close() {
      await writer.close();
      reader.close();
      connection.close();
      if (memory !== undefined) rmSync(memory, { recursive: true, force: true });
    },
  };
  return database;
}

function openBoth(file: string, isDurable: boolean): { writer: SqliteConnection; reader: SqliteConnection } {
  let writer: SqliteConnection | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writer = openSqliteConnection(file, 'writer', isDurable);
    return { writer, reader: openSqliteConnection(file, 'reader', isDurable) };
  } catch (error) {
    writer?.close();
    throw new SekishoError(
      'DATABASE_FAILED',
      `the SQLite file ${file} can't be opened: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}
