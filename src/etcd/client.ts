import { type Event, observe as observeAll } from '../lib/event.ts';
import { createCluster } from './cluster.ts';
import { createLease } from './lease.ts';
import { readPages, readRange } from './range.ts';
import { createTransport, type Transport, withTimeout } from './transport.ts';
import type { Etcd, EtcdClient, EtcdOptions, Lease, Watch } from './types.ts';
import { createWatch } from './watch.ts';
import { toNumber, toRevision, toTxnResult } from './wire.ts';
import { toKeyRange, toPutRequest, toTxnRequest } from './wire-request.ts';

/** Told when an endpoint stops answering and when it answers again. */
export interface EtcdHooks {
  readonly observe?: (event: Event) => void;
}

/** A client of one cluster; connects at the first call. Throws CONFIG_INVALID for endpoints that are none. */
export function createEtcd(options: EtcdOptions, { observe = observeAll }: EtcdHooks = {}): EtcdClient {
  const transport = createTransport(options, (endpoint, answers, reason) => observe({ type: 'etcd.endpoint', endpoint, answers, reason }));
  const client = toEtcd(transport);
  return {
    ...client,
    withTimeout: (timeoutMs) => toEtcd(withTimeout(transport, timeoutMs)),
    async close() {
      await client.close();
      transport.close();
    },
  };
}

/** What can be asked over a transport; closing it leaves the transport open. */
function toEtcd(transport: Transport): Etcd {
  const watches = new Set<Watch>();
  const leases = new Set<Lease>();
  return {
    range: (query, signal) => readRange(transport, query, signal),
    pages: (query, signal) => readPages(transport, query, signal),
    async put(key, value, how = {}) {
      return toRevision(await transport.call('/v3/kv/put', toPutRequest({ ...how, key, value }), { isWrite: true }));
    },
    async delete(target) {
      return toNumber((await transport.call('/v3/kv/deleterange', toKeyRange(target), { isWrite: true })).deleted);
    },
    async txn(txn, signal) {
      return toTxnResult(await transport.call('/v3/kv/txn', toTxnRequest(txn), { isWrite: true, signal }));
    },
    watch(watchOptions) {
      const watch = createWatch(transport, watchOptions);
      watches.add(watch);
      return { ready: watch.ready, close: () => watch.close().finally(() => watches.delete(watch)) };
    },
    async lease(ttlMs, signal) {
      const lease = await createLease(transport, ttlMs, signal);
      leases.add(lease);
      lease.lost.addEventListener('abort', () => leases.delete(lease), { once: true });
      return lease;
    },
    cluster: createCluster(transport),
    async close() {
      await Promise.all([...[...watches].map((watch) => watch.close()), ...[...leases].map((lease) => lease.close())]);
    },
  };
}
