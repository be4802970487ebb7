import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../lib/errors.ts';
import { SQLITE } from './dialect-sqlite.ts';
import type { Executor } from './executor.ts';
import { guardExecutor } from './guard-executor.ts';
import { toSqlError } from './sql-error.ts';
import type { SqliteConnection } from './sqlite-connection.ts';

/** Runs transactions one after the other on the one connection that writes. */
export interface SqliteWriter {
  /** Resolves when the transaction is on the disk; what `work` throws undoes it alone. DATABASE_RETRY when another process keeps the file locked. */
  run<T>(work: (executor: Executor) => Promise<T>, options: WriteOptions): Promise<T>;
  /** The same for changes of tables: alone, and without foreign keys, which DROP TABLE would follow. */
  runUnchecked<T>(work: (executor: Executor) => Promise<T>): Promise<T>;
  /** Waits for the transactions that were begun; later ones are refused. */
  close(): Promise<void>;
}

/** How a transaction shares its commit; see `TransactionOptions`. */
export interface WriteOptions {
  readonly signal: AbortSignal | undefined;
  readonly isAlone: boolean;
  readonly isHolding: (() => boolean) | undefined;
}

interface Job {
  readonly work: (executor: Executor) => Promise<unknown>;
  readonly signal: AbortSignal | undefined;
  readonly isHolding: () => boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Must not share its commit: a shared one failed by a constraint. */
  isAlone: boolean;
  readonly isUnchecked: boolean;
}

const MAX_SHARED = 128;
/** A transaction waits for others that share its commit as long as this, and one more. */
const MAX_SHARED_MS = 10;
const MAX_QUEUED = 10_000;
const LOCK_TIMEOUT_MS = 5000;
const LOCK_PAUSE_MS = 10;
const IO_ERROR = 10;

/**
 * Transactions that come in one turn of the event loop share a commit, and so one wait for the disk: each runs in a savepoint of its own within
 * the transaction of the connection, and all are acknowledged after its COMMIT. Nobody else sees any of them before that.
 */
export function createSqliteWriter(connection: SqliteConnection): SqliteWriter {
  const queue: Job[] = [];
  let pump: Promise<void> | undefined;
  let isClosed = false;

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const isUnchecked = queue[0]?.isUnchecked === true;
      // SQLite ignores this within a transaction.
      if (isUnchecked) connection.exec('PRAGMA foreign_keys = OFF');
      await runBatch(connection, queue);
      if (isUnchecked) connection.exec('PRAGMA foreign_keys = ON');
    }
    pump = undefined;
  };
  const enqueue = <T>(
    work: (executor: Executor) => Promise<T>,
    { signal, isAlone, isHolding = () => false }: WriteOptions,
    isUnchecked = false,
  ): Promise<T> => {
    if (isClosed) return Promise.reject(new SekishoError('DATABASE_LOST', 'the database is closed'));
    if (queue.length >= MAX_QUEUED) return Promise.reject(new SekishoError('DATABASE_RETRY', 'too many changes are waiting'));
    return new Promise<T>((resolve, reject) => {
      queue.push({
        work,
        signal,
        isHolding,
        resolve: resolve as (value: unknown) => void,
        reject,
        isAlone: isAlone || isHolding(),
        isUnchecked,
      });
      pump ??= drain();
    });
  };
  return {
    run: (work, options) => enqueue(work, options),
    runUnchecked: (work) => enqueue(work, { signal: undefined, isAlone: true, isHolding: undefined }, true),
    async close() {
      isClosed = true;
      await pump;
    },
  };
}

interface Finished {
  readonly job: Job;
  readonly value: unknown;
}

