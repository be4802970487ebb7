import { Cron } from 'croner';
import { parseDurationNs } from '../lib/duration.ts';
import { SekishoError } from '../lib/errors.ts';

/** Gives the next time after one; undefined when there is none any more. */
export type CronTiming = (after: Date) => Date | undefined;

const MIN_INTERVAL_MS = 1000;

/**
 * Compiles when a job runs: six fields (`sec min hour day month weekday`) or five, `@hourly`, `@daily`, …, or `@every 5m`, which counts from the start of
 * the job. CONFIG_INVALID for anything else, and for a zone that is none.
 */
export function compileCronTiming(timing: string, timezone = 'UTC'): CronTiming {
  const every = /^@every\s+(\S+)$/.exec(timing.trim());
  if (every !== null) {
    const intervalMs = (parseDurationNs(every[1]) ?? 0) / 1e6;
    if (intervalMs < MIN_INTERVAL_MS) throw invalid(timing, 'the duration after @every must be at least 1s, such as 5m or 1h30m');
    return (after) => new Date(after.getTime() + intervalMs);
  }
  let cron: Cron;
  try {
    cron = new Cron(timing, { timezone, paused: true });
    cron.nextRun();
  } catch (error) {
    throw invalid(timing, `${error instanceof Error ? error.message : String(error)} (zone ${timezone})`, error);
  }
  return (after) => cron.nextRun(after) ?? undefined;
}

function invalid(timing: string, why: string, cause?: unknown): SekishoError {
  const allowed = 'six fields, seconds first, as in "0 */5 * * * *"; five without seconds; or @every 5m, @hourly, @daily';
  return new SekishoError('CONFIG_INVALID', `${JSON.stringify(timing)} is no time of a cron job: ${why}. Allowed: ${allowed}`, { cause });
}
