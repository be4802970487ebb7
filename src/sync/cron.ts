import type { Etcd } from '../etcd/types.ts';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { type CronTiming, compileCronTiming } from './cron-timing.ts';
import { CRON_RUNS_PREFIX } from './names.ts';
import { pause } from './pause.ts';
import type { RunEvent } from './types.ts';

export interface CronJob {
  /** `cron://name`: the environment whose `notification` runs. */
  readonly path: string;
  readonly timing: string;
  /** Start it though it still runs. */
  readonly overlap?: boolean;
  readonly timezone?: string;
}

/** A run that ended, as any node tells of it. */
export interface CronRun {
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly outcome: 'ok' | 'failed';
  readonly error?: string;
  readonly node: string;
}

export interface CronStatus extends CronJob {
  /** ISO 8601; absent when it never runs again. With `@every` it is known only where it runs. */
  readonly next?: string;
  /** Runs of this node that have not ended. */
  readonly running: number;
  /** Ticks that this node left out because the job still ran. */
  readonly skipped: number;
  readonly last?: CronRun;
}

export interface CronOptions {
  readonly jobs: readonly CronJob[];
  readonly runEvent: RunEvent;
  readonly node: string;
  /** Where the last runs are kept for all nodes. Without it each node knows its own. */
  readonly etcd?: Etcd;
}

export interface Cron {
  /** Runs the jobs at their times until the signal is aborted, which ends those under way. A time that nobody was in office at is left out. */
  run(signal: AbortSignal): Promise<void>;
  status(): Promise<readonly CronStatus[]>;
}

interface Entry {
  readonly job: CronJob;
  readonly timing: CronTiming;
  next: Date | undefined;
  running: number;
  skipped: number;
  last: CronRun | undefined;
}

/** The wall clock may be set meanwhile, so long pauses are cut. */
const MAX_PAUSE_MS = 30_000;
const MAX_OVERLAP = 10;

function timingOf({ path, timing, timezone }: CronJob): CronTiming {
  try {
    return compileCronTiming(timing, timezone);
  } catch (error) {
    throw new SekishoError('CONFIG_INVALID', `cron, ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Cron jobs of one node. Throws CONFIG_INVALID for a timing that is none. */
export function createCron(options: CronOptions): Cron {
  const entries = options.jobs.map(
    (job): Entry => ({
      job,
      timing: timingOf(job),
      next: undefined,
      running: 0,
      skipped: 0,
      last: undefined,
    }),
  );
  return {
    async run(signal) {
      await Promise.all(entries.map((entry) => follow(options, entry, signal)));
    },
    async status() {
      const kept = await keptRuns(options);
      return entries.map(({ job, timing, next, running, skipped, last }) => {
        const upcoming = next ?? (job.timing.startsWith('@every') ? undefined : timing(new Date()));
        const latest = newer(last, kept.get(job.path));
        return { ...job, running, skipped, ...(upcoming && { next: upcoming.toISOString() }), ...(latest && { last: latest }) };
      });
    },
  };
}

async function follow(options: CronOptions, entry: Entry, signal: AbortSignal): Promise<void> {
  const runs = new Set<Promise<void>>();
  entry.next = entry.timing(new Date());
  while (!signal.aborted && entry.next !== undefined) {
    const leftMs = entry.next.getTime() - Date.now();
    if (leftMs > 0) {
      await pause(Math.min(leftMs, MAX_PAUSE_MS), signal);
      continue;
    }
    entry.next = entry.timing(new Date());
    if (entry.running >= (entry.job.overlap === true ? MAX_OVERLAP : 1)) {
      entry.skipped += 1;
      observe({ type: 'cron.run', path: entry.job.path, outcome: 'skipped', durationMs: 0 });
      continue;
    }
    const run = runOnce(options, entry, signal).finally(() => runs.delete(run));
    runs.add(run);
  }
  await Promise.all(runs);
  entry.next = undefined;
}

async function runOnce({ runEvent, node, etcd }: CronOptions, entry: Entry, signal: AbortSignal): Promise<void> {
  const { path } = entry.job;
  const startedAt = new Date().toISOString();
  const start = performance.now();
  let error: SekishoError | undefined;
  entry.running += 1;
  try {
    await runEvent(path, 'notification', { path }, { signal });
  } catch (caught) {
    error = toSekishoError(caught);
  } finally {
    entry.running -= 1;
  }
  const durationMs = performance.now() - start;
  const outcome = error === undefined ? 'ok' : 'failed';
  observe({ type: 'cron.run', path, outcome, durationMs, ...(error && { error }) });
  entry.last = { startedAt, durationMs: Math.round(durationMs), outcome, ...(error && { error: error.message }), node };
  try {
    await etcd?.put(CRON_RUNS_PREFIX + path, JSON.stringify(entry.last));
  } catch (caught) {
    observe({ type: 'error', error: toSekishoError(caught), where: `keeping the last run of ${path}` });
  }
}

async function keptRuns({ etcd }: CronOptions): Promise<ReadonlyMap<string, CronRun>> {
  const runs = new Map<string, CronRun>();
  if (etcd === undefined) return runs;
  for (const { key, value } of (await etcd.range({ prefix: CRON_RUNS_PREFIX })).kvs)
    runs.set(key.slice(CRON_RUNS_PREFIX.length), JSON.parse(value.toString()) as CronRun);
  return runs;
}

function newer(one: CronRun | undefined, other: CronRun | undefined): CronRun | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.startedAt >= other.startedAt ? one : other;
}
