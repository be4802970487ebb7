import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Parameter } from './column.ts';
import type { RowValues } from './decode-row.ts';
import { SQLITE } from './dialect-sqlite.ts';
import type { Executor } from './executor.ts';
import { type StatementContext, toSqlError } from './sql-error.ts';

/** One connection to an SQLite file: its statements are prepared once and run at once, in this thread. */
export interface SqliteConnection extends Executor {
  /** Runs one statement without parameters and rows. Errors are SQLite's own. */
  exec(text: string): void;
  readonly isInTransaction: boolean;
  close(): void;
}

type Value = string | number | bigint | null;

const MAX_STATEMENTS = 500;
const OPEN_TIMEOUT_MS = 5000;
const READ_TIMEOUT_MS = 1000;

/** Opens the file; foreign keys are on and the log is written ahead. The writer does not wait for locks in this thread: see `sqlite-writer.ts`. */
export function openSqliteConnection(path: string, role: 'reader' | 'writer', isDurable: boolean): SqliteConnection {
  const database = new DatabaseSync(path, { timeout: OPEN_TIMEOUT_MS, enableForeignKeyConstraints: true });
  try {
    if (role === 'writer') database.exec('PRAGMA journal_mode = WAL');
    database.exec(`PRAGMA synchronous = ${isDurable ? 'FULL' : 'OFF'}; PRAGMA cache_size = -32000; PRAGMA temp_store = MEMORY`);
    database.exec(`PRAGMA busy_timeout = ${role === 'writer' ? 0 : READ_TIMEOUT_MS}`);
    if (role === 'reader') database.exec('PRAGMA query_only = ON');
  } catch (error) {
    database.close();
    throw error;
  }
  return toConnection(database);
}

function toConnection(database: DatabaseSync): SqliteConnection {
  const prepare = createPreparer(database);
  return {
    rows: async (text, parameters, context) => readRows(prepare, text, parameters, context),
    async change(text, parameters, context) {
      try {
        return Number(prepare(text, 'rows').run(...(parameters as Value[])).changes);
      } catch (error) {
        throw toSqlError(SQLITE, error, context);
      }
    },
    async records(text, parameters) {
      try {
        const statement = prepare(text, 'records');
        return statement.all(...parameters.map(toValue)).map(({ ...row }) => row);
      } catch (error) {
        throw toSqlError(SQLITE, error, { operation: 'other' });
      }
    },
    exec: (text) => {
      prepare(text, 'rows').run();
    },
    get isInTransaction() {
      return database.isTransaction;
    },
    close: () => database.close(),
  };
}

function toValue(value: Parameter): Value {
  return typeof value === 'boolean' ? Number(value) : value;
}

type Prepare = (text: string, use: 'rows' | 'bigRows' | 'records') => StatementSync;

function readRows(prepare: Prepare, text: string, parameters: readonly Parameter[], context: StatementContext): readonly RowValues[] {
  try {
    return prepare(text, 'rows').all(...(parameters as Value[])) as unknown as RowValues[];
  } catch (error) {
    if (!isOutOfRange(error)) throw toSqlError(SQLITE, error, context);
  }
  // An integer beyond 2^53: bigints are exact, but too slow for every row.
  return prepare(text, 'bigRows').all(...(parameters as Value[])) as unknown as RowValues[];
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE';
}

/** Prepares a text once per use; beyond the bound the oldest statement goes. */
function createPreparer(database: DatabaseSync): Prepare {
  const statements = new Map<string, StatementSync>();
  return (text, use) => {
    const key = use === 'rows' ? text : `${use}:${text}`;
    const found = statements.get(key);
    if (found !== undefined) return found;
    const statement = database.prepare(text);
    if (use !== 'records') statement.setReturnArrays(true);
    if (use === 'bigRows') statement.setReadBigInts(true);
    if (statements.size >= MAX_STATEMENTS) {
      const [oldest] = statements.keys();
      if (oldest !== undefined) statements.delete(oldest);
    }
    statements.set(key, statement);
    return statement;
  };
}
