import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { EventLog } from '../sql/event-log.ts';
import { pause } from './pause.ts';

const INTERVAL_MS = 60_000;

/** Keeps an event log that nobody empties from growing, until the signal is aborted: once a minute all but the newest rows go. */
export async function trimLog(log: Pick<EventLog, 'trim'>, keep: number, signal: AbortSignal, intervalMs = INTERVAL_MS): Promise<void> {
  while (!signal.aborted) {
    await pause(intervalMs, signal);
    if (signal.aborted) return;
    await log
      .trim(keep)
      .catch((error: unknown) => observe({ type: 'error', error: toSekishoError(error), where: 'trimming of the event log' }));
  }
}
