import { observe } from '../lib/event.ts';
import type { StoreHealth } from './types.ts';

/** Whether a store in etcd is followed; tells every change of it. */
export interface EtcdHealth {
  readonly now: StoreHealth;
  onConnected(isConnected: boolean, reason: string | undefined): void;
  /** What the last process left is known, and nothing newer. */
  onStale(): void;
  /** A change could not be stored though the watch flows: a member without its cluster goes on telling nothing. */
  onWriteFailed(reason: string): void;
  close(): void;
}

export interface EtcdHealthOptions {
  /** Revision of what is known. */
  readonly revision: () => number;
  /** Rejects while the cluster gives no answer that counts. */
  readonly probe: () => Promise<unknown>;
}

const PROBE_MS = 500;

/** Begins as `unreachable`. */
export function createEtcdHealth({ revision, probe }: EtcdHealthOptions): EtcdHealth {
  let now: StoreHealth = { state: 'unreachable', since: new Date().toISOString(), error: 'etcd has not answered yet' };
  let isStale = false;
  let isConnected = false;
  let timer: NodeJS.Timeout | undefined;
  const turn = (state: StoreHealth['state'], reason: string | undefined): void => {
    const isNews = now.state !== state;
    now = { state, since: isNews ? new Date().toISOString() : now.since, ...(reason !== undefined && { error: reason }) };
    if (isNews) observe({ type: 'store.health', state, revision: revision(), ...(reason !== undefined && { reason }) });
  };
  const endProbe = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const probeSoon = (): void => {
    timer = setTimeout(() => {
      probe().then(
        () => {
          if (timer === undefined) return;
          endProbe();
          if (isConnected) turn('ok', undefined);
        },
        () => {
          if (timer !== undefined) probeSoon();
        },
      );
    }, PROBE_MS).unref();
  };
  return {
    get now() {
      return now;
    },
    onConnected(isConnectedNow, reason) {
      isConnected = isConnectedNow;
      endProbe();
      if (isConnected) isStale = false;
      turn(isConnected ? 'ok' : isStale ? 'stale' : 'unreachable', isConnected ? undefined : (reason ?? 'etcd does not answer'));
    },
    onStale() {
      isStale = true;
      turn('stale', now.error);
    },
    onWriteFailed(reason) {
      if (!isConnected || now.state !== 'ok') return;
      turn('unreachable', reason);
      probeSoon();
    },
    close: endProbe,
  };
}
