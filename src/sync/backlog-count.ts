import { observe } from '../lib/event.ts';
import type { EventLog } from '../sql/event-log.ts';
import { beside } from './beside.ts';
import { pause } from './pause.ts';

export interface Backlog {
  readonly count: number;
  /** Of the oldest row. */
  readonly ageMs: number;
}

export interface BacklogCountOptions {
  readonly log: Pick<EventLog, 'backlog'>;
  readonly pollMs: number;
  /** Whether it is for this node to count. */
  isTelling(): boolean;
}

/** Of this age at most is what is told of the event log. */
const MAX_PAUSE_MS = 5000;

/** Counts now and then what waits in the event log, as long as it is for this node to tell. */
export function createBacklogCount({ log, pollMs, isTelling }: BacklogCountOptions): {
  backlog(): Backlog | undefined;
  close(): Promise<void>;
} {
  const closing = new AbortController();
  let backlog: Backlog | undefined;
  const counting = beside(
    {
      wait: (signal) => pause(Math.min(Math.max(pollMs, 1000), MAX_PAUSE_MS), signal),
      what: 'counting the event log',
      async run() {
        if (isTelling()) {
          const { count, oldest } = await log.backlog();
          backlog = { count, ageMs: count === 0 ? 0 : Math.max(0, Date.now() - oldest * 1000) };
          observe({ type: 'sync.backlog', ...backlog });
          return;
        }
        // What another node counts is told there.
        if (backlog !== undefined) observe({ type: 'sync.backlog', count: 0, ageMs: 0 });
        backlog = undefined;
      },
    },
    closing.signal,
  );
  return {
    backlog: () => (isTelling() ? backlog : undefined),
    async close() {
      closing.abort();
      await counting;
    },
  };
}
