import { setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../lib/errors.ts';
import { createBackoff } from './backoff.ts';
import { hasCode } from './etcd-error.ts';
import type { Compare, Election, ElectionOptions, Etcd, KeyValue, Lease, WatchEvent } from './types.ts';

const TTL_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2000;

interface Leader {
  readonly candidate: string;
  readonly term: number;
}

/** Campaigns until it is closed: the key is made under a lease by whoever finds it absent; the others watch it go. */
export function createElection(options: ElectionOptions): Election {
  const closing = new AbortController();
  let office: Office | undefined;
  let seen: Leader | undefined;
  const see = (leader: Leader | undefined): void => {
    if (leader?.term === seen?.term) return;
    seen = leader;
    options.onLeader?.(leader);
  };
  const seat = createSeat(options, (leader, revision) => {
    // What etcd said before it gave us the office may be heard after it.
    if (office !== undefined && revision < office.term) return;
    if (leader?.term !== office?.term) office?.vacate();
    see(leader);
  });
  const serve = async (lease: Lease, term: number): Promise<void> => {
    const mine = createOffice(options.key, lease, term);
    office = mine;
    see({ candidate: options.candidate, term });
    try {
      // The clock, not the signal: this process may have been stopped between the answer of etcd and here.
      if (mine.isHeld() && !closing.signal.aborted) await options.lead({ fence: mine.fence, lost: mine.lost, term });
    } finally {
      mine.vacate();
      office = undefined;
      if (seen?.term === term) see(undefined);
    }
  };
  const running = campaign(options, seat, serve, closing.signal);
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    closing.abort();
    office?.vacate();
    await running;
    await seat.close();
  };
  return {
    leader: () => (office !== undefined && seen?.term === office.term && !office.isHeld() ? undefined : seen),
    get isLeader() {
      return office?.isHeld() ?? false;
    },
    close: () => (closed ??= close()),
  };
}

/** One term of ours. */
interface Office {
  readonly term: number;
  readonly fence: Compare;
  readonly lost: AbortSignal;
  isHeld(): boolean;
  vacate(): void;
}

function createOffice(key: string, lease: Lease, term: number): Office {
  const left = new AbortController();
  const lost = AbortSignal.any([lease.lost, left.signal]);
  return {
    term,
    fence: { key, target: 'createRevision', result: '=', value: term },
    lost,
    isHeld: () => lease.isAlive && !lost.aborted,
    vacate: () => left.abort(),
  };
}

/** The leader's key, and a way to wait until it is gone. */
interface Seat {
  /** Settles when nobody is seen to lead, or the signal is aborted. */
  free(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

function createSeat({ etcd, key, onError }: ElectionOptions, onChange: (leader: Leader | undefined, revision: number) => void): Seat {
  let freed = Promise.withResolvers<void>();
  let isFree = false;
  const set = (kv: KeyValue | undefined, revision: number): void => {
    if (isFree && kv !== undefined) freed = Promise.withResolvers();
    isFree = kv === undefined;
    if (isFree) freed.resolve();
    onChange(kv === undefined ? undefined : { candidate: kv.value.toString(), term: kv.createRevision }, revision);
  };
  const watch = etcd.watch({
    prefix: key,
    onList: (list) =>
      set(
        list.kvs.find((kv) => kv.key === key),
        list.revision,
      ),
    onEvents(events) {
      for (const event of events) if (event.kv.key === key) set(toHolder(event), event.kv.modRevision);
    },
    onConnected(connected, reason) {
      if (!connected) onError?.(new SekishoError('ETCD_UNAVAILABLE', `the watch of ${key} is cut: ${reason ?? 'no reason is known'}`));
    },
  });
  return {
    async free(signal) {
      const aborted = Promise.withResolvers<void>();
      const abort = (): void => aborted.resolve();
      signal.addEventListener('abort', abort, { once: true });
      if (!signal.aborted) await Promise.race([freed.promise, aborted.promise]);
      signal.removeEventListener('abort', abort);
    },
    close: () => watch.close(),
  };
}

function toHolder(event: WatchEvent): KeyValue | undefined {
  return event.type === 'put' ? event.kv : undefined;
}

async function campaign(
  options: ElectionOptions,
  seat: Seat,
  serve: (lease: Lease, term: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff(FIRST_PAUSE_MS, MAX_PAUSE_MS);
  while (!signal.aborted) {
    let lease: Lease | undefined;
    try {
      await seat.free(signal);
      if (signal.aborted) return;
      lease = await options.etcd.lease(options.ttlMs ?? TTL_MS, signal);
      const term = await claim(options, lease, signal);
      if (term !== undefined) await serve(lease, term);
      backoff.reset();
    } catch (error) {
      if (!signal.aborted) options.onError?.(error);
    }
    await lease?.close();
    // Also after a term that ended by itself, so that others get their turn.
    await sleep(backoff.next(), undefined, { signal }).catch(() => undefined);
  }
}

/** The term when the key is ours now; undefined when somebody else has it. */
async function claim({ etcd, key, candidate }: ElectionOptions, lease: Lease, signal: AbortSignal): Promise<number | undefined> {
  try {
    const result = await etcd.txn(
      {
        compare: [{ key, target: 'createRevision', result: '=', value: 0 }],
        success: [{ put: { key, value: candidate, lease: lease.id } }],
      },
      signal,
    );
    return result.succeeded ? result.revision : undefined;
  } catch (error) {
    if (!hasCode(error, 'ETCD_UNKNOWN_OUTCOME')) throw error;
    return await findOwn(etcd, key, lease, signal);
  }
}

async function findOwn(etcd: Etcd, key: string, lease: Lease, signal: AbortSignal): Promise<number | undefined> {
  const kv = (await etcd.range({ key }, signal)).kvs[0];
  return kv?.lease === lease.id ? kv.createRevision : undefined;
}
