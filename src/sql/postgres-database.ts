import pg from 'pg';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { IsolationLevel } from '../schema/types.ts';
import { awaitConnection } from './await-connection.ts';
import { createCommitSignal } from './commit-signal.ts';
import { createCompilers } from './compilers.ts';
import { deferBegin, type Transact } from './deferred.ts';
import { POSTGRES } from './dialect-postgres.ts';
import type { Executor } from './executor.ts';
import { guardExecutor } from './guard-executor.ts';
import { createPostgresExecutor, createStatementNames, type NameStatement } from './postgres-connection.ts';
import { prepareTables } from './prepare.ts';
import { readAgain } from './read-again.ts';
import { type RetryOptions, withRetries } from './retry.ts';
import { type Compilers, createSession } from './session.ts';
import { toSqlError } from './sql-error.ts';
import type { Database, TransactionOptions } from './types.ts';

export interface PostgresOptions {
  readonly connectionString: string;
  readonly maxOpenConnections: number;
  readonly retry: RetryOptions;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** The advisory lock of migrations: any number, the same on all nodes. */
export const POSTGRES_LOCK = 1_397_050_697;

/** Opens a pool of connections to PostgreSQL. Nothing is connected before it is used. */
export function openPostgresDatabase({ connectionString, maxOpenConnections, retry }: PostgresOptions): Database {
  const pool = new pg.Pool({
    connectionString,
    max: maxOpenConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    // BEGIN travels with the first statement.
    pipeline: true,
    application_name: 'sekisho',
  });
  // An idle connection that breaks is replaced; its next use would have told.
  pool.on('error', () => observe({ type: 'warning', text: 'an idle connection to PostgreSQL broke' }));
  // A connection in use that breaks fails its statements; without a listener its event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const nameOf = createStatementNames();
  const readExecutor = readAgain(createPostgresExecutor(pool, nameOf));
  const commits = createCommitSignal();
  let compilers: Compilers = createCompilers(POSTGRES, new Map(), { cascadeDelete: false });
  let session = createSession(readExecutor, compilers);
  const run = <T>({ isolation, signal, isDeferred }: TransactionOptions, work: (executor: Executor) => Promise<T>): Promise<T> => {
    const transact: Transact = (inner) => runTransaction(pool, nameOf, isolation, signal, inner);
    return withRetries(retry, signal, () => (isDeferred === true ? deferBegin(transact, work) : transact(work)));
  };

  const use: Database['use'] = (schemas, options) => {
    compilers = createCompilers(POSTGRES, schemas.resources, options);
    session = createSession(readExecutor, compilers);
  };
  return {
    kind: 'postgresql',
    get reader() {
      return session;
    },
    transaction: (work, options) =>
      commits.follow((onLogged) => run(options, (executor) => work(createSession(executor, compilers, onLogged)))),
    onLogged: (listener) => commits.on(listener),
    async prepare(schemas, options) {
      await run({ isolation: 'READ COMMITTED' }, async (executor) => {
        await executor.records(`SELECT pg_advisory_xact_lock(${POSTGRES_LOCK})`, []);
        await prepareTables(POSTGRES, executor, schemas, options);
      });
      use(schemas, options);
    },
    use,
    close: () => pool.end(),
  };
}

/** One try. A connection that was dead when the pool gave it is replaced once: nothing was done on it. */
async function runTransaction<T>(
  pool: pg.Pool,
  nameOf: NameStatement,
  isolation: IsolationLevel,
  signal: AbortSignal | undefined,
  work: (executor: Executor) => Promise<T>,
): Promise<T> {
  for (let isLast = false; ; isLast = true) {
    const client = await awaitConnection(() => connect(pool));
    const guard = guardExecutor(createPostgresExecutor(client, nameOf), signal);
    let isCommitting = false;
    try {
      // Not awaited: it is sent with the first statement, and fails only as that one does.
      holdTick(client);
      for (const text of POSTGRES.begin(isolation)) client.query(text).catch(() => undefined);
      const result = await work(guard.executor);
      guard.end();
      if (guard.broken !== undefined) throw guard.broken;
      signal?.throwIfAborted();
      isCommitting = true;
      const answer = await client.query('COMMIT');
      // A transaction with a failed statement answers COMMIT so, without an error.
      if (answer.command !== 'COMMIT') throw guard.failure ?? new SekishoError('DATABASE_FAILED', 'the transaction was undone');
      client.release();
      return result;
    } catch (error) {
      guard.end();
      const failure = isCommitting ? toSqlError(POSTGRES, error, { operation: 'other' }) : (guard.broken ?? error);
      await discard(client, failure);
      const wasDead = failure instanceof SekishoError && failure.code === 'DATABASE_LOST' && guard.answered === 0 && !isCommitting;
      if (!wasDead || isLast) throw failure;
    }
  }
}

/** What is sent to the client in this tick leaves in one system call. */
function holdTick(client: pg.PoolClient): void {
  const { stream } = (client as unknown as pg.Client).connection;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw toSqlError(POSTGRES, error, { operation: 'other' });
  }
}

/** Undoes the transaction and gives the connection back, or closes it when that fails. */
async function discard(client: pg.PoolClient, failure: unknown): Promise<void> {
  if (failure instanceof SekishoError && failure.code === 'DATABASE_LOST') {
    client.release(true);
    return;
  }
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch {
    client.release(true);
  }
}
