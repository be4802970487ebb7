import { createElection } from '../etcd/election.ts';
import type { Election, Etcd, Leadership } from '../etcd/types.ts';
import { joinMembers } from './membership.ts';
import { WATCH_LOCK_PREFIX } from './names.ts';
import { leadsAs } from './office.ts';
import type { RunEvent } from './types.ts';
import { followWatchedKey } from './watched-key.ts';

export interface WatchedKeysOptions {
  readonly etcd: Etcd;
  readonly node: string;
  readonly ttlMs: number;
  readonly keys: readonly string[];
  readonly events: readonly string[];
  readonly runEvent: RunEvent;
}

export interface WatchedKeys {
  /** Each watched prefix with the node that follows it, as far as this one knows. */
  status(): readonly { readonly prefix: string; readonly isOurs: boolean; readonly node: string | undefined }[];
  close(): Promise<void>;
}

/**
 * Watches prefixes together with the other nodes: key number i belongs to node number i modulo their count, in the order of their names. An election per
 * key sees to it that there is never more than one, also while the nodes do not agree on who there is.
 */
export function createWatchedKeys(options: WatchedKeysOptions): WatchedKeys {
  const { etcd, node, ttlMs, keys } = options;
  const held = new Map<string, Election>();
  let members: readonly string[] = [];
  let isClosed = false;
  let work: Promise<void> = Promise.resolve();
  const isOurs = (index: number): boolean => members[index % members.length] === node;
  /** Takes and gives up keys until they are those of the present members. */
  const share = async (): Promise<void> => {
    const leaving = [...held].filter(([key]) => isClosed || !isOurs(keys.indexOf(key)));
    // What is under way is finished first.
    await Promise.all(leaving.map(async ([key, election]) => (await election.close(), held.delete(key))));
    if (isClosed) return;
    for (const [index, prefix] of keys.entries()) {
      if (!isOurs(index) || held.has(prefix)) continue;
      const office = leadsAs(`watch ${prefix}`, (leadership: Leadership) => followWatchedKey({ ...options, prefix }, leadership));
      held.set(prefix, createElection({ etcd, key: WATCH_LOCK_PREFIX + prefix, candidate: node, ttlMs, ...office }));
    }
  };
  const membership = joinMembers({
    etcd,
    node,
    ttlMs,
    onMembers(now) {
      members = now;
      work = work.then(share);
    },
  });
  return {
    status: () =>
      keys.map((prefix, index) => {
        const election = held.get(prefix);
        return { prefix, isOurs: election?.isLeader ?? false, node: election?.leader()?.candidate ?? members[index % members.length] };
      }),
    async close() {
      isClosed = true;
      await membership.close();
      work = work.then(share);
      await work;
    },
  };
}
