import { SekishoError } from '../lib/errors.ts';
import type { ThreadHost } from './thread-host.ts';

/** Threads of which each serves one request at a time. */
export interface ExclusivePool {
  readonly waiting: number;
  /**
   * Takes a thread; waits for one when all are taken. A `nested` request may have one beyond the pool's size: it holds a transaction
   * that others wait for. Rejects with EXTENSION_BUSY after `timeoutMs`, or when too many wait.
   */
  lease(nested: boolean, timeoutMs: number): Promise<ThreadHost>;
  release(thread: ThreadHost): void;
  /** A thread is gone. */
  remove(thread: ThreadHost): void;
  close(): void;
}

interface Waiter {
  readonly take: (thread: ThreadHost | Promise<ThreadHost>) => void;
  readonly fail: (error: SekishoError) => void;
}

/** `start` makes a thread, which calls `release` by itself once an abandoned event of its has ended. */
export function createExclusivePool(max: number, maxQueue: number, start: () => Promise<ThreadHost>): ExclusivePool {
  const idle: ThreadHost[] = [];
  const leased = new Set<ThreadHost>();
  const queues = { nested: [] as Waiter[], outer: [] as Waiter[] };
  /** Leases, those of threads that start included. */
  let taken = 0;
  let isClosed = false;

  const startThread = async (): Promise<ThreadHost> => {
    const thread = await start();
    if (isClosed || thread.isGone) {
      thread.stop('the gateway stops');
      throw new SekishoError('EXTENSION_ABORTED', 'The extensions are closing.');
    }
    leased.add(thread);
    return thread;
  };
  const take = (): ThreadHost | Promise<ThreadHost> => {
    taken += 1;
    const thread = idle.pop();
    if (thread !== undefined) {
      leased.add(thread);
      return thread;
    }
    return startThread().catch((error: unknown) => {
      taken -= 1;
      serve();
      throw error;
    });
  };
  const serve = (): void => {
    while (queues.nested.length > 0 && taken < 2 * max) queues.nested.shift()?.take(take());
    while (queues.outer.length > 0 && taken < max) queues.outer.shift()?.take(take());
    for (let extra = idle.length + taken - max; extra > 0 && idle.length > 0; extra -= 1) idle.pop()?.stop('it is not needed any more');
  };
  const wait = (queue: Waiter[], timeoutMs: number): Promise<ThreadHost> =>
    new Promise((resolve, reject) => {
      const leave = (error: SekishoError): void => {
        clearTimeout(timer);
        const at = queue.indexOf(waiter);
        if (at >= 0) queue.splice(at, 1);
        reject(error);
      };
      const timer = setTimeout(
        () => leave(new SekishoError('EXTENSION_BUSY', `All ${max} threads for scripts are taken (extension.threads).`)),
        timeoutMs,
      );
      const waiter: Waiter = {
        take: (thread) => {
          clearTimeout(timer);
          resolve(thread);
        },
        fail: leave,
      };
      queue.push(waiter);
    });

  return {
    get waiting() {
      return queues.nested.length + queues.outer.length;
    },
    async lease(nested, timeoutMs) {
      if (isClosed) throw new SekishoError('EXTENSION_ABORTED', 'The extensions are closing.');
      const queue = nested ? queues.nested : queues.outer;
      if (taken < (nested ? 2 * max : max)) return await take();
      if (queue.length >= maxQueue)
        throw new SekishoError('EXTENSION_BUSY', `${queue.length} requests wait for a thread already (extension.max_queue).`);
      return await wait(queue, timeoutMs);
    },
    release(thread) {
      if (!leased.has(thread) || !thread.isAtRest) return;
      leased.delete(thread);
      taken -= 1;
      if (!thread.isGone) idle.push(thread);
      serve();
    },
    remove(thread) {
      const at = idle.indexOf(thread);
      if (at >= 0) idle.splice(at, 1);
      if (leased.delete(thread)) taken -= 1;
      serve();
    },
    close() {
      isClosed = true;
      const error = new SekishoError('EXTENSION_ABORTED', 'The extensions are closing.');
      for (const waiter of [...queues.nested, ...queues.outer]) waiter.fail(error);
    },
  };
}