async function runBatch(connection: SqliteConnection, queue: Job[]): Promise<void> {
  const finished: Finished[] = [];
  try {
    await begin(connection);
  } catch (error) {
    queue.shift()?.reject(toSqlError(SQLITE, error, { operation: 'other' }));
    return;
  }
  const isAlone = queue[0]?.isAlone === true;
  const end = performance.now() + MAX_SHARED_MS;
  let isFull = isAlone;
  const takeJobs = async (): Promise<void> => {
    for (let job = nextJob(queue, isAlone, finished.length); job !== undefined; job = nextJob(queue, isAlone, finished.length)) {
      await runJob(connection, job, finished);
      isFull ||= job.isHolding() || performance.now() > end;
      if (isFull || !connection.isInTransaction) return;
    }
  };
  await takeJobs();
  if (connection.isInTransaction && !isFull && finished.length > 0) {
    // The sockets that are readable now are all served before this goes on: their transactions join.
    await nextTick();
    await takeJobs();
  }
  if (!connection.isInTransaction) return;
  commit(connection, finished, queue);
}

function nextJob(queue: Job[], isAlone: boolean, count: number): Job | undefined {
  if (count >= MAX_SHARED || queue[0]?.isAlone !== isAlone) return undefined;
  return queue.shift();
}

/** Waits for another process's transaction without blocking this thread. */
async function begin(connection: SqliteConnection): Promise<void> {
  const end = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      connection.exec('BEGIN IMMEDIATE');
      return;
    } catch (error) {
      if (SQLITE.readFailure(error)?.kind !== 'retry' || Date.now() > end) throw error;
    }
    await sleep(LOCK_PAUSE_MS * (0.5 + Math.random()));
  }
}

async function runJob(connection: SqliteConnection, job: Job, finished: Finished[]): Promise<void> {
  const guard = guardExecutor(connection, job.signal);
  try {
    job.signal?.throwIfAborted();
    // The first one may undo everything: there is nothing else yet.
    if (finished.length > 0) connection.exec('SAVEPOINT job');
    const value = await job.work(guard.executor);
    guard.end();
    if (guard.broken !== undefined) throw guard.broken;
    job.signal?.throwIfAborted();
    if (finished.length > 0) connection.exec('RELEASE job');
    finished.push({ job, value });
  } catch (error) {
    guard.end();
    undo(connection, finished, error);
    const failure = guard.broken ?? error;
    job.reject(SQLITE.readFailure(failure) === undefined ? failure : toSqlError(SQLITE, failure, { operation: 'other' }));
  }
}

/** Undoes one transaction. An I/O error or a full disk has undone all of them already. */
function undo(connection: SqliteConnection, finished: Finished[], cause: unknown): void {
  try {
    if (finished.length === 0) {
      if (connection.isInTransaction) connection.exec('ROLLBACK');
      return;
    }
    connection.exec('ROLLBACK TO job');
    connection.exec('RELEASE job');
  } catch {
    // No savepoint: the job failed before it had one.
  }
  if (connection.isInTransaction) return;
  const error = new SekishoError('DATABASE_FAILED', 'the database undid the change together with another one', { cause });
  for (const { job } of finished.splice(0)) job.reject(error);
}

function commit(connection: SqliteConnection, finished: readonly Finished[], queue: Job[]): void {
  try {
    connection.exec(finished.length === 0 ? 'ROLLBACK' : 'COMMIT');
  } catch (error) {
    if (connection.isInTransaction) connection.exec('ROLLBACK');
    refuse(finished, queue, error);
    return;
  }
  for (const { job, value } of finished) job.resolve(value);
}

/** A commit that failed: deferred foreign keys are checked only there, so each transaction is run again, alone. */
function refuse(finished: readonly Finished[], queue: Job[], error: unknown): void {
  const failure = SQLITE.readFailure(error);
  if (failure !== undefined && finished.length > 1) {
    queue.unshift(...finished.map(({ job }) => Object.assign(job, { isAlone: true })));
    return;
  }
  const isUnknown =
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === IO_ERROR;
  const told = isUnknown
    ? new SekishoError('DATABASE_LOST', 'The disk failed while the change was written.', { cause: error })
    : toSqlError(SQLITE, error, { operation: 'other' });
  for (const { job } of finished) job.reject(told);
}
