import { parseDurationNs } from '../../lib/duration.ts';
import { SLOT } from '../wire.ts';

/** Milliseconds of `sleep`'s argument: whole or fractional seconds, or a duration as `100ms`. */
function sleepMs(span: unknown): number {
  if (typeof span === 'number' && !Number.isNaN(span)) return Math.max(0, span * 1000);
  if (typeof span !== 'string') throw new TypeError('sleep() requires a number or string as a first argument');
  const ns = parseDurationNs(span);
  if (ns === undefined) throw new Error(`time: invalid duration ${JSON.stringify(span)}`);
  return Math.max(0, ns / 1e6);
}

/** `dgate`: sleep, asyncSleep, retry, fail. `shared` tells the gateway that a silent thread sleeps on purpose. */
export function createDgateModule(shared: Int32Array, later: (run: () => void, ms: number) => void): Record<string, unknown> {
  return {
    /** Blocks the whole thread, other requests of the program too; `asyncSleep` does not. */
    sleep(span: unknown): void {
      const ms = sleepMs(span);
      if (ms === 0) return;
      Atomics.store(shared, SLOT.sleeping, 1);
      Atomics.wait(shared, SLOT.pause, 0, ms);
      Atomics.store(shared, SLOT.sleeping, 0);
    },
    asyncSleep(span: unknown): Promise<void> {
      const ms = sleepMs(span);
      return new Promise((resolve) => later(resolve, ms));
    },
    /** Calls `attempt(i)` for i = 0 … count-1 until it returns something truthy, and returns that. A promise makes it a promise. */
    retry(count: number, attempt: (i: number) => unknown): unknown {
      if (!(Number(count) > 0)) throw new RangeError('num must be greater than 0');
      if (typeof attempt !== 'function') throw new TypeError('retry() requires a function as a second argument');
      return retryFrom(0, count, attempt);
    },
    fail(message: unknown): never {
      throw new Error(String(message));
    },
  };
}

function retryFrom(start: number, count: number, attempt: (i: number) => unknown): unknown {
  let last: unknown;
  for (let i = start; i < count; i += 1) {
    last = attempt(i);
    if (last instanceof Promise) return last.then((value) => (value || i + 1 >= count ? value : retryFrom(i + 1, count, attempt)));
    if (last) return last;
  }
  return last;
}
