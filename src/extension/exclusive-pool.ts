import { SekishoError } from '../lib/errors.ts';
import type { ThreadHost } from './thread-host.ts';

/** Threads of which each serves one request at a time. */
export interface ExclusivePool {
  /** Requests that wait for a thread. */
  readonly waiting: number;
  /**
   * Takes a thread; waits for one when all are taken. A `nested` request may have one beyond the pool's size, up to twice of it: it holds
   * a transaction that others wait for. Rejects with EXTENSION_BUSY after `timeoutMs`, or when too many wait.
   */
  lease(nested: boolean, timeoutMs: number): Promise<ThreadHost>;
  /** Gives a thread back. One that still runs an abandoned event stays taken: it is to be given back again when it is at rest. */
  release(thread: ThreadHost): void;
  /** Stops threads beyond the pool's size that nobody used for a while. */
  trim(now: number): void;
  /** A thread is gone. */
  remove(thread: ThreadHost): void;
  close(): void;
}

/** `start` gives a thread that listens. */
export function createExclusivePool(max: number, maxQueue: number, start: () => Promise<ThreadHost>): ExclusivePool {
  return new Pool(max, maxQueue, start);
}

/** How long a thread beyond the pool's size may be idle: starting one takes 30 ms of CPU. */
const LINGER_MS = 5000;

interface Waiter {
  readonly take: (thread: Promise<ThreadHost>) => void;
  readonly fail: (error: SekishoError) => void;
}

class Pool implements ExclusivePool {
  readonly #max: number;
  readonly #maxQueue: number;
  readonly #start: () => Promise<ThreadHost>;
  /** Those used last at the end, with the time since which they are idle. */
  readonly #idle: { readonly thread: ThreadHost; readonly since: number }[] = [];
  readonly #leased = new Set<ThreadHost>();
  readonly #nested: Waiter[] = [];
  readonly #outer: Waiter[] = [];
  /** Leases, those of threads that start included. */
  #taken = 0;
  #isClosed = false;

  constructor(max: number, maxQueue: number, start: () => Promise<ThreadHost>) {
    this.#max = max;
    this.#maxQueue = maxQueue;
    this.#start = start;
  }

  get waiting(): number {
    return this.#nested.length + this.#outer.length;
  }

  async lease(nested: boolean, timeoutMs: number): Promise<ThreadHost> {
    if (this.#isClosed) throw closing();
    if (this.#hasRoom(nested)) return await this.#take();
    const queue = nested ? this.#nested : this.#outer;
    if (queue.length >= this.#maxQueue)
      throw new SekishoError('EXTENSION_BUSY', `${queue.length} requests wait for a thread already (extension.max_queue).`);
    return await this.#wait(queue, timeoutMs);
  }

  release(thread: ThreadHost): void {
    if (!thread.isAtRest || !this.#leased.delete(thread)) return;
    this.#taken -= 1;
    if (!thread.isGone) this.#idle.push({ thread, since: performance.now() });
    this.#serve();
  }

  remove(thread: ThreadHost): void {
    const at = this.#idle.findIndex((one) => one.thread === thread);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#leased.delete(thread)) this.#taken -= 1;
    this.#serve();
  }

  trim(now: number): void {
    const [oldest] = this.#idle;
    if (oldest === undefined || this.#idle.length + this.#taken <= this.#max || now - oldest.since < LINGER_MS) return;
    oldest.thread.stop('it is not needed any more');
  }

  close(): void {
    this.#isClosed = true;
    for (const waiter of [...this.#nested, ...this.#outer]) waiter.fail(closing());
  }

  #hasRoom(nested: boolean): boolean {
    return this.#taken < (nested ? 2 * this.#max : this.#max);
  }

  async #take(): Promise<ThreadHost> {
    this.#taken += 1;
    const idle = this.#idle.pop()?.thread;
    if (idle !== undefined) {
      this.#leased.add(idle);
      return idle;
    }
    try {
      const thread = await this.#start();
      if (!this.#isClosed && !thread.isGone) {
        this.#leased.add(thread);
        return thread;
      }
      thread.stop('the gateway stops');
      throw closing();
    } catch (error) {
      this.#taken -= 1;
      this.#serve();
      throw error;
    }
  }

  #serve(): void {
    for (const [queue, isNested] of [[this.#nested, true] as const, [this.#outer, false] as const]) {
      while (this.#hasRoom(isNested)) {
        const waiter = queue.shift();
        if (waiter === undefined) break;
        waiter.take(this.#take());
      }
    }
  }

  #wait(queue: Waiter[], timeoutMs: number): Promise<ThreadHost> {
    return new Promise((resolve, reject) => {
      const leave = (error: SekishoError): void => {
        clearTimeout(timer);
        const at = queue.indexOf(waiter);
        if (at >= 0) queue.splice(at, 1);
        reject(error);
      };
      const timer = setTimeout(
        () => leave(new SekishoError('EXTENSION_BUSY', `All ${this.#max} threads for scripts are taken (extension.threads).`)),
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
  }
}

function closing(): SekishoError {
  return new SekishoError('EXTENSION_ABORTED', 'The extensions are closing.');
}
