import type { Worker } from 'node:worker_threads';
import type { RuntimeLimits } from './options.ts';
import { MEMORY_SLOT, SLOT } from './wire.ts';

/** The limits that a watch enforces. */
export type WatchLimits = Pick<RuntimeLimits, 'syncTimeoutMs' | 'heapLimitBytes' | 'rssLimitBytes'>;

/** What a watch looks at, and how it acts. */
export interface ThreadWatchOptions {
  readonly worker: Worker;
  readonly shared: SharedArrayBuffer;
  readonly limits: WatchLimits;
  /** True while the thread waits for an answer of ours. */
  isOwed(): boolean;
  ping(number: number): void;
  /** `isSilent`: whatever runs in it now is the cause; else what it did before may be. */
  kill(reason: string, isSilent: boolean): void;
}

/** Looks whether one thread answers and how much memory it holds; asks for its end when a limit is broken. */
export interface ThreadWatch {
  readonly heapBytes: number;
  /** True when the thread has not answered for longer than the sync deadline, whatever its excuse. */
  isStuck(now: number): boolean;
  /** The top level of the program is done. */
  loaded(): void;
  tick(now: number, rss: number, busy: boolean): void;
}

const PING_BUSY_MS = 50;
const PING_IDLE_MS = 1000;
/** Timers may fire a little early. */
const EARLY_MS = 5;
/** Silence after which a thread's memory is asked from outside. */
const SILENT_MS = 40;
const BOOT_TIMEOUT_MS = 30_000;
/** A thread that does not answer cannot collect its garbage for us: it gets so much more. */
const SILENT_HEAP_FACTOR = 1.5;
const MEGABYTE = 1024 * 1024;

export function createThreadWatch(options: ThreadWatchOptions): ThreadWatch {
  return new Watch(options);
}

class Watch implements ThreadWatch {
  readonly #options: ThreadWatchOptions;
  readonly #shared: Int32Array;
  readonly #memory: Float64Array;
  readonly #startedAt = performance.now();
  #ping = 0;
  /** When the silence began that counts against the thread. */
  #silentFrom = performance.now();
  #answeredAt = performance.now();
  #rssAtSilence = 0;
  #asking = false;
  #state: 'booting' | 'evaluating' | 'loaded' = 'booting';

  constructor(options: ThreadWatchOptions) {
    this.#options = options;
    this.#shared = new Int32Array(options.shared);
    this.#memory = new Float64Array(options.shared);
  }

  get heapBytes(): number {
    return this.#memory[MEMORY_SLOT.heap] ?? 0;
  }

  isStuck(now: number): boolean {
    return !this.#hasAnswered() && now - this.#answeredAt > this.#options.limits.syncTimeoutMs;
  }

  loaded(): void {
    this.#state = 'loaded';
  }

  tick(now: number, rss: number, busy: boolean): void {
    if (this.#state === 'booting') return this.#checkBoot(now, rss);
    if (this.#state === 'evaluating' || !this.#hasAnswered()) return this.#checkSilence(now, rss);
    if (!this.#checkAnswer()) return;
    this.#answeredAt = now;
    if (now - this.#silentFrom < (busy ? PING_BUSY_MS : PING_IDLE_MS) - EARLY_MS) return;
    this.#ping = (this.#ping + 1) & 0x3fffffff;
    this.#excuse(now, rss);
    this.#options.ping(this.#ping);
  }

  #hasAnswered(): boolean {
    return Atomics.load(this.#shared, SLOT.pong) === this.#ping;
  }

  #excuse(now: number, rss: number): void {
    this.#silentFrom = now;
    this.#rssAtSilence = rss;
  }

  /** Starting a thread takes as long as the machine is busy; only its own code counts against a program. */
  #checkBoot(now: number, rss: number): void {
    if (Atomics.load(this.#shared, SLOT.booted) === 1) {
      this.#state = 'evaluating';
      this.#excuse(now, rss);
    } else if (now - this.#startedAt > BOOT_TIMEOUT_MS) this.#options.kill('its thread did not start', false);
  }

  /** What an answering thread measured itself, garbage excluded. False when it was killed for it. */
  #checkAnswer(): boolean {
    const { limits, kill } = this.#options;
    const buffers = this.#memory[MEMORY_SLOT.buffers] ?? 0;
    if (buffers > limits.rssLimitBytes) kill(buffersReason(buffers, limits), false);
    else if (this.heapBytes > limits.heapLimitBytes) kill(heapReason(this.heapBytes, limits), false);
    else return true;
    return false;
  }

  #checkSilence(now: number, rss: number): void {
    const { limits, kill } = this.#options;
    // It waits for us, or sleeps on purpose. The deadline of its call ends that too.
    if (this.#options.isOwed() || Atomics.load(this.#shared, SLOT.sleeping) === 1) return this.#excuse(now, rss);
    const silentMs = now - this.#silentFrom;
    const grownBytes = rss - this.#rssAtSilence;
    if (silentMs > limits.syncTimeoutMs) kill(`it blocked its thread for longer than ${limits.syncTimeoutMs} ms`, true);
    else if (silentMs < SILENT_MS) return;
    else if (grownBytes > limits.rssLimitBytes + limits.heapLimitBytes * SILENT_HEAP_FACTOR) {
      kill(`the process grew by ${Math.round(grownBytes / MEGABYTE)} MB while it did not answer`, true);
    } else this.#askMemory();
  }

  /** Works while the thread runs an endless loop: V8 answers between two of its instructions. */
  #askMemory(): void {
    if (this.#asking) return;
    this.#asking = true;
    const { worker, limits, kill } = this.#options;
    worker.getHeapStatistics().then(
      ({ external_memory: external, used_heap_size: heap }) => {
        this.#asking = false;
        if (external > limits.rssLimitBytes) kill(buffersReason(external, limits), true);
        else if (heap > limits.heapLimitBytes * SILENT_HEAP_FACTOR) kill(heapReason(heap, limits), true);
      },
      () => {
        this.#asking = false;
      },
    );
  }
}

/** Why a thread ends that used too much of V8's heap. */
export function heapReason(bytes: number, limits: WatchLimits): string {
  return `it used ${Math.round(bytes / MEGABYTE)} MB of heap, more than the ${Math.round(limits.heapLimitBytes / MEGABYTE)} MB allowed`;
}

function buffersReason(bytes: number, limits: WatchLimits): string {
  return `it held ${Math.round(bytes / MEGABYTE)} MB of buffers, more than the ${Math.round(limits.rssLimitBytes / MEGABYTE)} MB allowed`;
}
