import type { Compare } from '../etcd/types.ts';
import type { SekishoError } from '../lib/errors.ts';
import type { LoggedEvent } from '../sql/event-log.ts';
import type { Session } from '../sql/types.ts';

/** The right to deliver: a term of office. */
export interface Fence {
  /** Holds in etcd as long as nobody else leads; undefined for sinks that know no leaders. */
  readonly compare: Compare | undefined;
  /** Aborted before the office may be somebody else's. Nothing is begun after that. */
  readonly lost: AbortSignal;
}

/** Where the event log is delivered to. */
export interface Sink {
  readonly name: string;
  /**
   * Delivers rows of the log, those of one path in their order. Not called again before the rows that it delivered were deleted. Never rejects: what
   * was delivered is told even if the rest was not.
   */
  publish(batch: readonly LoggedEvent[], fence: Fence): Promise<Delivery>;
  /** Rows of the log that an earlier term delivered and may not have deleted. Called once, at the start of a term. */
  recover?(fence: Fence): Promise<Recovery>;
}

/** Outcome of one batch. Rows that are in none of the lists are still to be delivered. */
export interface Delivery {
  readonly delivered: readonly number[];
  /** Paths that cannot be delivered now; the others can. */
  readonly refused: readonly Refused[];
  /** Nothing more can be delivered for now. */
  readonly failure?: SekishoError;
  /** The term is over: it was lost, or nobody knows whether a write was carried out, which only a new term makes sure of. */
  readonly isOver?: true;
}

export interface Refused {
  readonly path: string;
  readonly error: SekishoError;
}

export interface Recovery {
  readonly ids: readonly number[];
  /** Whether it is this very row that was delivered: another database may have other rows under the same ids. */
  isDelivered(event: LoggedEvent): boolean;
}

/**
 * Runs the handlers of an event outside of a request; resolves at once when there are none. With a session they run in its transaction. What handlers
 * left in the context is in the outcome.
 */
export type RunEvent = (
  environment: string,
  event: string,
  fields: Readonly<Record<string, unknown>>,
  options?: { readonly session?: Session; readonly signal?: AbortSignal },
) => Promise<Readonly<{ state?: unknown; monitoring?: unknown }>>;
