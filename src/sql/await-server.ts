import { setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { toReason } from './reason.ts';
import { ConnectionsTaken } from './sql-error.ts';

export interface ServerWait {
  /** The server and the database on it, for people. */
  readonly place: string;
  /** How long a server that does not answer is waited for; 0: not at all. */
  readonly maxWaitMs: number;
}

const FIRST_PAUSE_MS = 250;
/** Gohan's pause. */
const MAX_PAUSE_MS = 10_000;

/**
 * Runs `open` until the server of the database answers, with pauses that double, and tells what it waits for. DATABASE_LOST when `maxWaitMs` are over;
 * a server that answers and refuses (DATABASE_REFUSED: password, name, TLS) is not asked again.
 */
export async function awaitServer<T>(open: () => Promise<T>, { place, maxWaitMs }: ServerWait): Promise<T> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      const opened = await open();
      if (attempt > 1) observe({ type: 'database.reached', place, attempts: attempt, waitedMs: performance.now() - startedAt });
      return opened;
    } catch (error) {
      if (!(error instanceof SekishoError) || error.code === 'CONFIG_INVALID') throw error;
      const reason = toReason(error);
      if (error.code !== 'DATABASE_LOST' && !(error instanceof ConnectionsTaken))
        throw new SekishoError('DATABASE_REFUSED', `${place} refused the connection: ${reason}`, { cause: error });
      const leftMs = maxWaitMs - (performance.now() - startedAt);
      if (leftMs <= 0) throw new SekishoError('DATABASE_LOST', `${place} does not answer: ${reason}`, { cause: error });
      // Varied, so that nodes that were started together do not come together.
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), MAX_PAUSE_MS) * (0.75 + Math.random() / 2);
      const nextMs = Math.min(pauseMs, leftMs);
      observe({ type: 'database.waiting', place, reason, attempt, pauseMs: nextMs, leftMs });
      await sleep(nextMs);
    }
  }
}
