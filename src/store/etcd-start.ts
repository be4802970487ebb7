import type { Etcd } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { isPassing, toStoreError } from './etcd-failure.ts';
import type { EtcdFollower } from './etcd-follower.ts';
import type { EtcdLayout } from './etcd-layout.ts';

export interface FirstStateOptions {
  readonly etcd: Etcd;
  readonly layout: EtcdLayout;
  readonly follower: EtcdFollower;
  /** Fires `failure` whenever the follower was cut. */
  readonly failures: EventTarget;
  readonly timeoutMs: number;
  /** There is a last good state: one failure is enough to begin with it. */
  readonly hasSnapshot: boolean;
}

/** True when what is stored was read, false when the last good state is to be served. Rejects when there is neither: at once when waiting can't help. */
export async function awaitFirstState(options: FirstStateOptions): Promise<boolean> {
  const { follower, failures, timeoutMs, hasSnapshot } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  for (;;) {
    const ending = new AbortController();
    const failed = new Promise<'failed'>((resolve) => {
      const end = (): void => resolve('failed');
      failures.addEventListener('failure', end, { once: true, signal: ending.signal });
      deadline.addEventListener('abort', end, { once: true, signal: ending.signal });
    });
    const outcome = deadline.aborted ? 'failed' : await Promise.race([follower.ready, failed]);
    ending.abort();
    if (outcome !== 'failed') return true;
    if (hasSnapshot) return false;
    await checkHope(options, deadline.aborted);
  }
}

/** Asks etcd itself why there is nothing: the follower only knows that it was cut. */
async function checkHope({ etcd, layout, follower }: FirstStateOptions, isOver: boolean): Promise<void> {
  if (follower.problem !== undefined) throw follower.problem;
  try {
    await etcd.range({ key: layout.state });
    if (isOver) throw new SekishoError('STORE_FAILED', 'etcd answers, but the state could not be read in time');
  } catch (error) {
    if (isOver || !isPassing(error)) throw toStoreError(error, 'the state', 'read');
  }
}
