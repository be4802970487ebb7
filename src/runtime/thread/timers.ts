import { currentRequest, type RequestScope } from './requests.ts';

const real = { setTimeout, setInterval, setImmediate };

type OnRun = (request: RequestScope | undefined) => void;
type Callback = (...args: unknown[]) => void;

/** `setTimeout` and its kin, bound to the request that calls them: what is left when it ends is cancelled. `onRun` is told whose callback runs. */
export function createTimers(
  onRun: OnRun = () => {},
): Record<'setTimeout' | 'setInterval' | 'setImmediate', (callback: Callback, ...args: never[]) => unknown> {
  return {
    setTimeout: (callback: Callback, delay?: number, ...args: unknown[]) =>
      once((run) => real.setTimeout(run, delay), callback, args, onRun),
    setImmediate: (callback: Callback, ...args: unknown[]) => once((run) => real.setImmediate(run), callback, args, onRun),
    setInterval: (callback: Callback, delay?: number, ...args: unknown[]) => {
      const state = owner();
      const call = check(callback);
      const run = (...given: unknown[]): void => {
        onRun(state);
        call(...given);
      };
      const timer = real.setInterval(run, delay, ...args);
      if (state?.ended) clearInterval(timer);
      else state?.timers?.add(timer);
      return timer;
    },
  };
}

function once(start: (run: () => void) => NodeJS.Timeout | NodeJS.Immediate, callback: Callback, args: unknown[], onRun: OnRun): unknown {
  const state = owner();
  const call = check(callback);
  const timer = start(() => {
    state?.timers?.delete(timer);
    onRun(state);
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
