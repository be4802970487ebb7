import { AsyncLocalStorage } from 'node:async_hooks';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { EnvironmentState } from './environment-state.ts';
import { EventRun, type RunOwner } from './event-run.ts';
import { ExtensionFailure } from './failure.ts';
import { toOutcome } from './outcome.ts';
import { Seat, TOP_LEVEL } from './seat.ts';
import type { ThreadHost } from './thread-host.ts';
import type { EventOutcome, ExtensionCall, ExtensionRequest, Fields } from './types.ts';

/** What the calls of all requests share. */
export interface CallEnvironment {
  find(environment: string): EnvironmentState | undefined;
  lease(nested: boolean, timeoutMs: number): Promise<ThreadHost>;
  giveBack(thread: ThreadHost): void;
  pick(): ThreadHost | Promise<ThreadHost>;
  /** Deadlines are to be watched from now on. */
  wake(): void;
  /** A request runs its first event; false when new ones are refused. */
  enter(): boolean;
  leave(): void;
}

/** The call of the gateway that a handler waits for: events that run meanwhile are nested in its event. */
const hostCall = new AsyncLocalStorage<{ readonly run: EventRun; readonly call: number }>();

/** The life of one request in its threads; see `ExtensionCall`. */
export class RequestCall implements ExtensionCall, RunOwner {
  readonly request: ExtensionRequest;
  readonly #shared: CallEnvironment;
  /** Top-level context as far as the gateway knows it. */
  readonly #known = new Map<string, unknown>();
  #marked: ReadonlyMap<string, unknown> | undefined;
  /** By the call in which their events are nested. */
  readonly #nested = new Map<number, NestedContext>();
  #exclusive: Seat | undefined;
  /** Further threads, for modules that are nested in waiting scripts. */
  readonly #beside: Seat[] = [];
  #modules: Seat | undefined;
  #leasing: Promise<Seat> | undefined;
  readonly #runs = new Set<EventRun>();
  #lastCall = 0;
  #hasEntered = false;
  #isListening = false;
  #isEnded = false;

  constructor(request: ExtensionRequest, shared: CallEnvironment) {
    this.request = request;
    this.#shared = shared;
  }

  get isHolding(): boolean {
    return this.#exclusive !== undefined || this.#leasing !== undefined;
  }

  async reserve(): Promise<void> {
    const state = this.#shared.find(this.request.environment);
    if (state?.isExclusive === true) await this.#exclusiveSeat(state.timeoutMs(''), false);
  }

