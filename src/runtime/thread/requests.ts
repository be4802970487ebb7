import { AsyncLocalStorage } from 'node:async_hooks';
import type { RequestState } from './state.ts';

/** The request that the running code works for; undefined at module top level. */
export const currentRequest = new AsyncLocalStorage<RequestState>();

/** Ends what the request left behind: timers, fetches. */
export function endRequest(state: RequestState): void {
  state.ended = true;
  if (state.timers !== undefined) {
    for (const timer of state.timers) {
      clearTimeout(timer as NodeJS.Timeout);
      clearImmediate(timer as NodeJS.Immediate);
    }
    state.timers.clear();
  }
  state.abort?.abort(new Error('the request is over'));
}
