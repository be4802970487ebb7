import { type SekishoError, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { EventLog, LoggedEvent, ReadLimits } from '../sql/event-log.ts';
import { type BlockedPath, createBlockedPaths } from './blocked-paths.ts';
import { backoffMs, pause } from './pause.ts';
import type { Delivery, Fence, Sink } from './types.ts';
import type { Wake } from './wake.ts';

export interface PublisherOptions {
  readonly log: Pick<EventLog, 'read' | 'remove' | 'find'>;
  readonly sink: Sink;
  /** Rings when there is something new in the log. */
  readonly wake: Wake;
  /** The log is read this often even if nothing rings. */
  readonly pollMs: number;
  /** Longest pause after a failure. */
  readonly backoffMs: number;
  readonly limits?: ReadLimits;
}

export interface PublisherStatus {
  readonly blocked: readonly BlockedPath[];
  readonly lastError: SekishoError | undefined;
  /** Rows, since the start of the process. */
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

type Outcome = 'more' | 'idle' | 'failed' | 'over';

/** Delivers the rows of the event log to a sink and deletes what was delivered. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { log, sink, wake, pollMs, limits = LIMITS } = options;
  const blocked = createBlockedPaths();
  let lastError: SekishoError | undefined;
  let delivered = 0;
  let lastDeliveryAt: number | undefined;

  const fail = async (error: SekishoError, failures: number, lost: AbortSignal): Promise<void> => {
    lastError = error;
    const pauseMs = backoffMs(failures, options.backoffMs);
    observe({ type: 'sync.failed', sink: sink.name, error, pauseMs });
    await pause(pauseMs, lost);
  };
  /** Runs one step until it succeeds or the term is over; undefined then. */
  const insist = async <T>(step: () => Promise<T>, lost: AbortSignal): Promise<T | undefined> => {
    for (let failures = 1; !lost.aborted; failures += 1) {
      try {
        return await step();
      } catch (error) {
        if (!lost.aborted) await fail(toSekishoError(error), failures, lost);
      }
    }
    return undefined;
  };
  /** Deletes what was delivered; also when the office was lost meanwhile, then for a while. */
  const remove = async (rows: readonly LoggedEvent[], { delivered: ids, isOver }: Delivery, lost: AbortSignal): Promise<void> => {
    if (ids.length === 0) return;
    const startedAt = performance.now();
    await insist(() => log.remove(ids), isOver === true || lost.aborted ? AbortSignal.timeout(options.backoffMs) : lost);
    delivered += ids.length;
    lastDeliveryAt = Date.now();
    const lagMs = Math.max(0, lastDeliveryAt - (rows[0]?.timestamp ?? 0) * 1000);
    observe({ type: 'sync.delivered', sink: sink.name, events: ids.length, durationMs: performance.now() - startedAt, lagMs });
  };
  /** Delivers what is read at once; gives whether there may be more. */
  const deliver = async (fence: Fence, failures: number): Promise<Outcome> => {
    const { lost } = fence;
    const waiting = blocked.waiting();
    if (waiting.length > MAX_BLOCKED) await pause(options.backoffMs, lost);
    const rows = await insist(() => log.read(limits, waiting.slice(0, MAX_BLOCKED)), lost);
    if (rows === undefined) return 'over';
    const due = blocked.all.filter(({ path }) => !waiting.includes(path)).map(({ path }) => path);
    if (rows.length === 0) {
      // Their rows are gone without us.
      blocked.release(due);
      if (waiting.length === 0) lastError = undefined;
      return 'idle';
    }
    const delivery = await sink.publish(rows, fence);
    await remove(rows, delivery, lost);
    const { refused, failure, isOver } = delivery;
    for (const { path, error } of refused)
      observe({ type: 'sync.blocked', sink: sink.name, path, error, failures: blocked.block(path, error) });
    if (failure === undefined) {
      lastError = undefined;
      blocked.release(due.filter((path) => !refused.some((one) => one.path === path)));
      return 'more';
    }
    await fail(failure, failures + 1, lost);
    return isOver === true ? 'over' : 'failed';
  };
  /** What an earlier leader delivered is only deleted. */
  const recover = async (fence: Fence): Promise<true> => {
    const recovery = await sink.recover?.(fence);
    if (recovery === undefined || recovery.ids.length === 0) return true;
    const rows = await log.find(recovery.ids);
    const ids = rows.filter((row) => recovery.isDelivered(row)).map(({ id }) => id);
    if (ids.length > 0) await log.remove(ids);
    return true;
  };

  return {
    async run(fence) {
      blocked.clear();
      if ((await insist(() => recover(fence), fence.lost)) === undefined) return;
      for (let failures = 0; !fence.lost.aborted; ) {
        const outcome = await deliver(fence, failures);
        failures = outcome === 'failed' ? failures + 1 : 0;
        if (outcome === 'over') return;
        if (outcome === 'idle') await wake.wait(Math.min(pollMs, blocked.nextMs()), fence.lost);
      }
    },
    status: () => ({ blocked: blocked.all, lastError, delivered, lastDeliveryAt }),
  };
}