  async run(environment: string, event: string, fields: Fields): Promise<EventOutcome> {
    const state = this.#shared.find(environment);
    const parent = this.#parent();
    const nested = parent === undefined ? undefined : this.#nestedContext(parent.call);
    const known = nested?.known ?? this.#known;
    setFields(known, fields);
    if (nested !== undefined) setFields(nested.unsent, fields);
    else for (const seat of this.#seats()) seat.setUnsent(fields);
    if (state === undefined || !state.events.has(event)) return toOutcome(known, false);
    try {
      this.#check(state, event);
      this.#listen();
      const seat = await this.#seat(state, event, parent !== undefined);
      this.#check(state, event);
      const run = new EventRun({ owner: this, state, event, parent: parent?.run, thread: seat.thread, known });
      return await this.#start(run, seat, parent, nested);
    } catch (error) {
      if (!(error instanceof ExtensionFailure)) state.failures += 1;
      throw error;
    }
  }

  mark(): void {
    this.#marked = new Map(this.#known);
    for (const seat of this.#seats()) seat.mark();
  }

  restore(): void {
    if (this.#marked === undefined) return;
    this.#known.clear();
    for (const [key, value] of this.#marked) this.#known.set(key, value);
    for (const seat of this.#seats()) seat.restore(this.#known);
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#isListening) this.request.signal?.removeEventListener('abort', this.#onAbort);
    for (const run of this.#runs) run.abort('the request is over');
    for (const seat of this.#seats()) seat.end();
    for (const seat of [this.#exclusive, ...this.#beside]) if (seat !== undefined) this.#shared.giveBack(seat.thread);
    if (this.#hasEntered) this.#shared.leave();
  }

  nextCall(): number {
    this.#lastCall += 1;
    return this.#lastCall;
  }

  /** Asks the gateway for a handler; events that run meanwhile find their parent. */
  ask(run: EventRun, name: string, args: readonly unknown[], call: number): Promise<unknown> {
    return hostCall.run({ run, call }, () => this.request.call(name, args, run)).finally(() => this.#nested.delete(call));
  }

  /** The deadline of an event passed, or its request left: its nested ones end with it. */
  descendants(run: EventRun): readonly EventRun[] {
    return [...this.#runs].filter((one) => one.isWithin(run));
  }

  async #start(run: EventRun, seat: Seat, parent: Parent | undefined, nested: NestedContext | undefined): Promise<EventOutcome> {
    this.#runs.add(run);
    try {
      if (parent === undefined || nested === undefined) seat.start(run, TOP_LEVEL, seat.takeUnsent());
      else {
        const isHere = parent.run.thread === seat.thread;
        const snapshot = isHere || seat.hasContext(parent.call) ? undefined : await parent.run.thread.snapshot(parent.run);
        seat.start(run, { parent: isHere ? parent.run.inv : 0, call: parent.call, snapshot }, takeNested(nested, seat));
      }
      this.#shared.wake();
      return await run.outcome;
    } finally {
      this.#runs.delete(run);
      seat.hasLeftovers ||= run.hasLeftovers;
      if (parent === undefined) this.#shareOutcome(seat);
    }
  }

  /** What one thread's handlers left is to be known in the other one. */
  #shareOutcome(from: Seat): void {
    for (const seat of this.#seats()) if (seat !== from) seat.setUnsent(toOutcomeFields(this.#known));
  }

  #seats(): readonly Seat[] {
    return [this.#exclusive, ...this.#beside, this.#modules].filter((seat) => seat !== undefined);
  }

  async #seat(state: EnvironmentState, event: string, nested: boolean): Promise<Seat> {
    if (state.isMixed && nested) return await this.#seatAtRest(state.timeoutMs(event));
    if (state.isExclusive)
      return this.#exclusive?.isUsable === true ? this.#exclusive : await this.#exclusiveSeat(state.timeoutMs(event), nested);
    if (this.#modules?.isUsable === true) return this.#modules;
    const thread = await this.#shared.pick();
    this.#modules = new Seat(thread, this.request.id, this.#known);
    return this.#modules;
  }

  /** A seat in a thread that does not wait: one that does runs nothing asynchronous. */
  async #seatAtRest(timeoutMs: number): Promise<Seat> {
    const seats = this.#exclusive === undefined ? this.#beside : [this.#exclusive, ...this.#beside];
    const free = seats.find(({ isUsable, thread }) => isUsable && !thread.isWaiting);
    if (free !== undefined) return free;
    if (this.#exclusive === undefined) return await this.#exclusiveSeat(timeoutMs, true);
    const seat = await this.#newSeat(timeoutMs, true);
    this.#beside.push(seat);
    return seat;
  }

  #exclusiveSeat(timeoutMs: number, nested: boolean): Promise<Seat> {
    if (this.#exclusive?.isUsable === true) return Promise.resolve(this.#exclusive);
    this.#leasing ??= this.#lease(timeoutMs, nested).finally(() => {
      this.#leasing = undefined;
    });
    return this.#leasing;
  }

  async #lease(timeoutMs: number, nested: boolean): Promise<Seat> {
    this.#exclusive = await this.#newSeat(timeoutMs, nested);
    return this.#exclusive;
  }

  async #newSeat(timeoutMs: number, nested: boolean): Promise<Seat> {
    const thread = await this.#shared.lease(nested, timeoutMs);
    if (!this.#isEnded) return new Seat(thread, this.request.id, this.#known);
    this.#shared.giveBack(thread);
    throw aborted('the request is over');
  }

  /** The event around, when a handler of this request waits for what runs now. */
  #parent(): Parent | undefined {
    const waiting = hostCall.getStore();
    if (waiting !== undefined && this.#runs.has(waiting.run)) return waiting;
    const deepest = [...this.#runs].findLast((run) => run.lastCall !== 0);
    return deepest === undefined ? undefined : { run: deepest, call: deepest.lastCall };
  }

  #nestedContext(call: number): NestedContext {
    const context = this.#nested.get(call) ?? { known: new Map(), unsent: new Map(), seat: undefined };
    this.#nested.set(call, context);
    return context;
  }

  #check(state: EnvironmentState, event: string): void {
    if (this.#isEnded) throw aborted('the request is over');
    if (!this.#hasEntered && !this.#shared.enter()) throw aborted('the gateway stops');
    this.#hasEntered = true;
    if (this.request.signal?.aborted === true) throw aborted('the client left');
    const refusal = state.refusal();
    if (refusal === undefined) return;
    observe({ type: 'extension.called', environment: state.name, event, outcome: 'refused', durationMs: 0 });
    throw refusal;
  }

  #listen(): void {
    if (this.#isListening || this.request.signal === undefined) return;
    this.#isListening = true;
    this.request.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => {
    for (const run of this.#runs) run.abort('the client left');
  };
}

interface Parent {
  readonly run: EventRun;
  readonly call: number;
}

/** What the gateway knows of the context of nested events. */
interface NestedContext {
  readonly known: Map<string, unknown>;
  /** What `seat`, which ran the last one, was not told. */
  readonly unsent: Map<string, unknown>;
  seat: Seat | undefined;
}

function takeNested(context: NestedContext, seat: Seat): readonly (readonly [string, unknown])[] {
  const fields = [...(context.seat === seat ? context.unsent : context.known)];
  context.unsent.clear();
  context.seat = seat;
  return fields;
}

function setFields(target: Map<string, unknown>, fields: Fields): void {
  for (const [key, value] of Object.entries(fields)) target.set(key, value);
}

function aborted(why: string): SekishoError {
  return new SekishoError('EXTENSION_ABORTED', `The extensions were stopped: ${why}.`);
}

function toOutcomeFields(known: ReadonlyMap<string, unknown>): Fields {
  const { hasNewResponse: _, ...fields } = toOutcome(known, false);
  return fields;
}
