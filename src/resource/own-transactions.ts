import { SekishoError } from '../lib/errors.ts';
import type { IsolationLevel } from '../schema/types.ts';
import type { Database, Session } from '../sql/types.ts';
import type { Gate } from './gate.ts';

/** Transactions that handlers of one request open beside the request's own one. */
export interface OwnTransactions {
  /** Resolves to the handle of a new transaction, opened by a handler of that depth. */
  begin(depth: number, isolation: IsolationLevel, signal: AbortSignal): Promise<number>;
  /** EXTENSION_TRANSACTION when there is none of that handle. */
  sessionOf(handle: number): Session;
  /** Rejects as the database does; DATABASE_RETRY when it clashed: the handler may run it anew. */
  commit(handle: number): Promise<void>;
  /** Undoes what was not committed. Idempotent. */
  close(handle: number): Promise<void>;
  /** Closes those that handlers of this depth or deeper left open. */
  closeFrom(depth: number): Promise<void>;
  /** Runs `work` in a transaction of its own. */
  run<T>(isolation: IsolationLevel, signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T>;
}

interface Open {
  readonly depth: number;
  readonly session: Session;
  /** Ends the transaction; resolves when it is over. */
  end(isCommit: boolean): Promise<void>;
}

/** How many a request may hold open at once. */
const MAX_OPEN = 4;

/** Undoes a transaction that its handler closes. */
class Closed extends Error {}

/** `isInside` tells whether the request's own transaction is open: SQLite has one writer, so a second one would wait for the first for ever. */
export function createOwnTransactions(database: Database, gate: Gate, isInside: () => boolean): OwnTransactions {
  const open = new Map<number, Open>();
  let count = 0;
  let running = 0;

  const refuseSecond = (): void => {
    if (database.kind === 'sqlite3' && (isInside() || open.size + running > 0))
      throw wrong('SQLite has one writing transaction at a time, and this request is in one; use that (context.transaction, context.tx)');
    if (open.size >= MAX_OPEN) throw wrong(`a request may hold ${MAX_OPEN} transactions open; close one first`);
  };
  /** The first transaction of a request waits for room; one beside it must not wait for what it may itself hold up. */
  const enter = (signal: AbortSignal): Promise<() => void> =>
    isInside() || open.size + running > 0 ? Promise.resolve(() => undefined) : gate.enter(signal);
  const find = (handle: number): Open => {
    const found = open.get(handle);
    if (found === undefined) throw wrong('the transaction is over, or was never begun');
    return found;
  };

  return {
    async begin(depth, isolation, signal) {
      refuseSecond();
      const entering = enter(signal);
      running += 1;
      try {
        const handle = (count += 1);
        open.set(handle, await start(database, depth, isolation, signal, await entering));
        return handle;
      } finally {
        running -= 1;
      }
    },
    sessionOf: (handle) => find(handle).session,
    async commit(handle) {
      const found = find(handle);
      open.delete(handle);
      await found.end(true);
    },
    async close(handle) {
      const found = open.get(handle);
      open.delete(handle);
      await found?.end(false);
    },
    async closeFrom(depth) {
      if (open.size === 0) return;
      for (const [handle, found] of open) {
        if (found.depth < depth) continue;
        open.delete(handle);
        await found.end(false);
      }
    },
    async run(isolation, signal, work) {
      refuseSecond();
      const entering = enter(signal);
      running += 1;
      let leave: (() => void) | undefined;
      try {
        leave = await entering;
        return await database.transaction(work, { isolation, signal, isAlone: true });
      } finally {
        leave?.();
        running -= 1;
      }
    },
  };
}

/** Begins a transaction whose end is told later. It is never tried again by itself: only its handler knows what was done in it. */
async function start(database: Database, depth: number, isolation: IsolationLevel, signal: AbortSignal, leave: () => void): Promise<Open> {
  const begun = Promise.withResolvers<Session>();
  const ending = Promise.withResolvers<boolean>();
  let clash: Error | undefined;
  let isBegun = false;
  const over = database
    .transaction(
      async (session) => {
        if (isBegun) throw new Closed();
        isBegun = true;
        begun.resolve(session);
        if (!(await ending.promise)) throw new Closed();
      },
      { isolation, signal, isAlone: true },
    )
    .catch((error: unknown) => {
      clash = error instanceof Error ? error : new Error(String(error));
      begun.reject(clash);
    })
    .finally(leave);
  const session = await begun.promise;
  return {
    depth,
    session,
    async end(isCommit) {
      ending.resolve(isCommit);
      await over;
      if (!isCommit || clash === undefined) return;
      throw clash instanceof Closed ? new SekishoError('DATABASE_RETRY', 'The transaction clashed with another one; run it anew.') : clash;
    },
  };
}

function wrong(detail: string): SekishoError {
  return new SekishoError('EXTENSION_TRANSACTION', `Transaction: ${detail}.`);
}
