import { setTimeout as pause } from 'node:timers/promises';
import { startEtcd } from '../../test/support/etcd.ts';
import type { Gateway } from '../../test/support/gateway.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { convergence, startLoad } from '../../test/support/store-fleet.ts';
import { untilServing } from '../../test/support/workers.ts';
import { type BusyWorkerOptions, type BusyWorkerRounds, measureBusyWorker } from '../busy-worker.ts';
import { LOAD_CORE, SERVER_CORE } from '../cores.ts';
import { LIVE_HEAP_ENV, readLiveHeaps } from '../live-heap.ts';
import { startUpstreamNginx } from '../nginx.ts';
import { measureParties, type Parties, type PartyUse, tellCores } from '../parties.ts';
import { processTree } from '../process-usage.ts';
import { type Measurement, median, quantile } from '../result.ts';
import { type ChangeSeries, createRouteChanges, toRoute } from '../route-changes.ts';
import { type Effort, startPinnedGateway } from '../stand.ts';

const CHANGES_PER_SECOND = 100;
const FOLLOWED = 10;
const WARM_UP_CHANGES = 300;
const MAX_LOADED_SECONDS = 10;
const MB = 1024 * 1024;
const KEY = 'b'.repeat(64);

/**
 * 100 changes per second among 5,000 routes, through three gateways on three members of etcd, each gateway with one worker and under a load that leaves room.
 * All of it shares two cores, so that changes take requests from the fleet in two ways, which are told apart: what they cost the workers, which is what a
 * busy one could not serve on a machine of its own, and what all parties together take from this machine, which is seen in the requests by the clock.
 */
export async function measureFleetChanges(effort: Effort): Promise<Measurement[]> {
  const [routes, seconds] = effort.isQuick ? [1_000, 10] : [5_000, 60];
  await using stack = new AsyncDisposableStack();
  const { gateways, parties, busy } = await openStand(stack, routes);
  const changes = createRouteChanges({ gateways, routes, perSecond: CHANGES_PER_SECOND, followed: FOLLOWED });
  stack.defer(changes.close);
  const loadedSeconds = Math.min(seconds, MAX_LOADED_SECONDS);
  await underLoad(gateways, parties, () => changes.make(WARM_UP_CHANGES));
  const before = await underLoad(gateways, parties, () => pause(loadedSeconds * 1000));
  const heaps = await readHeaps(gateways);
  const during = await underLoad(gateways, parties, () => changes.make(seconds * CHANGES_PER_SECOND));
  const heapsAfter = await readHeaps(gateways);
  const after = await underLoad(gateways, parties, () => pause(loadedSeconds * 1000));
  const alone = await measureParties(parties, () => changes.make(loadedSeconds * CHANGES_PER_SECOND));
  const meanwhile = (roundSeconds: number) => changes.make(roundSeconds * CHANGES_PER_SECOND);
  const rounds = await measureBusyWorker({ ...busy, rounds: effort.rounds, seconds: effort.isQuick ? 4 : 8, meanwhile });
  return [
    ...toChangeRows(during.result, routes),
    { name: 'failed requests during changes', measured: during.failed, unit: `of ${during.served + during.failed}`, goal: { atMost: 0 } },
    toBusyRow(rounds, alone),
    toClockRow([before, after], during),
    toMemoryRow(heaps, heapsAfter),
  ];
}

interface Stand {
  readonly gateways: readonly Gateway[];
  readonly parties: Parties;
  /** The worker of the first gateway, and what is not to disturb it. */
  readonly busy: Pick<BusyWorkerOptions, 'gateway' | 'pid' | 'others'>;
}

async function openStand(stack: AsyncDisposableStack, routes: number): Promise<Stand> {
  const [upstreamPort = 0] = await findFreePorts(1);
  const upstream = stack.use(await startUpstreamNginx(upstreamPort));
  const etcd = stack.use(await startEtcd({ members: 3 }));
  const storage = { type: 'etcd', endpoints: etcd.endpoints, prefix: '/bench', dir: 'state', encryption_key: KEY };
  const start = async (node: number): Promise<Gateway> => {
    const config = { node_id: `node-${node}`, storage, workers: 1 };
    return stack.use(await startPinnedGateway(config, {}, `${SERVER_CORE},${LOAD_CORE}`, LIVE_HEAP_ENV));
  };
  const gateway = await start(1);
  const gateways = [gateway, await start(2), await start(3)];
  await makeRoutes(gateways, upstream.url, routes);
  const trees = gateways.map((each) => processTree(each.pid()));
  const parties: Parties = {
    etcd: etcd.members.flatMap((member) => processTree(member.pid)),
    supervisors: trees.flatMap((tree) => tree.slice(0, 1)),
    workers: trees.flatMap((tree) => tree.slice(1)),
    upstream: [upstream.pid],
  };
  const [pid = 0] = parties['workers'] ?? [];
  const others = Object.values(parties)
    .flat()
    .filter((each) => each !== pid);
  return { gateways, parties, busy: { gateway, pid, others } };
}

