import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { EnvironmentState } from './environment-state.ts';
import { ExtensionFailure } from './failure.ts';
import { readOutcome, type Thrown, toRunError } from './outcome.ts';
import type { ThreadHost, ThreadRun } from './thread-host.ts';
import type { EventCaller, EventOutcome, ExtensionRequest } from './types.ts';
import { LEFTOVERS } from './wire.ts';

/** The request that an event belongs to. */
export interface RunOwner {
  readonly request: ExtensionRequest;
  ask(run: EventRun, name: string, args: readonly unknown[], call: number): Promise<unknown>;
  /** Numbers a call among all of the request, whatever threads its events run in. */
  nextCall(): number;
  /** The event itself and those nested in it. */
  descendants(run: EventRun): readonly EventRun[];
}

/** What an event is made of. */
export interface EventRunOptions {
  readonly owner: RunOwner;
  readonly state: EnvironmentState;
  readonly event: string;
  readonly parent: EventRun | undefined;
  readonly thread: ThreadHost;
  /** The context's tracked keys as the gateway knows them. */
  readonly known: Map<string, unknown>;
}

const MAX_FAILED_CALLS = 100;

/** One event that runs in a thread. */
export class EventRun implements ThreadRun, EventCaller {
  readonly state: EnvironmentState;
  readonly event: string;
  readonly thread: ThreadHost;
  readonly inv: number;
  readonly depth: number;
  readonly deadlineAt: number;
  readonly outcome: Promise<EventOutcome>;
  /** The number (`RunOwner.nextCall`) of the call that began last of those that run; 0 when none does. */
  lastCall = 0;
  /** The thread may have something to stop when its request ends: always, unless it said otherwise. */
  hasLeftovers = true;
  readonly #options: EventRunOptions;
  readonly #startedAt = performance.now();
  readonly #failedCalls = new Map<number, unknown>();
  /** Ends the calls that run, when the event does. */
  readonly #calls = new Map<number, (error: SekishoError) => void>();
  #abort: AbortController | undefined;
  #isOver = false;
  #resolve: (outcome: EventOutcome) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(options: EventRunOptions) {
    const { state, event, parent, thread } = options;
    this.#options = options;
    this.state = state;
    this.event = event;
    this.thread = thread;
    this.inv = thread.openRun();
    this.depth = (parent?.depth ?? 0) + 1;
    this.deadlineAt = Math.min(this.#startedAt + state.timeoutMs(event), parent?.deadlineAt ?? Number.POSITIVE_INFINITY);
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // It may fail before anybody waits for it.
    this.outcome.catch(() => {});
    state.calls += 1;
  }

  get environment(): string {
    return this.state.name;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  isWithin(run: EventRun): boolean {
    return this === run || (this.#options.parent?.isWithin(run) ?? false);
  }

  call(name: string, args: readonly unknown[], number: number): Promise<unknown> {
    const { owner } = this.#options;
    const call = owner.nextCall();
    this.lastCall = call;
    return new Promise<unknown>((resolve, reject) => {
      this.#calls.set(call, reject);
      owner.ask(this, name, args, call).then(resolve, reject);
    })
      .catch((error: unknown) => {
        for (const oldest of this.#failedCalls.keys()) {
          if (this.#failedCalls.size < MAX_FAILED_CALLS) break;
          this.#failedCalls.delete(oldest);
        }
        this.#failedCalls.set(number, error);
        throw error;
      })
      .finally(() => {
        this.#calls.delete(call);
        this.lastCall = [...this.#calls.keys()].at(-1) ?? 0;
      });
  }

  done(mask: number, next: () => unknown): void {
    this.hasLeftovers = (mask & LEFTOVERS) !== 0;
    const outcome = readOutcome(mask, next, this.#options.known);
    if (this.#finish('ok')) this.#resolve(outcome);
  }

  failed(thrown: Thrown): void {
    const error = toRunError(thrown, this.#failedCalls.get(thrown.call), this.event);
    const isAnswer = error instanceof ExtensionFailure || (error instanceof SekishoError && error.status < 500);
    if (!isAnswer) {
      const id = error instanceof SekishoError ? error.id : undefined;
      const { environment, event } = this;
      const requestId = this.#options.owner.request.id;
      observe({ type: 'extension.failed', environment, event, requestId, ...(id !== undefined && { id }), text: thrown.stack });
    }
    this.#fail(isAnswer ? 'answered' : 'failed', error);
  }

  expire(): void {
    const timeoutMs = this.state.timeoutMs(this.event);
    const error = new SekishoError('EXTENSION_TIMEOUT', `The handlers of ${this.event} did not finish within ${timeoutMs} ms.`);
    for (const run of this.#options.owner.descendants(this)) run.#giveUp(error, 'timeout');
  }

  /** Nobody waits for it any more. */
  abort(why: string): void {
    this.#giveUp(new SekishoError('EXTENSION_ABORTED', `The extensions were stopped: ${why}.`), 'failed');
  }

  lost(reason: string, isCulprit: boolean): void {
    const isTimeout = isCulprit && reason.startsWith('it blocked');
    this.#fail(
      isTimeout ? 'timeout' : 'crashed',
      isTimeout
        ? new SekishoError('EXTENSION_TIMEOUT', `The handlers of ${this.event} blocked their thread.`)
        : new SekishoError('EXTENSION_CRASHED', `The thread of ${this.event} was ended.`, { cause: new Error(reason) }),
    );
  }

  #giveUp(error: SekishoError, outcome: 'timeout' | 'failed'): void {
    if (this.#isOver) return;
    this.thread.abandon(this, outcome === 'timeout');
    this.#fail(outcome, error);
  }

  #fail(outcome: 'answered' | 'failed' | 'timeout' | 'crashed', error: unknown): void {
    if (this.#finish(outcome)) this.#reject(error);
  }

  #finish(outcome: 'ok' | 'answered' | 'failed' | 'timeout' | 'crashed'): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    if (this.#calls.size > 0 || this.#abort !== undefined) {
      const over = new SekishoError('EXTENSION_ABORTED', `The event ${this.event} is over.`);
      for (const end of this.#calls.values()) end(over);
      this.#abort?.abort(over);
    }
    const { environment, event } = this;
    observe({ type: 'extension.called', environment, event, outcome, durationMs: performance.now() - this.#startedAt });
    return true;
  }
}
