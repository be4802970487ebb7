import { type SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { EventLog, ReadLimits } from '../sql/event-log.ts';
import { backoffMs, pause } from './pause.ts';
import type { Fence, Sink } from './types.ts';
import type { Wake } from './wake.ts';

export interface PublisherOptions {
  readonly log: EventLog;
  readonly sink: Sink;
  /** Rings when there is something new in the log. */
  readonly wake: Wake;
  /** The log is read this often even if nothing rings. */
  readonly pollMs: number;
  /** Longest pause after a failure. */
  readonly backoffMs: number;
  readonly limits?: ReadLimits;
}

/** A resource whose rows cannot be delivered now. */
export interface BlockedPath {
  readonly path: string;
  readonly error: SekishoError;
  readonly failures: number;
  /** Milliseconds of Unix time. */
  readonly since: number;
  readonly retryAt: number;
}

export interface PublisherStatus {
  readonly blocked: readonly BlockedPath[];
  readonly lastError: SekishoError | undefined;
  readonly delivered: number;
  /** Milliseconds of Unix time; undefined before the first delivery. */
  readonly lastDeliveryAt: number | undefined;
}

export interface Publisher {
  /**
   * Delivers the log until the term is over. Never rejects: what fails is tried again with growing pauses. Resolves early when the term has to end.
   */
  run(fence: Fence): Promise<void>;
  status(): PublisherStatus;
}

const LIMITS: ReadLimits = { maxRows: 2000, maxBytes: 8 * 1024 * 1024 };
/** More resources than these that are blocked hold up all others, so that what is left out of a read stays bounded. */
const MAX_BLOCKED = 128;
const MAX_BLOCKED_PAUSE_MS = 60_000;

/** Delivers the rows of the event log to a sink and deletes what was delivered. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { log, sink, wake, pollMs, limits = LIMITS } = options;
  const blocked = new Map<string, BlockedPath>();
  let lastError: SekishoError | undefined;
  let delivered = 0;
  let lastDeliveryAt: number | undefined;

  /** Runs one step until it succeeds or the term is over; undefined then. */
  const insist = async <T>(step: () => Promise<T>, { lost }: Fence): Promise<T | undefined> => {
    for (let failures = 1; !lost.aborted; failures += 1) {
      try {
        return await step();
      } catch (error) {
        if (lost.aborted) return undefined;
        await fail(toSekishoError(error), failures, lost);
      }
    }
    return undefined;
  };
  const fail = async (error: SekishoError, failures: number, lost: AbortSignal): Promise<void> => {
    lastError = error;
    const pauseMs = backoffMs(failures, options.backoffMs);
    observe({ type: 'sync.failed', sink: sink.name, error, pauseMs });
    await pause(pauseMs, lost);
  };
  const block = (path: string, error: SekishoError): void => {
    const before = blocked.get(path);
    const failures = (before?.failures ?? 0) + 1;
    const now = Date.now();
    const retryAt = now + backoffMs(failures + 3, MAX_BLOCKED_PAUSE_MS);
    blocked.set(path, { path, error, failures, since: before?.since ?? now, retryAt });
    observe({ type: 'sync.blocked', sink: sink.name, path, error, failures });
  };
  /** Delivers what is read at once; gives whether there may be more. */
  const deliver = async (fence: Fence, failures: number): Promise<'more' | 'idle' | 'failed' | 'over'> => {
    const now = Date.now();
    const waiting = [...blocked.values()].filter(({ retryAt }) => retryAt > now);
    if (blocked.size > MAX_BLOCKED) await pause(options.backoffMs, fence.lost);
    const rows = await insist(
      () =>
        log.read(
          limits,
          waiting.slice(0, MAX_BLOCKED).map(({ path }) => path),
        ),
      fence,
    );
    if (rows === undefined) return 'over';
    const seen = new Set(rows.map(({ path }) => path));
    if (rows.length === 0) return forgetAbsent(seen, waiting), 'idle';
    const startedAt = performance.now();
    const { delivered: ids, refused, failure, isOver } = await sink.publish(rows, fence);
    if (ids.length > 0) {
      // Also when the office was lost meanwhile: what was delivered is to go.
      await insist(() => log.remove(ids), { ...fence, lost: isOver === true ? AbortSignal.timeout(options.backoffMs) : fence.lost });
      delivered += ids.length;
      lastDeliveryAt = Date.now();
      const lagMs = Math.max(0, lastDeliveryAt - (rows[0]?.timestamp ?? 0) * 1000);
      observe({ type: 'sync.delivered', sink: sink.name, events: ids.length, durationMs: performance.now() - startedAt, lagMs });
    }
    for (const { path, error } of refused) block(path, error);
    if (failure === undefined) {
      lastError = undefined;
      const paths = new Set(refused.map(({ path }) => path));
      for (const path of seen) if (!paths.has(path)) blocked.delete(path);
      return 'more';
    }
    await fail(failure, failures + 1, fence.lost);
    return isOver === true ? 'over' : 'failed';
  };
  /** A path that is not blocked any more and has no rows: others took them away. */
  const forgetAbsent = (seen: ReadonlySet<string>, waiting: readonly BlockedPath[]): void => {
    const keep = new Set(waiting.map(({ path }) => path));
    for (const path of blocked.keys()) if (!seen.has(path) && !keep.has(path)) blocked.delete(path);
  };
  const recover = async (fence: Fence): Promise<void> => {
    const recovery = await sink.recover?.(fence);
    if (recovery === undefined || recovery.ids.length === 0) return;
    const rows = await log.find(recovery.ids);
    const ids = rows.filter((row) => recovery.isDelivered(row)).map(({ id }) => id);
    if (ids.length > 0) await log.remove(ids);
  };

  return {
    async run(fence) {
      blocked.clear();
      if ((await insist(async () => (await recover(fence), true), fence)) === undefined) return;
      let failures = 0;
      while (!fence.lost.aborted) {
        const outcome = await deliver(fence, failures);
        failures = outcome === 'failed' ? failures + 1 : 0;
        if (outcome === 'over') return;
        if (outcome === 'idle') await wake.wait(waitMs(blocked, pollMs), fence.lost);
      }
    },
    status: () => ({ blocked: [...blocked.values()], lastError, delivered, lastDeliveryAt }),
  };
}

/** Until the next look at the log: sooner when a blocked resource is to be tried again. */
function waitMs(blocked: ReadonlyMap<string, BlockedPath>, pollMs: number): number {
  const now = Date.now();
  let next = pollMs;
  for (const { retryAt } of blocked.values()) next = Math.min(next, Math.max(1, retryAt - now));
  return next;
}
