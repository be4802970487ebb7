import { execFileSync } from 'node:child_process';
import { ask } from '../test/support/client.ts';
import type { Gateway } from '../test/support/gateway.ts';
import { until } from '../test/support/until.ts';
import { LOAD_CORE, SERVER_CORE } from './cores.ts';
import { cpuSeconds } from './process-usage.ts';
import type { ChangeSeries } from './route-changes.ts';
import { load } from './wrk.ts';

export interface BusyWorkerOptions {
  readonly gateway: Gateway;
  /** The worker's process, and all others of the scenario. */
  readonly pid: number;
  readonly others: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  /** What goes on in every other round, for as long as the round. */
  readonly meanwhile: (seconds: number) => Promise<ChangeSeries>;
}

/** Requests by the clock, and per second of CPU that the worker got: where nothing else runs on its core, that is the same. */
export interface BusyRound {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

/** Round by round, and the changes that were made in every other one. */
export interface BusyWorkerRounds {
  readonly without: readonly BusyRound[];
  readonly during: readonly BusyRound[];
  readonly changes: readonly ChangeSeries[];
}

/** Work of about a millisecond per request, whatever else the core does: so the load needs next to nothing of the other core. */
const BUSY = `
export const requestHandler = (ctx) => {
  let sum = 0;
  for (let i = 0; i < 700_000; i += 1) sum = Math.imul(sum ^ i, 31);
  ctx.response().json({ sum });
};
`;
const CONNECTIONS = 16;
const WARM_UP_SECONDS = 3;

/** Gives a worker a core to itself and more requests than it can answer, with and without what goes on meanwhile in turns. Everything else is on the other core. */
export async function measureBusyWorker(options: BusyWorkerOptions): Promise<BusyWorkerRounds> {
  const { gateway, pid, others, rounds, seconds, meanwhile } = options;
  await gateway.put('module', { name: 'busy', payload: Buffer.from(BUSY).toString('base64') });
  await gateway.put('route', { name: 'busy', paths: ['/busy'], methods: ['GET'], modules: ['busy'] });
  const url = `${gateway.proxyUrl}/busy`;
  await until('the busy route is served', async () => (await ask(url)).status === 200);
  for (const other of others) pin(other, LOAD_CORE);
  pin(pid, SERVER_CORE);
  const measure = async (): Promise<BusyRound> => {
    const before = cpuSeconds([pid]);
    const { requests, perSecond, failed } = await load(url, seconds, { connections: CONNECTIONS });
    if (failed > 0) throw new Error(`${failed} requests of the busy worker failed`);
    return { perSecond, perCpuSecond: requests / (cpuSeconds([pid]) - before) };
  };
  await load(url, WARM_UP_SECONDS, { connections: CONNECTIONS });
  const [without, during]: [BusyRound[], BusyRound[]] = [[], []];
  const changes: ChangeSeries[] = [];
  for (let i = 0; i < rounds; i += 1) {
    without.push(await measure());
    const [round, series] = await Promise.all([measure(), meanwhile(seconds)]);
    during.push(round);
    changes.push(series);
  }
  return { without, during, changes };
}

function pin(pid: number, core: string): void {
  execFileSync('taskset', ['-a', '-c', '-p', core, `${pid}`], { stdio: 'ignore' });
}