async function makeRoutes(gateways: readonly Gateway[], upstreamUrl: string, count: number): Promise<void> {
  const [first] = gateways;
  await Promise.all(gateways.map((gateway) => untilServing(gateway, 1)));
  await first?.put('service', { name: 'upstream', urls: [upstreamUrl] });
  await first?.put('route', { name: 'load', paths: ['/load'], methods: ['GET'], service: 'upstream' });
  const changes = Array.from({ length: count }, (_, index) => ({ op: 'put', kind: 'route', entity: toRoute(index, `/first/${index}`) }));
  const answer = await first?.admin('PUT', '/api/v1/changes', { changes });
  if (answer?.status !== 200) throw new Error(`the routes can't be made: ${answer?.status} ${answer?.text}`);
  await convergence(gateways, 30_000);
}

interface Loaded<T> extends PartyUse<T> {
  readonly served: number;
  readonly failed: number;
}

const toRate = ({ served, seconds }: Loaded<unknown>): number => served / seconds;

/** Loads all gateways while the work goes on, two clients each. */
async function underLoad<T>(gateways: readonly Gateway[], parties: Parties, work: () => Promise<T>): Promise<Loaded<T>> {
  const load = startLoad(gateways);
  const use = await measureParties(parties, work);
  const served = load.served();
  await load.stop();
  return { ...use, served, failed: load.failures.length };
}

/** Live heap of every process of the gateways, by node and process. */
async function readHeaps(gateways: readonly Gateway[]): Promise<ReadonlyMap<string, number>> {
  const heaps = await Promise.all(gateways.map(readLiveHeaps));
  return new Map(heaps.flatMap((heap, node) => [...heap].map(([name, bytes]) => [`node ${node + 1}, ${name}`, bytes] as const)));
}

function toChangeRows({ count, seconds, delays }: ChangeSeries, routes: number): Measurement[] {
  const p50 = quantile(delays, 0.5).toFixed(1);
  return [
    {
      name: 'admin answer until served on 3 nodes, p99',
      measured: quantile(delays, 0.99),
      unit: 'ms',
      goal: { atMost: 200 },
      note: `p50 ${p50} ms, worst ${Math.max(...delays).toFixed(1)} ms; ${delays.length} of ${count} changes of ${routes} routes were followed`,
    },
    {
      name: 'changes per second',
      measured: count / seconds,
      unit: '/s',
      goal: { atLeast: 95 },
      note: `${CHANGES_PER_SECOND}/s were asked; until the last one was answered and served`,
    },
  ];
}

function toBusyRow({ without, during, changes }: BusyWorkerRounds, alone: PartyUse<unknown>): Measurement {
  const ratios = during.map(({ perCpuSecond }, round) => perCpuSecond / (without[round]?.perCpuSecond ?? Number.NaN));
  const [clock, clockWithout] = [during, without].map((rounds) => Math.round(median(rounds.map(({ perSecond }) => perSecond))));
  const rate = changes.reduce((sum, { count }) => sum + count, 0) / changes.reduce((sum, { seconds }) => sum + seconds, 0);
  const ms = ((alone.cores['workers'] ?? Number.NaN) / 3) * 1000;
  return {
    name: 'requests per second of a busy worker during changes',
    measured: median(ratios),
    unit: '× without',
    goal: { atLeast: 0.9 },
    note: `per second of the worker's CPU; by the clock ${clock}/s against ${clockWithout}/s, the worker has a core; ${rate.toFixed(0)} changes/s; changes alone take ${ms.toFixed(0)} ms of CPU per second from each worker (cores: ${tellCores(alone)})`,
  };
}

function toClockRow(without: readonly Loaded<unknown>[], during: Loaded<unknown>): Measurement {
  const reference = without.reduce((sum, loaded) => sum + toRate(loaded), 0) / without.length;
  const [before] = without;
  return {
    name: 'requests per second of the fleet during changes',
    measured: toRate(during) / reference,
    unit: '× without',
    note: `${Math.round(toRate(during))}/s against ${Math.round(reference)}/s; cores: ${tellCores(during)}; without: ${before && tellCores(before)}`,
  };
}

function toMemoryRow(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Measurement {
  const grown = [...after].map(([name, bytes]) => ({ name, bytes, grown: bytes - (before.get(name) ?? 0) }));
  const [most] = grown.toSorted((a, b) => b.grown - a.grown);
  return {
    name: 'growth of live heap during changes',
    measured: (most?.grown ?? Number.NaN) / MB,
    unit: 'MB',
    goal: { atMost: 5 },
    note: `of the process that grew most (${most?.name}), to ${((most?.bytes ?? 0) / MB).toFixed(0)} MB; all garbage collected before and after`,
  };
}
