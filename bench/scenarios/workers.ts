import type { Gateway } from '../../test/support/gateway.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { untilServing } from '../../test/support/workers.ts';
import { LOAD_CORE, SERVER_CORE } from '../cores.ts';
import { measureCpuPerRequest, type TargetCost } from '../cpu-per-request.ts';
import { startUpstreamNginx } from '../nginx.ts';
import type { Measurement } from '../result.ts';
import { type Effort, plainRoute, startPinnedGateway } from '../stand.ts';
import { load } from '../wrk.ts';

const WORKERS = [1, 2] as const;
/** Each worker compiles what is hot by itself, from its own share of the requests. */
const WARM_UP_SECONDS = 5;
const BOTH_CORES = `${SERVER_CORE},${LOAD_CORE}`;
/** So much work per request that what makes the load hardly needs its core. */
const BUSY = `
const BUSY_MS = 2;
export const requestHandler = (ctx) => {
  const end = performance.now() + BUSY_MS;
  let rounds = 0;
  while (performance.now() < end) rounds += 1;
  ctx.response().json({ rounds });
};
`;

/** CPU per request of a plain route with one worker and with two, on one core; then requests per second of both on two cores. */
export async function measureWorkers(effort: Effort): Promise<Measurement[]> {
  return [await measureCost(effort), await measureThroughput(effort)];
}

async function measureCost(effort: Effort): Promise<Measurement> {
  const [upstreamPort = 0] = await findFreePorts(1);
  await using upstream = await startUpstreamNginx(upstreamPort);
  await using gateways = new AsyncDisposableStack();
  const targets = [];
  for (const workers of WORKERS) {
    const gateway = gateways.use(await startPinnedGateway({ workers, proxy: { init_resources: plainRoute(upstream.url) } }));
    await untilServing(gateway, workers);
    // As many for each worker: with fewer it has less to do each time that it wakes up, which costs more per request whoever serves it.
    const connections = 64 * workers;
    await load(`${gateway.proxyUrl}/plain`, WARM_UP_SECONDS * workers, { connections });
    targets.push({ name: `${workers}`, pid: gateway.pid(), url: `${gateway.proxyUrl}/plain`, load: { connections } });
  }
  const [one, two] = await measureCpuPerRequest(targets, effort.rounds, effort.seconds);
  if (!one || !two) throw new Error('not measured: workers');
  return {
    name: 'CPU per request, 2 workers',
    measured: two.median / one.median,
    unit: '× 1 worker',
    goal: { atMost: 1.05 },
    note: `${two.median.toFixed(1)} µs against ${one.median.toFixed(1)} µs; one core; rounds ${spread(two)} against ${spread(one)}`,
  };
}

const spread = ({ rounds }: TargetCost): string => `${Math.min(...rounds).toFixed(1)} to ${Math.max(...rounds).toFixed(1)}`;

async function measureThroughput(effort: Effort): Promise<Measurement> {
  await using gateways = new AsyncDisposableStack();
  const targets = [];
  for (const workers of WORKERS) {
    const gateway: Gateway = gateways.use(
      await startPinnedGateway(
        {
          workers,
          proxy: {
            init_resources: {
              modules: [{ name: 'busy', payload_file: 'busy.ts' }],
              routes: [{ name: 'busy', paths: ['/busy'], methods: ['GET'], modules: ['busy'] }],
            },
          },
        },
        { 'busy.ts': BUSY },
        BOTH_CORES,
      ),
    );
    await untilServing(gateway, workers);
    targets.push({ name: `${workers}`, pid: gateway.pid(), url: `${gateway.proxyUrl}/busy`, load: { connections: 32 } });
  }
  const [one, two] = await measureCpuPerRequest(targets, effort.rounds, effort.seconds);
  if (!one || !two) throw new Error('not measured: workers');
  return {
    name: 'requests per second, 2 workers',
    measured: two.perSecond / one.perSecond,
    unit: '× 1 worker',
    goal: { atLeast: 1.8 },
    note: `${Math.round(two.perSecond)}/s against ${Math.round(one.perSecond)}/s; two cores, 2 ms of work per request`,
  };
}
