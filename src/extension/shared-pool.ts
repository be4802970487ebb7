import { SekishoError } from '../lib/errors.ts';
import type { ThreadHost } from './thread-host.ts';

/** Events that a thread has in flight before the next one gets some: few threads that have much to do wake up less often than many. */
const ENOUGH = 16;
/** A thread that has told nothing for so long computes, perhaps: the next event is better off elsewhere. */
const SILENT_MS = 2;

/** Threads of which each serves many requests. */
export interface SharedPool {
  /** The first thread that has not enough to do, else the one with least. Rejects with EXTENSION_BUSY when too many events are in flight. */
  pick(): ThreadHost | Promise<ThreadHost>;
  remove(thread: ThreadHost): void;
  close(): void;
}

/** Threads are started as they are needed. */
export function createSharedPool(max: number, maxInFlight: number, start: () => Promise<ThreadHost>): SharedPool {
  const threads = new Set<ThreadHost>();
  let starting: Promise<ThreadHost> | undefined;
  let isClosed = false;

  const startThread = (): Promise<ThreadHost> => {
    starting ??= start()
      .then((thread) => {
        if (isClosed) thread.stop('the gateway stops');
        if (!thread.isGone) threads.add(thread);
        return thread;
      })
      .finally(() => {
        starting = undefined;
      });
    return starting;
  };

  return {
    pick() {
      if (isClosed) return Promise.reject(new SekishoError('EXTENSION_ABORTED', 'The extensions are closing.'));
      let best: ThreadHost | undefined;
      let inFlight = 0;
      for (const thread of threads) {
        inFlight += thread.inFlight;
        if (best === undefined || (hasEnough(best) && thread.inFlight < best.inFlight)) best = thread;
      }
      if (inFlight >= maxInFlight)
        return Promise.reject(new SekishoError('EXTENSION_BUSY', `${inFlight} events run in modules already (extension.max_queue).`));
      if (best === undefined) return startThread();
      // The request goes on where there is a thread; the next ones find one more.
      if (hasEnough(best) && threads.size < max) startThread().catch(() => {});
      return best;
    },
    remove: (thread) => void threads.delete(thread),
    close() {
      isClosed = true;
    },
  };
}

function hasEnough(thread: ThreadHost): boolean {
  return thread.inFlight >= ENOUGH || thread.silentMs > SILENT_MS;
}
