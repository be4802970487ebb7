import { cpuSeconds, processTree } from './process-usage.ts';
import { median } from './result.ts';
import { type LoadOptions, load } from './wrk.ts';

/** A server under one load. */
export interface Target {
  readonly name: string;
  /** The server's first process; all its descendants count. */
  readonly pid: number;
  readonly url: string;
  readonly load?: LoadOptions;
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
    await load(target.url, 2, target.load);
    await target.settle?.();
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { target, rounds: figures, perSecond } of costs) {
      const pids = processTree(target.pid);
      const before = cpuSeconds(pids);
      const result = await load(target.url, seconds, target.load);
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
