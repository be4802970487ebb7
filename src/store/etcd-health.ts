import { observe } from '../lib/event.ts';
import type { StoreHealth } from './types.ts';

/** Whether a store in etcd is followed; tells every change of it. */
export interface EtcdHealth {
  readonly now: StoreHealth;
  onConnected(isConnected: boolean, reason: string | undefined): void;
  /** What the last process left is known, and nothing newer. */
  onStale(): void;
}

/** `revision` gives what is known. Begins as `unreachable`. */
export function createEtcdHealth(revision: () => number): EtcdHealth {
  let now: StoreHealth = { state: 'unreachable', since: new Date().toISOString(), error: 'etcd has not answered yet' };
  let isStale = false;
  const turn = (state: StoreHealth['state'], reason: string | undefined): void => {
    const isNews = now.state !== state;
    now = { state, since: isNews ? new Date().toISOString() : now.since, ...(reason !== undefined && { error: reason }) };
    if (isNews) observe({ type: 'store.health', state, revision: revision(), ...(reason !== undefined && { reason }) });
  };
  return {
    get now() {
      return now;
    },
    onConnected(isConnected, reason) {
      if (isConnected) isStale = false;
      turn(isConnected ? 'ok' : isStale ? 'stale' : 'unreachable', isConnected ? undefined : (reason ?? 'etcd does not answer'));
    },
    onStale() {
      isStale = true;
      turn('stale', now.error);
    },
  };
}
