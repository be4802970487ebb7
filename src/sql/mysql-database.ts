import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2/promise';
import { SekishoError } from '../lib/errors.ts';
import type { IsolationLevel } from '../schema/types.ts';
import { awaitConnection } from './await-connection.ts';
import { createCommitSignal } from './commit-signal.ts';
import { createCompilers } from './compilers.ts';
import { deferBegin, type Transact } from './deferred.ts';
import type { Dialect } from './dialect.ts';
import { createMysqlDialect, dialectOfMysql } from './dialect-mysql.ts';
import type { Executor } from './executor.ts';
import { guardExecutor } from './guard-executor.ts';
import { createMysqlExecutor } from './mysql-connection.ts';
import { prepareTables } from './prepare.ts';
import { readAgain } from './read-again.ts';
import { type RetryOptions, withRetries } from './retry.ts';
import { type Compilers, createSession } from './session.ts';
import { toSqlError } from './sql-error.ts';
import type { Database } from './types.ts';

export interface MysqlOptions {
  readonly address: Pick<PoolOptions, 'host' | 'port' | 'user' | 'password' | 'database' | 'socketPath' | 'ssl' | 'connectTimeout'>;
  readonly maxOpenConnections: number;
  readonly retry: RetryOptions;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** Per connection; the server's bound is 16,382 for all. */
const MAX_PREPARED = 200;
const SQL_MODE = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO';
export const MYSQL_LOCK = 'sekisho.migration';
export const MYSQL_LOCK_TIMEOUT_S = 300;

/** Opens a pool of connections to MySQL or MariaDB and asks which of them it is. DATABASE_LOST when it can't be reached. */
export async function openMysqlDatabase({ address, maxOpenConnections, retry }: MysqlOptions): Promise<Database> {
  const pool = createPool({
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...address,
    connectionLimit: maxOpenConnections,
    maxPreparedStatements: MAX_PREPARED,
    charset: 'utf8mb4',
    supportBigNumbers: true,
    dateStrings: true,
    jsonStrings: true,
    timezone: 'Z',
    enableKeepAlive: true,
  });
  pool.pool.on('connection', (connection) => connection.query(`SET SESSION sql_mode = '${SQL_MODE}'`));
  const dialect = await readDialect(pool);
  const readExecutor = readAgain(createMysqlExecutor(pool, dialect));
  const commits = createCommitSignal();
  let compilers: Compilers = createCompilers(dialect, new Map(), { cascadeDelete: false });
  let session = createSession(readExecutor, compilers);

  const use: Database['use'] = (schemas, options) => {
    compilers = createCompilers(dialect, schemas.resources, options);
    session = createSession(readExecutor, compilers);
  };
  return {
    kind: 'mysql',
    get reader() {
      return session;
    },
    transaction: (work, { isolation, signal, isDeferred }) =>
      commits.follow((onLogged) => {
        const transact: Transact = (inner) => runTransaction(pool, dialect, isolation, signal, inner);
        const run = (executor: Executor): ReturnType<typeof work> => work(createSession(executor, compilers, onLogged));
        return withRetries(retry, signal, () => (isDeferred === true ? deferBegin(transact, run) : transact(run)));
      }),
    onLogged: (listener) => commits.on(listener),
    async prepare(schemas, options) {
      await withLock(pool, dialect, (executor) => prepareTables(dialect, executor, schemas, options));
      use(schemas, options);
    },
    use,
    close: () => pool.end(),
  };
}

async function readDialect(pool: Pool): Promise<Dialect> {
  const guess = createMysqlDialect('utf8mb4_bin');
  try {
    const [row] = await createMysqlExecutor(pool, guess).rows('SELECT VERSION()', [], { operation: 'other' });
    return dialectOfMysql(String(row?.[0]));
  } catch (error) {
    await pool.end();
    throw error;
  }
}

/** One try. A connection that was dead when the pool gave it is replaced once: nothing was done on it. */
async function runTransaction<T>(
  pool: Pool,
  dialect: Dialect,
  isolation: IsolationLevel,
  signal: AbortSignal | undefined,
  work: (executor: Executor) => Promise<T>,
): Promise<T> {
  for (let isLast = false; ; isLast = true) {
    const connection = await awaitConnection(() => connect(pool, dialect));
    const guard = guardExecutor(createMysqlExecutor(connection, dialect), signal);
    let isCommitting = false;
    try {
      for (const text of dialect.begin(isolation)) await begin(connection, dialect, text);
      const result = await work(guard.executor);
      guard.end();
      if (guard.broken !== undefined) throw guard.broken;
      signal?.throwIfAborted();
      isCommitting = true;
      await connection.query('COMMIT');
      connection.release();
      return result;
    } catch (error) {
      guard.end();
      const failure = isCommitting ? toSqlError(dialect, error, { operation: 'other' }) : (guard.broken ?? error);
      await discard(connection, failure);
      const wasDead = failure instanceof SekishoError && failure.code === 'DATABASE_LOST' && guard.answered === 0 && !isCommitting;
      if (!wasDead || isLast) throw failure;
    }
  }
}

async function begin(connection: PoolConnection, dialect: Dialect, text: string): Promise<void> {
  try {
    await connection.query(text);
  } catch (error) {
    throw toSqlError(dialect, error, { operation: 'other' });
  }
}

async function connect(pool: Pool, dialect: Dialect): Promise<PoolConnection> {
  try {
    return await pool.getConnection();
  } catch (error) {
    throw toSqlError(dialect, error, { operation: 'other' });
  }
}

/** Undoes the transaction and gives the connection back, or closes it when that fails. */
async function discard(connection: PoolConnection, failure: unknown): Promise<void> {
  if (failure instanceof SekishoError && failure.code === 'DATABASE_LOST') {
    connection.destroy();
    return;
  }
  try {
    await connection.query('ROLLBACK');
    connection.release();
  } catch {
    connection.destroy();
  }
}

/** Runs work on one connection while no other node has the lock. DDL commits by itself here, so the work must converge when it is run again. */
async function withLock(pool: Pool, dialect: Dialect, work: (executor: Executor) => Promise<void>): Promise<void> {
  const connection = await connect(pool, dialect);
  try {
    const executor = createMysqlExecutor(connection, dialect);
    const [row] = await executor.rows(`SELECT GET_LOCK('${MYSQL_LOCK}', ${MYSQL_LOCK_TIMEOUT_S})`, [], { operation: 'other' });
    if (Number(row?.[0]) !== 1) throw new SekishoError('DATABASE_RETRY', 'another node has been migrating the tables for too long');
    await work(executor);
    await executor.rows(`SELECT RELEASE_LOCK('${MYSQL_LOCK}')`, [], { operation: 'other' });
    connection.release();
  } catch (error) {
    // Closing the connection releases the lock.
    connection.destroy();
    throw error;
  }
}
