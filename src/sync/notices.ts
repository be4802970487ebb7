import type { Etcd } from '../etcd/types.ts';
import type { EventLog } from '../sql/event-log.ts';
import { NOTICE_KEY } from './names.ts';
import { pause } from './pause.ts';
import { createWake } from './wake.ts';

export interface NoticesOptions {
  readonly etcd: Etcd;
  readonly log: EventLog;
  /** The node that delivers is this one: it need not be told by way of etcd. */
  isHere(): boolean;
}

export interface Notices {
  /** A transaction of this process wrote event rows. */
  committed(): void;
  close(): Promise<void>;
}

/** Gohan's. */
const RETRY_MS = 500;
const FOREVER_MS = 2 ** 31 - 1;

/** Tells the leader, wherever it is, that there is something new in the event log. Many commits become one notice. */
export function createNotices({ etcd, log, isHere }: NoticesOptions): Notices {
  const closing = new AbortController();
  const { signal } = closing;
  const wake = createWake();
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await wake.wait(FOREVER_MS, signal);
      while (!signal.aborted && !isHere()) {
        try {
          await etcd.put(NOTICE_KEY, JSON.stringify({ event_id: await log.lastId() }));
          break;
        } catch {
          // The leader looks at the log by itself now and then.
          await pause(RETRY_MS, signal);
        }
      }
    }
  };
  const running = run();
  return {
    committed: () => wake.ring(),
    async close() {
      closing.abort();
      await running;
    },
  };
}
