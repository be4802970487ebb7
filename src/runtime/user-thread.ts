import { setFlagsFromString } from 'node:v8';
import { type Transferable, Worker } from 'node:worker_threads';

/** A thread for user code. */
export interface UserThreadOptions {
  readonly code: string;
  readonly workerData: object;
  readonly transferList: readonly Transferable[];
  readonly name: string;
  readonly heapLimitBytes: number;
}

/**
 * Code that V8 (13.6) optimises concurrently while its loop runs may be entered and left for ever without a look at interrupts:
 * `for (;;) new Array(1000)` then cannot be terminated. Optimising it in the loop's own thread avoids that.
 */
const STOPPABLE_LOOPS = '--no-concurrent-osr';

const MEGABYTE = 1024 * 1024;
/**
 * V8's own limit lies so far above ours, because reaching it with one large allocation (`[...text]`) ends the whole process, not the
 * thread. Ours is kept by asking for the heap's size.
 */
const HEADROOM_MB = 2048;

/** To be called before the first thread starts: endless loops of user code can be ended from then on. */
export function makeLoopsStoppable(): void {
  setFlagsFromString(STOPPABLE_LOOPS);
}

/** Starts a thread that sees neither environment, arguments nor standard streams of the process. */
export function startUserThread({ code, workerData, transferList, name, heapLimitBytes }: UserThreadOptions): Worker {
  const worker = new Worker(code, {
    eval: true,
    workerData,
    transferList: [...transferList],
    env: {},
    argv: [],
    execArgv: [],
    stdout: true,
    stderr: true,
    trackUnmanagedFds: false,
    name,
    resourceLimits: {
      maxOldGenerationSizeMb: Math.ceil(heapLimitBytes / MEGABYTE) + HEADROOM_MB,
      maxYoungGenerationSizeMb: Math.max(1, Math.ceil(heapLimitBytes / MEGABYTE / 4)),
    },
  });
  worker.stdout.resume();
  worker.stderr.resume();
  return worker;
}
