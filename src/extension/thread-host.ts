import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { createInvocationNumbers, indexOf } from '../runtime/invocation-table.ts';
import { ThreadLink } from '../runtime/thread-link.ts';
import type { ThreadLinkData } from '../runtime/wire.ts';
import { toCallFailure } from './call-failure.ts';
import { createConstants } from './constants.ts';
import type { Thrown } from './outcome.ts';
import { ThreadWaits } from './thread-waits.ts';
import type { ExtensionLimits } from './types.ts';
import { FIELD, FROM_THREAD, type ThreadData, TO_THREAD } from './wire.ts';

/** An event that runs in a thread; its owner is told how it ends, exactly once. */
export interface ThreadRun {
  readonly environment: string;
  readonly event: string;
  /** Number in its thread. */
  readonly inv: number;
  /** Milliseconds of `performance.now()`. */
  readonly deadlineAt: number;
  call(name: string, args: readonly unknown[], number: number): Promise<unknown>;
  done(mask: number, next: () => unknown): void;
  failed(thrown: Thrown): void;
  /** The deadline passed. */
  expire(): void;
  /** Its thread is gone: `isCulprit` when it is to blame. */
  lost(reason: string, isCulprit: boolean): void;
}

/** Why a thread is gone, and the environments to blame for it. */
export interface Gone {
  readonly kind: 'killed' | 'stopped';
  readonly reason: string;
  readonly culprits: readonly string[];
}

/** What a thread is made of. */
export interface ThreadHostOptions {
  readonly kind: 'exclusive' | 'shared';
  readonly code: string;
  readonly data: Omit<ThreadData, keyof ThreadLinkData>;
  readonly limits: ExtensionLimits;
  /** Answers calls that are made while extensions load. */
  loadCall(name: string, args: readonly unknown[]): Promise<unknown>;
  onGone(gone: Gone): void;
  /** The last event that nobody waited for any more has ended. */
  onRest(): void;
}

/** Calls to the gateway that one thread may have running. */
const MAX_CALLS = 1000;
/** Items that may wait for a batch to travel with. */
const MAX_WAITING_ITEMS = 1000;

/** The gateway's end of one extension thread. */
export class ThreadHost {
  readonly kind: 'exclusive' | 'shared';
  /** Settles when the thread listens; rejects with EXTENSION_CRASHED. */
  readonly ready: Promise<void>;
  readonly #options: ThreadHostOptions;
  readonly #link: ThreadLink;
  readonly #waits: ThreadWaits;
  readonly #constants = createConstants();
  readonly #runNumbers = createInvocationNumbers();
  readonly #sessionNumbers = createInvocationNumbers();
  /** By index of their numbers. */
  readonly #runs: (ThreadRun | undefined)[] = [];
  #inFlight = 0;
  /** When it last told something, or got something to do. Milliseconds of `performance.now()`. */
  #heardAt = 0;
  #calls = 0;
  #gone = false;
  #isReady = false;
  #resolveReady: () => void = () => {};
  #rejectReady: (error: SekishoError) => void = () => {};

