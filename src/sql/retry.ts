import { setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../lib/errors.ts';
import { RunAgain } from './run-again.ts';

/** How often a transaction that clashed is tried again, and the mean pause before the first time; it doubles each time. */
export interface RetryOptions {
  readonly count: number;
  readonly intervalMs: number;
}

/** What did not clash succeeds on the next try, as a rule. */
const MIN_RETRIES = 3;
const MAX_PAUSE_MS = 5000;

/** Runs `attempt` until it does not fail with DATABASE_RETRY, at most `count` times more. Pauses are jittered, so that two that clashed do not meet again. */
export async function withRetries<T>(options: RetryOptions, signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      const limit = error instanceof RunAgain ? Math.max(options.count, MIN_RETRIES) : options.count;
      if (!(error instanceof SekishoError) || error.code !== 'DATABASE_RETRY' || failures > limit) throw error;
      const pauseMs = Math.min(options.intervalMs * 2 ** (failures - 1) * (0.5 + Math.random()), MAX_PAUSE_MS);
      await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }
}
