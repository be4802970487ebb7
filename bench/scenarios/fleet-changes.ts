import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../../test/support/client.ts';
import { startEtcd } from '../../test/support/etcd.ts';
import type { Gateway } from '../../test/support/gateway.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { convergence, startLoad } from '../../test/support/store-fleet.ts';
import { LOAD_CORE, SERVER_CORE } from '../cores.ts';
import { startUpstreamNginx } from '../nginx.ts';
import { processTree, rssBytes } from '../process-usage.ts';
import { type Measurement, quantile } from '../result.ts';
import { type Effort, startPinnedGateway } from '../stand.ts';

const NODES = 3;
const CHANGES_PER_SECOND = 100;
const POLL_MS = 2;
/** So long a change may take before the run is given up: a fleet that cannot keep up is to be seen in the figures. */
const PATIENCE_MS = 120_000;
const MB = 1024 * 1024;
const KEY = 'b'.repeat(64);

/**
 * 100 changes per second among 5,000 routes, through three gateways on three members of etcd, each gateway under a load that leaves room: from the admin's
 * answer until every node serves the change, what fails meanwhile, and what it takes from the throughput. All of it shares two cores.
 */
export async function measureFleetChanges(effort: Effort): Promise<Measurement[]> {
  const [routes, seconds] = effort.isQuick ? [1_000, 5] : [5_000, 60];
  const [upstreamPort = 0] = await findFreePorts(1);
  await using upstream = await startUpstreamNginx(upstreamPort);
  await using etcd = await startEtcd({ members: 3 });
  await using stack = new AsyncDisposableStack();
  const storage = { type: 'etcd', endpoints: etcd.endpoints, prefix: '/bench', dir: 'state', encryption_key: KEY };
  const gateways: Gateway[] = [];
  for (let node = 1; node <= NODES; node += 1)
    gateways.push(stack.use(await startPinnedGateway({ node_id: `node-${node}`, storage }, {}, `${SERVER_CORE},${LOAD_CORE}`)));
  await makeRoutes(gateways, upstream.url, routes);
  const before = await underLoad(gateways, () => pause(Math.min(seconds, 10) * 1000));
  const memory = gateways.map(rssOf);
  let delays: readonly number[] = [];
  const during = await underLoad(gateways, async () => {
    delays = await changeRoutes(gateways, routes, seconds * CHANGES_PER_SECOND);
  });
  const growth = Math.max(...gateways.map((gateway, index) => rssOf(gateway) - (memory[index] ?? 0)));
  const p50 = quantile(delays, 0.5).toFixed(1);
  return [
    {
      name: `admin answer until served on ${NODES} nodes, p99`,
      measured: quantile(delays, 0.99),
      unit: 'ms',
      goal: { atMost: 200 },
      note: `p50 ${p50} ms, worst ${Math.max(...delays).toFixed(1)} ms; ${delays.length} changes of ${routes} routes`,
    },
    {
      name: 'changes per second',
      measured: delays.length / during.seconds,
      unit: '/s',
      goal: { atLeast: 95 },
      note: `${CHANGES_PER_SECOND}/s were asked; until the last one was served everywhere`,
    },
    { name: 'failed requests during changes', measured: during.failed, unit: `of ${during.served + during.failed}`, goal: { atMost: 0 } },
    {
      name: 'requests per second during changes',
      measured: perSecond(during) / perSecond(before),
      unit: '× without',
      goal: { atLeast: 0.9 },
      note: `${Math.round(perSecond(during))}/s against ${Math.round(perSecond(before))}/s, two clients at each node`,
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
  await first?.put('route', { name: 'load', paths: ['/load'], methods: ['GET'], service: 'upstream' });
  const changes = Array.from({ length: count }, (_, index) => ({ op: 'put', kind: 'route', entity: toRoute(index, `/first/${index}`) }));
  const answer = await first?.admin('PUT', '/api/v1/changes', { changes });
  if (answer?.status !== 200) throw new Error(`the routes can't be made: ${answer?.status} ${answer?.text}`);
  await convergence(gateways, 30_000);
}

function toRoute(index: number, path: string): Readonly<Record<string, unknown>> {
  return { name: `r${index}`, namespace: 'default', paths: [path], methods: ['GET'], service: 'upstream' };
}

interface Loaded {
  readonly served: number;
  readonly failed: number;
  readonly seconds: number;
}

const perSecond = ({ served, seconds }: Loaded): number => served / seconds;

/** Loads all gateways while the work goes on. */
async function underLoad(gateways: readonly Gateway[], work: () => Promise<void>): Promise<Loaded> {
  const load = startLoad(gateways);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  await load.stop();
  return { served: load.served(), failed: load.failures.length, seconds };
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
  const { status, text } = await ask(url, { method: 'PUT', body: toRoute(index % routes, path), agent, timeoutMs: PATIENCE_MS });
  if (status !== 201 && status !== 200) throw new Error(`PUT route: ${status} ${text}`);
  const answered = performance.now();
  await Promise.all(gateways.map((gateway) => untilServed(gateway.proxyUrl + path, agent)));
  return performance.now() - answered;
}

async function untilServed(url: string, agent: http.Agent): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while ((await ask(url, { agent, timeoutMs: PATIENCE_MS })).status !== 200) {
    if (performance.now() > end) throw new Error(`${url} is not served`);
    await pause(POLL_MS);
  }
}