  constructor(options: ThreadHostOptions) {
    const { kind, limits, code, data } = options;
    this.kind = kind;
    this.#options = options;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => {});
    this.#waits = new ThreadWaits(limits, (reason, environment) => this.#kill(reason, environment), options.onRest);
    this.#link = new ThreadLink({
      code,
      name: `extensions ${kind}`,
      data,
      // A script may compute as long as its event may take: it holds up its own request only.
      limits: kind === 'shared' ? limits : { ...limits, syncTimeoutMs: Number.POSITIVE_INFINITY },
      ping: TO_THREAD.ping,
      answer: (name, inv, [call, ...texts]) => this.#answer(name, inv, Number(call), texts),
      toFailure: toCallFailure,
      receive: (next) => this.#receive(next),
      fail: (reason, isSilent) => this.#kill(reason, undefined, isSilent),
    });
  }

  /** Settles when its resources are free. */
  get exited(): Promise<void> {
    return this.#link.exited;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** How long it has told nothing while it had something to do. */
  get silentMs(): number {
    return this.#inFlight === 0 ? 0 : performance.now() - this.#heardAt;
  }

  get isGone(): boolean {
    return this.#gone;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether a script in it waits for an answer, so that only scripts run in it meanwhile. */
  get isWaiting(): boolean {
    return this.#link.sync.pending > 0;
  }

  /** Whether no event runs any more that nobody waits for. */
  get isAtRest(): boolean {
    return this.#waits.isAtRest;
  }

  get isBusy(): boolean {
    return !this.#isReady || this.#inFlight > 0 || this.#waits.isBusy;
  }

  get heapBytes(): number {
    return this.#link.watch.heapBytes;
  }

  /** Number of a request that is new to the thread. */
  openSession(): number {
    return this.#sessionNumbers.take() ?? tooMany();
  }

  /** Travels with the next batch unless it is to be told at once. */
  endSession(session: number, atOnce: boolean): void {
    if (this.#gone) return;
    this.#sessionNumbers.giveBack(session);
    this.#link.put(TO_THREAD.end, session);
    if (atOnce || this.#link.waiting > MAX_WAITING_ITEMS) this.#link.send();
  }

  openRun(): number {
    return this.#runNumbers.take() ?? tooMany();
  }

  /** Sends an event; `items` are the fields of `TO_THREAD.run` behind its number. */
  start(run: ThreadRun, items: readonly unknown[]): void {
    if (this.#gone) {
      run.lost('its thread ended', false);
      return;
    }
    this.#runs[indexOf(run.inv)] = run;
    if (this.#inFlight === 0) this.#heardAt = performance.now();
    this.#inFlight += 1;
    if (this.#link.sync.pending > 0) {
      // It waits for an answer: the event goes the same way, with what was to go before it.
      this.#link.sync.send([...this.#link.take(), TO_THREAD.run, run.inv, ...items]);
    } else this.#link.send(TO_THREAD.run, run.inv, ...items);
  }

  /** How a value is told to the thread: kind and value. */
  field(value: unknown): readonly [kind: number, value: unknown] {
    if (value === undefined) return [FIELD.remove, undefined];
    const constant = this.#constants.idOf(value, (id, text) => this.#link.put(TO_THREAD.constant, id, text));
    return constant === undefined ? [FIELD.text, JSON.stringify(value)] : [FIELD.constant, constant];
  }

  /** Nobody waits for an event any more. It has failed already; when it does not end, the thread does. `isBlamed`: that counts against its environment. */
  abandon(run: ThreadRun, isBlamed: boolean): void {
    if (this.#gone || this.#runs[indexOf(run.inv)] !== run) return;
    this.#take(run.inv);
    this.#waits.expire(run.inv, isBlamed ? run.environment : undefined);
    this.#link.send(TO_THREAD.expire, run.inv);
  }

  mark(session: number): void {
    this.#link.put(TO_THREAD.mark, session);
  }

  restore(session: number): void {
    this.#link.put(TO_THREAD.restore, session);
  }

  /** Loads an environment and gives the events that it handles. Rejects with EXTENSION_COMPILE, EXTENSION_LOAD. */
  load(index: number, name: string): Promise<readonly string[]> {
    this.#link.send(TO_THREAD.load, index);
    return this.#waits.load(index, name);
  }

  /** The context of an event as JSON text. */
  snapshot(run: ThreadRun): Promise<string> {
    if (this.#gone) return Promise.resolve('{}');
    return this.#waits.snapshot((number) => {
      if (this.#link.sync.pending > 0) this.#link.sync.send([...this.#link.take(), TO_THREAD.snapshot, number, run.inv]);
      else this.#link.send(TO_THREAD.snapshot, number, run.inv);
    });
  }

  tick(now: number, rss: number): void {
    if (this.#gone) return;
    if (this.#link.waiting > 0) this.#link.send();
    for (const run of this.#runs) if (run !== undefined && now >= run.deadlineAt) run.expire();
    this.#waits.tick(now);
    if (!this.#gone) this.#link.watch.tick(now, rss, this.#inFlight > 0);
  }

  stop(reason: string): void {
    this.#leave({ kind: 'stopped', reason, culprits: [] }, undefined);
  }

  #run(inv: number): ThreadRun | undefined {
    const run = this.#runs[indexOf(inv)];
    return run?.inv === inv ? run : undefined;
  }

  #take(inv: number): ThreadRun | undefined {
    const run = this.#run(inv);
    if (run === undefined) return undefined;
    this.#runs[indexOf(inv)] = undefined;
    this.#inFlight -= 1;
    this.#runNumbers.giveBack(inv);
    return run;
  }

  /** What comes from a thread is untrusted: a batch that does not read ends the thread, not the gateway. */
  #receive(next: () => unknown): void {
    this.#heardAt = performance.now();
    switch (next()) {
      case FROM_THREAD.done: {
        const [inv, mask] = [Number(next()), Number(next())];
        return (this.#take(inv) ?? IGNORED).done(mask, next);
      }
      case FROM_THREAD.failed: {
        const inv = Number(next());
        const thrown: Thrown = {
          kind: Number(next()),
          exception: String(next()),
          status: Number(next()),
          message: String(next()),
          body: next() as string | undefined,
          call: Number(next()),
          stack: String(next()),
        };
        return this.#take(inv)?.failed(thrown);
      }
      case FROM_THREAD.call:
        return this.#call(Number(next()), Number(next()), String(next()), next() as readonly unknown[]);
      case FROM_THREAD.console: {
        const level = next() as 'info';
        const [environment, module, requestId, text] = [String(next()), String(next()), String(next()), String(next())];
        return observe({ type: 'extension.console', level, environment, module, requestId, text });
      }
      case FROM_THREAD.stray: {
        const [environment, event, requestId, text] = [String(next()), String(next()), String(next()), String(next())];
        return observe({ type: 'extension.failed', environment, event, requestId, text });
      }
      case FROM_THREAD.loaded:
        return this.#waits.loaded(Number(next()), next() as readonly string[]);
      case FROM_THREAD.loadFailed:
        return this.#waits.loadFailed(Number(next()), String(next()), String(next()), String(next()));
      case FROM_THREAD.snapshot:
        return this.#waits.takeSnapshot(Number(next()), String(next()));
      case FROM_THREAD.expired:
        return this.#waits.expired(Number(next()));
      case FROM_THREAD.ready:
        this.#isReady = true;
        this.#link.watch.loaded();
        return this.#resolveReady();
      default:
        throw new Error('unknown item');
    }
  }

  #call(call: number, inv: number, name: string, texts: readonly unknown[]): void {
    this.#answer(name, inv, call, texts).then(
      (text) => this.#link.send(TO_THREAD.reply, call, true, text),
      (error: unknown) => this.#link.send(TO_THREAD.reply, call, false, toCallFailure(error)),
    );
  }

  /** Does one call of the thread; gives the result as JSON text. */
  async #answer(name: string, inv: number, call: number, texts: readonly unknown[]): Promise<string | undefined> {
    if (this.#calls >= MAX_CALLS) throw new SekishoError('EXTENSION_BUSY', `more than ${MAX_CALLS} calls to the gateway are running`);
    const args = texts.map((text) => (typeof text === 'string' ? (JSON.parse(text) as unknown) : undefined));
    this.#calls += 1;
    try {
      const run = this.#run(inv);
      if (run === undefined && inv !== 0)
        throw new SekishoError('EXTENSION_ABORTED', `${name} was called by an event that nobody waits for any more`);
      const result = await (run === undefined ? this.#options.loadCall(name, args) : run.call(name, args, call));
      return result === undefined ? undefined : JSON.stringify(result);
    } finally {
      this.#calls -= 1;
    }
  }

  /** `environment` is to blame; when it is not known, that whose code runs; of a thread that answers and serves several nobody is. */
  #kill(reason: string, environment?: string, isSilent = false): void {
    const current = isSilent ? this.#run(this.#link.running) : undefined;
    const running = current ?? (this.kind === 'exclusive' || this.#inFlight === 1 ? this.#last() : undefined);
    const culprit = environment ?? running?.environment;
    this.#leave({ kind: 'killed', reason, culprits: culprit === undefined ? [] : [culprit] }, running);
  }

  #last(): ThreadRun | undefined {
    return this.#runs.findLast((run) => run !== undefined);
  }

  #leave(gone: Gone, culprit: ThreadRun | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#link.cut();
    this.#rejectReady(new SekishoError('EXTENSION_CRASHED', `The thread of extensions was ended: ${gone.reason}.`));
    this.#waits.gone(gone.reason);
    const lost = this.#runs.filter((run) => run !== undefined);
    this.#runs.length = 0;
    this.#inFlight = 0;
    for (const run of lost) run.lost(gone.reason, run === culprit);
    this.#options.onGone(gone);
  }
}

/** Stands in for a run that nobody waits for; its fields are read over. */
const IGNORED = {
  done(mask: number, next: () => unknown): void {
    for (let at = 0; at < 8; at += 2) if (((mask >> at) & 3) === 2) next();
  },
};

function tooMany(): never {
  throw new SekishoError('EXTENSION_BUSY', 'A thread of extensions has too many requests.');
}
