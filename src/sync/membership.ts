import type { Etcd } from '../etcd/types.ts';
import { toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { MEMBERS_PREFIX } from './names.ts';
import { backoffMs, pause } from './pause.ts';

export interface MembershipOptions {
  readonly etcd: Etcd;
  /** Our name among the members. */
  readonly node: string;
  readonly ttlMs: number;
  /** All members in their order, ourselves included, whenever that changed. */
  onMembers(members: readonly string[]): void;
}

export interface Membership {
  /** Leaves at once: the others need not wait for the lease to run out. */
  close(): Promise<void>;
}

const MAX_PAUSE_MS = 5000;

/** Makes this process known among those that share work, and follows who else there is. */
export function joinMembers({ etcd, node, ttlMs, onMembers }: MembershipOptions): Membership {
  const closing = new AbortController();
  const members = new Set<string>();
  let told = '';
  const tell = (): void => {
    const list = [...members].toSorted();
    if (list.join('\n') === told) return;
    told = list.join('\n');
    onMembers(list);
  };
  const watch = etcd.watch({
    prefix: MEMBERS_PREFIX,
    onList({ kvs }) {
      members.clear();
      for (const { key } of kvs) members.add(key.slice(MEMBERS_PREFIX.length));
      tell();
    },
    onEvents(events) {
      for (const { type, kv } of events) {
        if (type === 'put') members.add(kv.key.slice(MEMBERS_PREFIX.length));
        else members.delete(kv.key.slice(MEMBERS_PREFIX.length));
      }
      tell();
    },
  });
  const stay = async (): Promise<void> => {
    const { signal } = closing;
    for (let failures = 0; !signal.aborted; ) {
      try {
        const lease = await etcd.lease(ttlMs, signal);
        try {
          await etcd.put(MEMBERS_PREFIX + node, new Date().toISOString(), { lease: lease.id });
          failures = 0;
          await aborted(AbortSignal.any([signal, lease.lost]));
        } finally {
          await lease.close();
        }
      } catch (error) {
        failures += 1;
        if (!signal.aborted) observe({ type: 'error', error: toSekishoError(error), where: 'joining the nodes that share watched keys' });
        await pause(backoffMs(failures, MAX_PAUSE_MS), signal);
      }
    }
  };
  const running = stay();
  return {
    async close() {
      closing.abort();
      await Promise.all([running, watch.close()]);
    },
  };
}

/** Resolves when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
