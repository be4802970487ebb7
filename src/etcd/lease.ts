import { setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../lib/errors.ts';
import type { Transport } from './transport.ts';
import type { Lease } from './types.ts';
import { toId, toNumber } from './wire.ts';

/** Grants a lease and keeps it alive. etcd rounds the time up to whole seconds, and to its own minimum. */
export async function createLease(transport: Transport, ttlMs: number, signal?: AbortSignal): Promise<Lease> {
  const grantedAt = performance.now();
  // Tried again like a read: a lease too many has no keys and ends by itself.
  const granted = await transport.call('/v3/lease/grant', { TTL: String(Math.max(1, Math.ceil(ttlMs / 1000))) }, { signal });
  const id = toId(granted.ID);
  const realTtlMs = toNumber(granted.TTL) * 1000;
  const clock = createLeaseClock(realTtlMs, grantedAt);
  const stopping = new AbortController();
  const running = keepAlive(transport, id, clock, AbortSignal.any([stopping.signal, clock.lost]));
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    stopping.abort();
    clock.lose('closed');
    await running;
    const timeoutMs = Math.min(transport.timeoutMs, realTtlMs);
    // When etcd cannot be reached now, the lease ends by itself.
    await transport.call('/v3/lease/revoke', { ID: id }, { timeoutMs }).catch(() => undefined);
  };
  return {
    id,
    ttlMs: realTtlMs,
    lost: clock.lost,
    get isAlive() {
      return clock.isRunning();
    },
    close: () => (closed ??= close()),
  };
}

/** Our own notion of how long the lease surely lasts: two thirds of its time from when its last renewal was *sent*, on a clock that never goes back. */
interface LeaseClock {
  readonly ttlMs: number;
  readonly lost: AbortSignal;
  /** Asks the clock, not the timer: after a pause of the process the timer may not have had its turn yet. */
  isRunning(): boolean;
  leftMs(): number;
  renew(sentAt: number): void;
  lose(reason: string): void;
}

function createLeaseClock(ttlMs: number, grantedAt: number): LeaseClock {
  const lost = new AbortController();
  const holdMs = (ttlMs * 2) / 3;
  let deadline = grantedAt + holdMs;
  let timer: NodeJS.Timeout | undefined;
  const leftMs = (): number => deadline - performance.now();
  const lose = (reason: string): void => {
    clearTimeout(timer);
    if (!lost.signal.aborted) lost.abort(new SekishoError('ETCD_LEASE_LOST', `the lease is lost: ${reason}`));
  };
  const isRunning = (): boolean => {
    if (lost.signal.aborted) return false;
    if (leftMs() > 0) return true;
    lose(`it was not renewed for ${Math.round(holdMs)} ms`);
    return false;
  };
  const arm = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => isRunning() && arm(), Math.max(1, leftMs()));
  };
  arm();
  return {
    ttlMs,
    lost: lost.signal,
    isRunning,
    leftMs,
    renew(sentAt) {
      // Once it may have been lost it stays so, whatever etcd says now: others may have been told.
      if (!isRunning()) return;
      deadline = sentAt + holdMs;
      arm();
    },
    lose,
  };
}

async function keepAlive(transport: Transport, id: string, clock: LeaseClock, signal: AbortSignal): Promise<void> {
  let pauseMs = clock.ttlMs / 3;
  while (!signal.aborted) {
    try {
      await sleep(pauseMs, undefined, { signal });
      const sentAt = performance.now();
      const timeoutMs = Math.max(1, Math.min(transport.timeoutMs, clock.leftMs()));
      const answer = await transport.call('/v3/lease/keepalive', { ID: id }, { timeoutMs, signal });
      if (toNumber(answer.TTL) > 0) clock.renew(sentAt);
      else clock.lose('etcd does not have it any more');
      pauseMs = clock.ttlMs / 3;
    } catch {
      // Soon again, until the clock says that it is too late.
      pauseMs = clock.ttlMs / 24;
    }
  }
}
