import { AsyncLocalStorage } from 'node:async_hooks';

/** What the globals of user code know of the request that it works for. */
export interface RequestScope {
  /** Number of the request in calls to the gateway. */
  readonly inv: number;
  timers: Set<NodeJS.Timeout | NodeJS.Immediate> | undefined;
  abort: AbortController | undefined;
  consoleLines: number;
  ended: boolean;
}

/** The request that the running code works for; undefined at module top level. */
export const currentRequest = new AsyncLocalStorage<RequestScope>();

/** Ends what the request left behind: timers, fetches. */
export function endRequest(state: RequestScope): void {
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
