import { cpuSeconds, processTree } from './process-usage.ts';
import { median } from './result.ts';
import { type LoadOptions, type LoadResult, load } from './wrk.ts';

/** Where a load goes. */
export interface LoadedServer {
  /** The server's first process; all its descendants count. */
  readonly pid: number;
  readonly url: string;
  readonly load?: LoadOptions;
}

/** A server under one load. */
export interface Target extends LoadedServer {
  readonly name: string;
  /** Further loads at the same time, of this server or of others whose CPU and answers count with it. */
  readonly beside?: readonly LoadedServer[];
  /** Waits for work that requests left behind: its CPU is theirs. */
  readonly settle?: () => Promise<void>;
}

export interface TargetCost {
  readonly name: string;
  /** Microseconds of CPU per request: the median over the rounds, and every round. */
  readonly median: number;
  readonly rounds: readonly number[];
  readonly perSecond: number;
}

/**
 * CPU that each target spends per request. The targets are measured one after the other within each round, so that what else the machine
 * does falls on all of them alike. Throws when a target fails requests: the figure would be of error answers.
 */
export async function measureCpuPerRequest(targets: readonly Target[], rounds: number, seconds: number): Promise<TargetCost[]> {
  const costs = targets.map((target) => ({ target, rounds: [] as number[], perSecond: [] as number[] }));
  for (const target of targets) {
    await loadAll(target, 2);
    await target.settle?.();
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { target, rounds: figures, perSecond } of costs) {
      const pids = [...new Set(serversOf(target).flatMap(({ pid }) => processTree(pid)))];
      const before = cpuSeconds(pids);
      const result = await loadAll(target, seconds);
      await target.settle?.();
      const used = cpuSeconds(pids) - before;
      if (result.failed > 0 || result.requests === 0)
        throw new Error(`${target.name}: ${result.failed} of ${result.requests} requests failed`);
      figures.push((used * 1e6) / result.requests);
      perSecond.push(result.perSecond);
    }
  }
  return costs.map(({ target, rounds: figures, perSecond }) => ({
    name: target.name,
    median: median(figures),
    rounds: figures,
    perSecond: median(perSecond),
  }));
}

function serversOf(target: Target): readonly LoadedServer[] {
  return [target, ...(target.beside ?? [])];
}

async function loadAll(target: Target, seconds: number): Promise<LoadResult> {
  const results = await Promise.all(serversOf(target).map((server) => load(server.url, seconds, server.load)));
  return results.reduce((a, b) => ({
    requests: a.requests + b.requests,
    perSecond: a.perSecond + b.perSecond,
    failed: a.failed + b.failed,
  }));
}
