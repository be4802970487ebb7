import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EtcdServers } from './etcd.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { PATIENCE_MS, until } from './until.ts';

/** Gateways that share one store on etcd, with an upstream that answers at once. */
export interface StoreFleet extends AsyncDisposable {
  readonly gateways: readonly Gateway[];
  readonly upstreamUrl: string;
}

/** What a load got for answers. */
export interface Load {
  readonly served: () => number;
  /** Why requests failed that were sent while their gateway was meant to be up. */
  readonly failures: readonly string[];
  stop(): Promise<void>;
}

const KEY = '5'.repeat(64);
const PAUSE_MS = 5;

/** Starts gateways of one process each, with the route `/load` to the upstream. `timeout` is how long etcd may take: a busy disk syncs for seconds. */
export async function startStoreFleet(servers: EtcdServers, count: number, timeout = '15s'): Promise<StoreFleet> {
  const upstream = http.createServer((request, response) => void request.resume().on('end', () => response.end('ok')));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const upstreamUrl = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const storage = { type: 'etcd', endpoints: servers.endpoints, prefix: '/fleet', dir: 'state', encryption_key: KEY, timeout };
  const gateways = await Promise.all(
    Array.from({ length: count }, () => startGateway({ config: { workers: 0, storage, log_level: 'info' }, readyTimeoutMs: 120_000 })),
  );
  await gateways[0]?.put('service', { name: 'load', urls: [upstreamUrl] });
  await gateways[0]?.put('route', { name: 'load', paths: ['/load'], methods: ['GET'], service: 'load' });
  await convergence(gateways);
  return {
    gateways,
    upstreamUrl,
    async [Symbol.asyncDispose]() {
      await Promise.all(gateways.map((gateway) => gateway[Symbol.asyncDispose]()));
      upstream.closeAllConnections();
      await new Promise((resolve) => upstream.close(resolve));
    },
  };
}

/** Sends requests for `/load` to every gateway until it is stopped, two at a time each; `isUp` says which of them is meant to answer. */
export function startLoad(gateways: readonly Gateway[], isUp: (gateway: Gateway) => boolean = () => true): Load {
  const failures: string[] = [];
  let served = 0;
  const over = new AbortController();
  const agent = new http.Agent({ keepAlive: true });
  const one = async (gateway: Gateway): Promise<void> => {
    const wasUp = isUp(gateway);
    const outcome = await request(`${gateway.proxyUrl}/load`, agent);
    if (outcome === 200) served += 1;
    else if (wasUp && isUp(gateway)) failures.push(String(outcome));
  };
  const loop = async (gateway: Gateway): Promise<void> => {
    while (!over.signal.aborted) {
      await one(gateway);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const loops = gateways.flatMap((gateway) => [loop(gateway), loop(gateway)]);
  return {
    served: () => served,
    failures,
    async stop() {
      over.abort();
      await Promise.all(loops);
      agent.destroy();
    },
  };
}

/** Waits until all gateways serve the same revision and hash; gives how long that took, in milliseconds. */
export async function convergence(gateways: readonly Gateway[], timeoutMs = PATIENCE_MS): Promise<number> {
  const startedAt = performance.now();
  await until(
    'all gateways serve the same',
    async () => {
      const states = await Promise.all(gateways.map(positionOf));
      return !states.includes(undefined) && new Set(states).size === 1;
    },
    timeoutMs,
  );
  return performance.now() - startedAt;
}

async function positionOf(gateway: Gateway): Promise<string | undefined> {
  const answer = await gateway.admin('GET', '/readyz').catch(() => undefined);
  if (answer?.status !== 200) return undefined;
  const { revision, hash } = answer.json<{ readonly revision: number; readonly hash: string }>();
  return `${revision} ${hash}`;
}

function request(url: string, agent: http.Agent): Promise<number | string> {
  return new Promise((resolve) => {
    const call = http.get(url, { agent, timeout: PATIENCE_MS }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', (error) => resolve(error.message));
    });
    call.on('timeout', () => call.destroy(new Error('no answer in time')));
    call.on('error', (error) => resolve(error.message));
  });
}
