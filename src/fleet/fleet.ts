import type { Etcd } from '../etcd/types.ts';
import { parseNode, toNodesPrefix } from './node-key.ts';
import { pause } from './pause.ts';
import { type Registration, type RegistrationOptions, registerNode } from './registration.ts';
import type { FleetNode } from './types.ts';

/** The nodes that share one state, this one among them. */
export interface Fleet extends Registration {
  /** Those that live, by id. Rejects with ETCD_*. */
  nodes(): Promise<readonly FleetNode[]>;
  /** Waits until every node that lives serves `revision` or a later one; gives those that do not after `timeoutMs`. Rejects with ETCD_*. */
  untilServed(revision: number, timeoutMs: number): Promise<readonly FleetNode[]>;
}

/** Joins the fleet. */
export function joinFleet(options: RegistrationOptions): Fleet {
  const { etcd, prefix } = options;
  return {
    ...registerNode(options),
    nodes: () => readNodes(etcd, prefix),
    untilServed: (revision, timeoutMs) => untilServed(etcd, prefix, revision, timeoutMs),
  };
}

async function readNodes(etcd: Etcd, prefix: string): Promise<readonly FleetNode[]> {
  const nodes: FleetNode[] = [];
  for await (const { kvs } of etcd.pages({ prefix: toNodesPrefix(prefix) })) nodes.push(...kvs.map(parseNode));
  return nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function untilServed(etcd: Etcd, prefix: string, revision: number, timeoutMs: number): Promise<readonly FleetNode[]> {
  const behind = (nodes: Iterable<FleetNode>): readonly FleetNode[] => [...nodes].filter((node) => node.revision < revision);
  const first = behind(await readNodes(etcd, prefix));
  if (first.length === 0) return first;
  const nodes = new Map<string, FleetNode>();
  const done = new AbortController();
  const look = (): void => {
    if (behind(nodes.values()).length === 0) done.abort();
  };
  const watch = etcd.watch({
    prefix: toNodesPrefix(prefix),
    onList({ kvs }) {
      nodes.clear();
      for (const kv of kvs) nodes.set(kv.key, parseNode(kv));
      look();
    },
    onEvents(events) {
      for (const { type, kv } of events) {
        if (type === 'put') nodes.set(kv.key, parseNode(kv));
        else nodes.delete(kv.key);
      }
      look();
    },
  });
  watch.ready.catch(() => undefined);
  try {
    await pause(timeoutMs, done.signal);
  } finally {
    await watch.close();
  }
  return nodes.size === 0 && !done.signal.aborted ? first : behind(nodes.values());
}
