import { currentRequest, type RequestScope } from './requests.ts';

const real = { setTimeout, setInterval, setImmediate };

type Callback = (...args: unknown[]) => void;

/** `setTimeout` and its kin, bound to the request that calls them: what is left when it ends is cancelled. */
export function createTimers(): Record<'setTimeout' | 'setInterval' | 'setImmediate', (callback: Callback, ...args: never[]) => unknown> {
  return {
    setTimeout: (callback: Callback, delay?: number, ...args: unknown[]) => once((run) => real.setTimeout(run, delay), callback, args),
    setImmediate: (callback: Callback, ...args: unknown[]) => once((run) => real.setImmediate(run), callback, args),
    setInterval: (callback: Callback, delay?: number, ...args: unknown[]) => {
      const state = owner();
      const timer = real.setInterval(check(callback), delay, ...args);
      if (state?.ended) clearInterval(timer);
      else state?.timers?.add(timer);
      return timer;
    },
  };
}

function once(start: (run: () => void) => NodeJS.Timeout | NodeJS.Immediate, callback: Callback, args: unknown[]): unknown {
  const state = owner();
  const call = check(callback);
  const timer = start(() => {
    state?.timers?.delete(timer);
    call(...args);
  });
  if (state?.ended) {
    clearTimeout(timer as NodeJS.Timeout);
    clearImmediate(timer as NodeJS.Immediate);
  } else state?.timers?.add(timer);
  return timer;
}

function owner(): RequestScope | undefined {
  const state = currentRequest.getStore();
  if (state !== undefined) state.timers ??= new Set();
  return state;
}

function check(callback: unknown): Callback {
  if (typeof callback !== 'function') throw new TypeError('a timer needs a function as its first argument');
  return callback as Callback;
}
