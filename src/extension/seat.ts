import type { EventRun } from './event-run.ts';
import type { ThreadHost } from './thread-host.ts';
import type { Fields } from './types.ts';

/** Where an event is nested: in which event of the same thread, by which call; a copy of the context around, when that is in another thread. */
export interface Nesting {
  readonly parent: number;
  readonly call: number;
  readonly snapshot: string | undefined;
}

export const TOP_LEVEL: Nesting = { parent: 0, call: 0, snapshot: undefined };

/** The place of a request in one thread: its session there, and what of the context is still to be sent. */
export class Seat {
  readonly thread: ThreadHost;
  readonly #requestId: string;
  #session: number;
  #unsent: Map<string, unknown>;
  /** An event of the request left timers or fetches in the thread. */
  hasLeftovers = false;
  #isMarked = false;
  /** Calls whose nested context the thread has. */
  readonly #contexts = new Set<number>();

  /** `known` is what the thread has to learn of the context. */
  constructor(thread: ThreadHost, requestId: string, known: ReadonlyMap<string, unknown>) {
    this.thread = thread;
    this.#requestId = requestId;
    this.#session = thread.openSession();
    this.#unsent = new Map(known);
  }

  get isUsable(): boolean {
    return !this.thread.isGone;
  }

  setUnsent(fields: Fields): void {
    for (const [key, value] of Object.entries(fields)) this.#unsent.set(key, value);
  }

  takeUnsent(): readonly (readonly [string, unknown])[] {
    const unsent = [...this.#unsent];
    this.#unsent.clear();
    return unsent;
  }

  hasContext(call: number): boolean {
    return this.#contexts.has(call);
  }

  /** Sends an event with its fields. */
  start(run: EventRun, { parent, call, snapshot }: Nesting, fields: readonly (readonly [string, unknown])[]): void {
    const { thread } = this;
    if (call !== 0) this.#contexts.add(call);
    const items: unknown[] = [this.#session, this.#requestId, run.state.index, run.event, parent, call, snapshot, fields.length];
    for (const [key, value] of fields) items.push(key, ...thread.field(value));
    thread.start(run, items);
  }

  mark(): void {
    if (this.#unsent.size > 0) return;
    this.#isMarked = true;
    this.thread.mark(this.#session);
  }

  /** Brings the context back to the mark; `known` is what it was as far as the gateway knows. */
  restore(known: ReadonlyMap<string, unknown>): void {
    if (this.#isMarked) {
      this.thread.restore(this.#session);
      this.#unsent.clear();
      return;
    }
    // The thread has nothing to go back to: the request begins anew there.
    this.thread.endSession(this.#session, false);
    this.#session = this.thread.openSession();
    this.#contexts.clear();
    this.#unsent = new Map(known);
  }

  end(): void {
    this.thread.endSession(this.#session, this.hasLeftovers);
  }
}
