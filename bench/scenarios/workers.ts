import type { Gateway } from '../../test/support/gateway.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { untilServing } from '../../test/support/workers.ts';
import { LOAD_CORE, SERVER_CORE } from '../cores.ts';
import { type LoadedServer, measureCpuPerRequest, type Target, type TargetCost } from '../cpu-per-request.ts';
import { startUpstreamNginx } from '../nginx.ts';
import { type Measurement, median } from '../result.ts';
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

/**
 * CPU per request of a plain route through one gateway with two workers, and requests per second of two workers on two cores.
 *
 * The CPU is measured on one core, as the load needs the other one. Two processes that take turns on a core find its caches cold each time, whoever they are:
 * a worker that shares its core costs more than one that has it alone, and on two cores neither would. So two workers are compared with two gateways of one
 * worker each that are loaded at the same time: as many processes on the core, as many connections for each. What is left is what workers of one
 * gateway cost by being of one gateway. The cost of one worker that has the core alone is told beside it.
 */
export async function measureWorkers(effort: Effort): Promise<Measurement[]> {
  return [await measureCost(effort), await measureThroughput(effort)];
}

async function measureCost(effort: Effort): Promise<Measurement> {
  const [upstreamPort = 0] = await findFreePorts(1);
  await using upstream = await startUpstreamNginx(upstreamPort);
  await using gateways = new AsyncDisposableStack();
  const start = async (workers: number): Promise<LoadedServer> => {
    const gateway = gateways.use(await startPinnedGateway({ workers, proxy: { init_resources: plainRoute(upstream.url) } }));
    await untilServing(gateway, workers);
    const url = `${gateway.proxyUrl}/plain`;
    await load(url, WARM_UP_SECONDS * workers);
    return { pid: gateway.pid(), url };
  };
  const [alone, pair, first, second] = [await start(1), await start(2), await start(1), await start(1)];
  const targets: Target[] = [
    { name: 'two gateways', ...first, beside: [second] },
    { name: 'two workers', ...pair, beside: [pair] },
    { name: 'one worker', ...alone },
  ];
  const [apart, together, one] = await measureCpuPerRequest(targets, 2 * effort.rounds + 1, effort.seconds);
  if (!apart || !together || !one) throw new Error('not measured: workers');
  const ratios = together.rounds.map((cost, round) => cost / (apart.rounds[round] ?? Number.NaN));
  return {
    name: 'CPU per request, 2 workers',
    measured: median(ratios),
    unit: '× 2 gateways of 1',
    goal: { atMost: 1.05 },
    note: `${together.median.toFixed(1)} µs against ${apart.median.toFixed(1)} µs; one core; rounds ${spread(together)} against ${spread(apart)}; one worker alone on it ${one.median.toFixed(1)} µs`,
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
