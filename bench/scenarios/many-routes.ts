import { findFreePorts } from '../../test/support/ports.ts';
import { measureCpuPerRequest } from '../cpu-per-request.ts';
import { startUpstreamNginx } from '../nginx.ts';
import type { Measurement } from '../result.ts';
import { type Effort, plainRoute, startPinnedGateway } from '../stand.ts';

const COUNTS = [10, 1_000, 10_000] as const;

/** CPU per request with 10, 1,000 and 10,000 routes, each with a parameter; the one in the middle is asked for. */
export async function measureManyRoutes(effort: Effort): Promise<Measurement[]> {
  const [upstreamPort = 0] = await findFreePorts(1);
  await using upstream = await startUpstreamNginx(upstreamPort);
  await using gateways = new AsyncDisposableStack();
  const targets = [];
  for (const count of COUNTS) {
    const gateway = gateways.use(await startPinnedGateway({ proxy: { init_resources: resources(upstream.url, count) } }));
    targets.push({ name: `${count} routes`, pid: gateway.pid(), url: `${gateway.proxyUrl}/team${count / 2}/users/17/orders` });
  }
  const costs = await measureCpuPerRequest(targets, effort.rounds + 2, effort.seconds);
  const base = costs[0]?.median ?? Number.NaN;
  return costs.slice(1).map((cost) => ({
    name: cost.name,
    measured: cost.median / base,
    unit: '× 10 routes',
    goal: { atMost: 1.1 },
    note: `${cost.median.toFixed(1)} µs against ${base.toFixed(1)} µs`,
  }));
}

function resources(upstreamUrl: string, count: number): Record<string, unknown> {
  const routes = Array.from({ length: count }, (_, index) => ({
    name: `r${index}`,
    paths: [`/team${index}/users/{id}/orders`],
    methods: ['GET'],
    service: 'upstream',
  }));
  return { services: plainRoute(upstreamUrl).services, routes };
}
