import { hostname } from 'node:os';
import { MessageChannel, type Worker } from 'node:worker_threads';
import { type CallFailure, createSyncServer, type SyncServer } from './sync-call.ts';
import { createThreadWatch, heapReason, type ThreadWatch, type WatchLimits } from './thread-watch.ts';
import { startUserThread } from './user-thread.ts';
import { SHARED_BYTES, SLOT, type ThreadLinkData } from './wire.ts';

/** What the link to one user thread is made of. */
export interface ThreadLinkOptions {
  /** JavaScript of the thread. */
  readonly code: string;
  readonly name: string;
  /** The thread's `workerData`, but for `ThreadLinkData`. */
  readonly data: object;
  readonly limits: WatchLimits;
  /** Opcode of the item that asks for a sign of life; its field is a number. */
  readonly ping: number;
  /** Answers a synchronous call of the thread. */
  answer(name: string, inv: number, args: readonly unknown[]): Promise<unknown>;
  toFailure(error: unknown): CallFailure;
  /** Reads one item of a batch of the thread. What it throws ends the thread, not the gateway: what comes from a thread is untrusted. */
  receive(next: () => unknown): void;
  /** The thread has ended or has to be ended; told as often as there is a reason. `isSilent`: what runs in it now is the cause. */
  fail(reason: string, isSilent: boolean): void;
}

/** The gateway's end of one user thread: starts it, watches it, and exchanges batches with it, each a flat array of items. */
export class ThreadLink {
  /** Settles when the thread's resources are free. */
  readonly exited: Promise<void>;
  readonly sync: SyncServer;
  readonly watch: ThreadWatch;
  readonly #options: ThreadLinkOptions;
  readonly #worker: Worker;
  readonly #shared: Int32Array;
  #waiting: unknown[] = [];
  #isScheduled = false;
  #isCut = false;

  constructor(options: ThreadLinkOptions) {
    const { code, name, limits } = options;
    const shared = new SharedArrayBuffer(SHARED_BYTES);
    const channel = new MessageChannel();
    this.#options = options;
    this.#shared = new Int32Array(shared);
    this.sync = createSyncServer(
      channel.port1,
      this.#shared,
      (call, inv, args) => options.answer(call, inv, args),
      (error) => options.toFailure(error),
    );
    const own: ThreadLinkData = { host: hostname(), heapLimitBytes: limits.heapLimitBytes, shared, syncPort: channel.port2 };
    this.#worker = startUserThread({
      code,
      workerData: { ...options.data, ...own },
      transferList: [channel.port2],
      name,
      heapLimitBytes: limits.heapLimitBytes,
    });
    this.watch = createThreadWatch({
      worker: this.#worker,
      shared,
      limits,
      isOwed: () => this.sync.pending > 0,
      ping: (number) => this.send(options.ping, number),
      kill: (reason, isSilent) => options.fail(reason, isSilent),
    });
    this.#worker.on('message', (batch: readonly unknown[]) => this.#receive(batch));
    this.#worker.on('messageerror', () => options.fail('it sent a message that cannot be read', false));
    this.#worker.on('error', (error: Error & { code?: string }) => {
      const isFull = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
      options.fail(isFull ? heapReason(limits.heapLimitBytes, limits) : `its thread failed: ${error.message}`, false);
    });
    this.exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.sync.close();
        options.fail('its thread ended', false);
        resolve();
      });
    });
  }

  /** How many items wait for a batch to travel with. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Number of the invocation whose code runs; 0 when none does. */
  get running(): number {
    return Atomics.load(this.#shared, SLOT.current);
  }

  /** Adds items to the next batch, without making one go. */
  put(...items: readonly unknown[]): void {
    for (const item of items) this.#waiting.push(item);
  }

  /** Sends items with the next batch, behind those that wait: one batch for each turn of the event loop. */
  send(...items: readonly unknown[]): void {
    for (const item of items) this.#waiting.push(item);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const batch = this.take();
      if (!this.#isCut && batch.length > 0) this.#worker.postMessage(batch);
    });
  }

  /** The items that wait, for who sends them another way. */
  take(): readonly unknown[] {
    const batch = this.#waiting;
    this.#waiting = [];
    return batch;
  }

  /** Ends the thread; nothing is sent or received any more. */
  cut(): void {
    this.#isCut = true;
    void this.#worker.terminate();
  }

  #receive(batch: readonly unknown[]): void {
    if (this.#isCut) return;
    try {
      let at = 0;
      const next = (): unknown => batch[at++];
      while (at < batch.length) this.#options.receive(next);
    } catch (error) {
      this.#options.fail(`it sent a message that cannot be read: ${error instanceof Error ? error.message : ''}`, false);
    }
  }
}
