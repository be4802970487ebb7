import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../../test/support/client.ts';
import { startEtcd } from '../../test/support/etcd.ts';
import type { Gateway } from '../../test/support/gateway.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { convergence } from '../../test/support/store-fleet.ts';
import { startUpstreamNginx } from '../nginx.ts';
import { processTree, rssBytes } from '../process-usage.ts';
import { type Measurement, quantile } from '../result.ts';
import { type Effort, startPinnedGateway } from '../stand.ts';
import { load } from '../wrk.ts';

const NODES = 3;
const CHANGES_PER_SECOND = 100;
const POLL_MS = 2;
const MB = 1024 * 1024;
const KEY = 'b'.repeat(64);

/**
 * 100 changes per second among 5,000 routes, through three gateways on three members of etcd, each gateway under load: from the admin's answer until every
 * node serves the change, what fails meanwhile, and what it takes from the throughput. The gateways share the server core.
 */
export async function measureFleetChanges(effort: Effort): Promise<Measurement[]> {
  const [routes, seconds] = effort.isQuick ? [1_000, 5] : [5_000, 60];
  const [upstreamPort = 0] = await findFreePorts(1);
  await using upstream = await startUpstreamNginx(upstreamPort);
  await using etcd = await startEtcd({ members: 3 });
  await using stack = new AsyncDisposableStack();
  const storage = { type: 'etcd', endpoints: etcd.endpoints, prefix: '/bench', dir: 'state', encryption_key: KEY };
  const gateways: Gateway[] = [];
  for (let node = 1; node <= NODES; node += 1) gateways.push(stack.use(await startPinnedGateway({ node_id: `node-${node}`, storage })));
  await makeRoutes(gateways, upstream.url, routes);
  const before = await loadAll(gateways, Math.min(seconds, 10));
  const memory = gateways.map(rssOf);
  const loading = loadAll(gateways, seconds + 1);
  await pause(500);
  const start = performance.now();
  const delays = await changeRoutes(gateways, routes, seconds * CHANGES_PER_SECOND);
  const rate = delays.length / ((performance.now() - start) / 1000);
  const during = await loading;
  const growth = Math.max(...gateways.map((gateway, index) => rssOf(gateway) - (memory[index] ?? 0)));
  const p50 = quantile(delays, 0.5).toFixed(1);
  return [
    {
      name: `admin answer until served on ${NODES} nodes, p99`,
      measured: quantile(delays, 0.99),
      unit: 'ms',
      goal: { atMost: 200 },
      note: `p50 ${p50} ms, worst ${Math.max(...delays).toFixed(1)} ms; ${routes} routes, ${Math.round(rate)} changes/s for ${seconds} s`,
    },
    { name: 'failed requests during changes', measured: during.failed, unit: `of ${during.requests}`, goal: { atMost: 0 } },
    {
      name: 'requests per second during changes',
      measured: during.perSecond / before.perSecond,
      unit: '× without',
      goal: { atLeast: 0.9 },
      note: `${Math.round(during.perSecond)}/s against ${Math.round(before.perSecond)}/s, ${NODES} nodes on one core`,
    },
    {
      name: 'growth of memory during changes, largest node',
      measured: growth / MB,
      unit: 'MB',
      note: `from ${Math.round(Math.max(...memory) / MB)} MB`,
    },
  ];
}

const rssOf = (gateway: Gateway): number => rssBytes(processTree(gateway.pid()));

async function makeRoutes(gateways: readonly Gateway[], upstreamUrl: string, count: number): Promise<void> {
  const [first] = gateways;
  await first?.put('service', { name: 'upstream', urls: [upstreamUrl] });
  await first?.put('route', { name: 'plain', paths: ['/plain'], methods: ['GET'], service: 'upstream' });
  const changes = Array.from({ length: count }, (_, index) => ({ op: 'put', kind: 'route', entity: toRoute(index, `/first/${index}`) }));
  const answer = await first?.admin('PUT', '/api/v1/changes', { changes });
  if (answer?.status !== 200) throw new Error(`the routes can't be made: ${answer?.status} ${answer?.text}`);
  await convergence(gateways, 30_000);
}

function toRoute(index: number, path: string): Readonly<Record<string, unknown>> {
  return { name: `r${index}`, namespace: 'default', paths: [path], methods: ['GET'], service: 'upstream' };
}

/** Loads all gateways at the same time; sums of their figures. */
async function loadAll(gateways: readonly Gateway[], seconds: number): Promise<{ requests: number; perSecond: number; failed: number }> {
  const results = await Promise.all(gateways.map((gateway) => load(`${gateway.proxyUrl}/plain`, seconds, { connections: 8 })));
  const sum = (figure: (result: (typeof results)[number]) => number): number =>
    results.reduce((total, result) => total + figure(result), 0);
  return {
    requests: sum((result) => result.requests),
    perSecond: sum((result) => result.perSecond),
    failed: sum((result) => result.failed),
  };
}

/** Each change gives a route a path that was never there, through one gateway after the other. */
async function changeRoutes(gateways: readonly Gateway[], routes: number, count: number): Promise<number[]> {
  const agent = new http.Agent({ keepAlive: true });
  const start = performance.now();
  const changes: Promise<number>[] = [];
  for (let index = 0; index < count; index += 1) {
    const wait = start + (index * 1000) / CHANGES_PER_SECOND - performance.now();
    if (wait > 0) await pause(wait);
    changes.push(changeRoute(gateways, agent, index, routes));
  }
  const delays = await Promise.all(changes);
  agent.destroy();
  return delays;
}

/** Milliseconds from the admin's answer until the last gateway serves the change. */
async function changeRoute(gateways: readonly Gateway[], agent: http.Agent, index: number, routes: number): Promise<number> {
  const path = `/change/${index}`;
  const url = `${gateways[index % gateways.length]?.adminUrl}/api/v1/route`;
  const { status, text } = await ask(url, { method: 'PUT', body: toRoute(index % routes, path), agent });
  if (status !== 201 && status !== 200) throw new Error(`PUT route: ${status} ${text}`);
  const answered = performance.now();
  await Promise.all(gateways.map((gateway) => untilServed(gateway.proxyUrl + path, agent)));
  return performance.now() - answered;
}

async function untilServed(url: string, agent: http.Agent): Promise<void> {
  const end = performance.now() + 30_000;
  while ((await ask(url, { agent })).status !== 200) {
    if (performance.now() > end) throw new Error(`${url} is not served`);
    await pause(POLL_MS);
  }
}
