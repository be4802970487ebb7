import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../../test/support/client.ts';
import type { Gateway } from '../../test/support/gateway.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { startUpstreamNginx } from '../nginx.ts';
import { type Measurement, median, quantile } from '../result.ts';
import { type Effort, plainRoute, startPinnedGateway } from '../stand.ts';
import { load } from '../wrk.ts';

const CHANGES_PER_SECOND = 100;
/** So many route names take turns; each change gives its route a path that was never there before. */
const ROUTES = 100;

/** 100 route changes per second under load: failed requests, and the time from the admin's answer until the new route is served. */
export async function measureLiveChanges(effort: Effort): Promise<Measurement[]> {
  const seconds = effort.isQuick ? 3 : 10;
  const [upstreamPort = 0] = await findFreePorts(1);
  await using upstream = await startUpstreamNginx(upstreamPort);
  const config = { storage: { type: 'file', dir: 'data' }, proxy: { init_resources: plainRoute(upstream.url) } };
  await using gateway = await startPinnedGateway(config);
  const loading = load(`${gateway.proxyUrl}/plain`, seconds + 1, { connections: 16 });
  await pause(500);
  const agent = new http.Agent({ keepAlive: true });
  const start = performance.now();
  const delays = await changeRoutes(gateway, agent, seconds * CHANGES_PER_SECOND);
  const rate = delays.length / ((performance.now() - start) / 1000);
  agent.destroy();
  const { requests, failed } = await loading;
  return [
    {
      name: 'failed requests during changes',
      measured: failed,
      unit: `of ${requests}`,
      goal: { atMost: 0 },
      note: `${Math.round(rate)} changes/s asked and answered`,
    },
    {
      name: 'admin answer until served, worst',
      measured: Math.max(...delays),
      unit: 'ms',
      goal: { atMost: 50 },
      note: `median ${median(delays).toFixed(1)} ms, p99 ${quantile(delays, 0.99).toFixed(1)} ms, under load`,
    },
  ];
}

async function changeRoutes(gateway: Gateway, agent: http.Agent, count: number): Promise<number[]> {
  const start = performance.now();
  const changes: Promise<number>[] = [];
  for (let index = 0; index < count; index += 1) {
    const wait = start + (index * 1000) / CHANGES_PER_SECOND - performance.now();
    if (wait > 0) await pause(wait);
    changes.push(changeRoute(gateway, agent, index));
  }
  return Promise.all(changes);
}

/** Milliseconds from the admin's answer to the first answer of the proxy on the new path. */
async function changeRoute(gateway: Gateway, agent: http.Agent, index: number): Promise<number> {
  const body = { name: `change${index % ROUTES}`, paths: [`/change/${index}`], methods: ['GET'], service: 'upstream' };
  const answer = await ask(`${gateway.adminUrl}/api/v1/route`, { method: 'PUT', body, agent });
  if (answer.status !== 201) throw new Error(`PUT route: ${answer.status} ${answer.text}`);
  const answered = performance.now();
  while ((await ask(`${gateway.proxyUrl}/change/${index}`, { agent })).status !== 200) {
    if (performance.now() - answered > 5_000) throw new Error(`/change/${index} is not served`);
  }
  return performance.now() - answered;
}
