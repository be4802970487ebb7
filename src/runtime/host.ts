import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { CompiledProgram } from './compile.ts';
import { type CallBodies, type CallTarget, callError, hostCall } from './host-calls.ts';
import { createInvocationNumbers, indexOf } from './invocation-table.ts';
import type { RuntimeLimits } from './options.ts';
import { type Outcome, readOutcome } from './outcome.ts';
import { ThreadLink } from './thread-link.ts';
import type { Hook, ModuleRequest } from './types.ts';
import { FROM_THREAD, OUTCOME, type ThreadData, type ThreadLinkData, TO_THREAD } from './wire.ts';

/** A phase that runs in the thread; its owner is told how it ends, exactly once. */
export interface PendingPhase {
  readonly inv: number;
  readonly seq: number;
  readonly bodies: CallBodies;
  /** Milliseconds of `performance.now()` after which the phase is given up. */
  deadlineAt: number;
  expired: boolean;
  /** `leftovers`: the request has timers or fetches, tell its end at once. */
  settle(outcome: Outcome, leftovers: boolean): void;
  fail(error: SekishoError): void;
}

/** Why a thread is gone: ended by the watchdog or by itself, by our own wish, or because its top level failed. */
export interface Gone {
  readonly kind: 'killed' | 'stopped' | 'unloadable';
  readonly reason: string;
}

/** The gateway's end of one module thread. */
export interface ThreadHost {
  /** The hooks that the program has; rejects with MODULE_LOAD. */
  readonly ready: Promise<readonly Hook[]>;
  /** Settles when the thread's resources are free. */
  readonly exited: Promise<void>;
  readonly inFlight: number;
  /** True until `ready` settles. */
  readonly isLoading: boolean;
  readonly heapBytes: number;
  /** Milliseconds of `performance.now()` at which it last had something to do. */
  readonly lastUsedAt: number;
  /** Sends a phase; `items` are the fields of `TO_THREAD.phase` behind inv and seq. */
  run(phase: PendingPhase, items: readonly unknown[]): void;
  /** Number of a request that is new to the thread; undefined when it has too many. */
  open(): number | undefined;
  /** Ends the request in the thread; travels with the next batch unless it is to be told at once. */
  end(inv: number, atOnce: boolean): void;
  /** Number under which the thread knows the route, service and namespace of a request; sends them when they are new. */
  routeId(request: ModuleRequest): number;
  /** Watches deadlines, silence and memory. `rss` is that of the process. */
  tick(now: number, rss: number): void;
  stop(reason: string): void;
}

export interface HostOptions {
  readonly code: string;
  readonly program: CompiledProgram;
  /** Name of the entry module. */
  readonly module: string;
  readonly target: CallTarget;
  readonly env: Readonly<Record<string, string>>;
  readonly limits: RuntimeLimits;
  onGone(gone: Gone): void;
}

const MAX_ROUTES = 256;
/** Items that may wait for a batch to travel with. */
const MAX_WAITING_ITEMS = 1000;
/** Calls to the gateway that one thread may have running. */
const MAX_HOST_CALLS = 1000;

export function createThreadHost(options: HostOptions): ThreadHost {
  return new Host(options);
}

class Host implements ThreadHost {
  readonly ready: Promise<readonly Hook[]>;
  lastUsedAt = performance.now();
  readonly #options: HostOptions;
  readonly #link: ThreadLink;
  readonly #numbers = createInvocationNumbers();
  /** By index of the invocation. */
  readonly #pending: (PendingPhase | undefined)[] = [];
  #inFlight = 0;
  readonly #routes = new Map<object, { readonly id: number; readonly service: object | undefined; readonly namespace: object }>();
  #lastRoute = 0;
  #hostCalls = 0;
  #loading = true;
  #gone = false;
  #resolveReady: (hooks: readonly Hook[]) => void = () => {};
  #rejectReady: (error: SekishoError) => void = () => {};

  constructor(options: HostOptions) {
    this.#options = options;
    const { limits, program, target } = options;
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => {});
    const data: Omit<ThreadData, keyof ThreadLinkData> = {
      code: program.code,
      sourceMap: program.sourceMap,
      entry: program.entry,
      namespace: target.namespace,
      env: options.env,
      maxBodyBytes: limits.maxBodyBytes,
    };
    this.#link = new ThreadLink({
      code: options.code,
      name: `module ${target.namespace}/${program.entry}`,
      data,
      limits,
      ping: TO_THREAD.ping,
      answer: (name, inv, args) => hostCall(name, target, args, this.#phase(inv)?.bodies),
      toFailure: callError,
      receive: (next) => this.#receive(next),
      fail: (reason) => this.#kill(reason),
    });
  }

  get exited(): Promise<void> {
    return this.#link.exited;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get isLoading(): boolean {
    return this.#loading;
  }

  get heapBytes(): number {
    return this.#link.watch.heapBytes;
  }

  run(phase: PendingPhase, items: readonly unknown[]): void {
    this.#pending[indexOf(phase.inv)] = phase;
    this.#inFlight += 1;
    this.#link.put(TO_THREAD.phase, phase.inv, phase.seq);
    this.#link.send(...items);
  }

  open(): number | undefined {
    return this.#numbers.take();
  }

  end(inv: number, atOnce: boolean): void {
    if (this.#gone) return;
    this.#take(inv)?.fail(new SekishoError('MODULE_CRASHED', 'The request ended before its module did.'));
    this.#numbers.giveBack(inv);
    this.#link.put(TO_THREAD.end, inv);
    if (atOnce || this.#link.waiting > MAX_WAITING_ITEMS) this.#link.send();
  }

  routeId(request: ModuleRequest): number {
    const { route, service, namespace } = request;
    const known = this.#routes.get(route);
    if (known !== undefined && known.service === service && known.namespace === namespace) return known.id;
    if (known !== undefined) this.#forget(route, known.id);
    for (const [oldest, { id }] of this.#routes) {
      if (this.#routes.size < MAX_ROUTES) break;
      this.#forget(oldest, id);
    }
    this.#lastRoute += 1;
    this.#routes.set(route, { id: this.#lastRoute, service, namespace });
    this.#link.put(TO_THREAD.route, this.#lastRoute, JSON.stringify({ route, service, namespace }));
    return this.#lastRoute;
  }

  tick(now: number, rss: number): void {
    if (this.#gone) return;
    if (this.#link.waiting > 0) this.#link.send();
    this.#checkDeadlines(now);
    if (this.#gone) return;
    this.#link.watch.tick(now, rss, this.#inFlight > 0);
  }

  stop(reason: string): void {
    this.#leave({ kind: 'stopped', reason });
  }

  #phase(inv: number): PendingPhase | undefined {
    const phase = this.#pending[indexOf(inv)];
    return phase?.inv === inv ? phase : undefined;
  }

  #take(inv: number): PendingPhase | undefined {
    const phase = this.#phase(inv);
    if (phase === undefined) return undefined;
    this.#pending[indexOf(inv)] = undefined;
    this.#inFlight -= 1;
    return phase;
  }

  #checkDeadlines(now: number): void {
    for (const phase of this.#pending) {
      if (phase === undefined || now < phase.deadlineAt) continue;
      if (phase.expired) {
        this.#take(phase.inv);
        phase.fail(timeoutError(this.#options));
        if (this.#link.watch.isStuck(now)) return this.#kill('it blocked its thread beyond the deadline of its call');
      } else {
        phase.expired = true;
        phase.deadlineAt = now + this.#options.limits.syncTimeoutMs;
        this.#link.send(TO_THREAD.expire, phase.inv, phase.seq);
      }
    }
  }

  #forget(route: object, id: number): void {
    this.#routes.delete(route);
    this.#link.put(TO_THREAD.forgetRoute, id);
  }

  #receive(next: () => unknown): void {
    this.lastUsedAt = performance.now();
    const { target, module } = this.#options;
    switch (next()) {
      case FROM_THREAD.result: {
        const [inv, seq, flags] = [Number(next()), Number(next()), Number(next())];
        const outcome = readOutcome(flags, next);
        const phase = this.#phase(inv);
        if (phase === undefined || phase.seq !== seq) return;
        this.#take(inv);
        phase.settle(outcome, (flags & OUTCOME.leftovers) !== 0);
        return;
      }
      case FROM_THREAD.call:
        this.#call(Number(next()), Number(next()), String(next()), next() as readonly unknown[]);
        return;
      case FROM_THREAD.console:
        observe({
          type: 'module.console',
          level: next() as 'info',
          namespace: target.namespace,
          module,
          route: String(next()),
          requestId: String(next()),
          text: String(next()),
        });
        return;
      case FROM_THREAD.failed:
        observe({
          type: 'module.failed',
          namespace: target.namespace,
          module,
          hook: String(next()),
          route: String(next()),
          requestId: String(next()),
          text: String(next()),
        });
        return;
      case FROM_THREAD.ready:
        this.#loaded();
        this.#resolveReady(next() as readonly Hook[]);
        return;
      case FROM_THREAD.loadFailed: {
        const [text, place] = [String(next()), String(next())];
        const message = text.split('\n', 1)[0] ?? '';
        this.#rejectReady(
          new SekishoError('MODULE_LOAD', place ? `${message} at ${place}` : message, { errors: [{ pointer: place, detail: message }] }),
        );
        this.#leave({ kind: 'unloadable', reason: 'it did not load' });
        return;
      }
      default:
        throw new Error('unknown item');
    }
  }

  #loaded(): void {
    this.#loading = false;
    this.#link.watch.loaded();
  }

  #call(call: number, inv: number, name: string, args: readonly unknown[]): void {
    if (this.#hostCalls >= MAX_HOST_CALLS) {
      this.#link.send(TO_THREAD.reply, call, false, 'MODULE_BUSY', `more than ${MAX_HOST_CALLS} calls to the gateway are running`);
      return;
    }
    this.#hostCalls += 1;
    hostCall(name, this.#options.target, args, this.#phase(inv)?.bodies)
      .then(
        (value) => this.#link.send(TO_THREAD.reply, call, true, value, ''),
        (error: unknown) => this.#link.send(TO_THREAD.reply, call, false, ...callError(error)),
      )
      .finally(() => {
        this.#hostCalls -= 1;
      });
  }

  #kill(reason: string): void {
    this.#leave({ kind: 'killed', reason });
  }

  #leave(gone: Gone): void {
    if (this.#gone) return;
    this.#gone = true;
    const culprit = this.#link.running;
    this.#link.cut();
    const { program } = this.#options;
    const blocked = gone.reason.startsWith('it blocked');
    if (this.#loading)
      this.#rejectReady(
        new SekishoError('MODULE_LOAD', `Module ${program.entry} did not load: ${gone.reason}.`, {
          errors: [{ pointer: program.entry, detail: gone.reason }],
        }),
      );
    for (const phase of this.#pending) {
      if (phase === undefined) continue;
      const isCulprit = blocked && (culprit === 0 || culprit === phase.inv);
      phase.fail(
        isCulprit
          ? timeoutError(this.#options)
          : new SekishoError('MODULE_CRASHED', `The thread of module ${program.entry} was ended: ${gone.reason}.`),
      );
    }
    this.#pending.length = 0;
    this.#inFlight = 0;
    this.#options.onGone(gone);
  }
}

function timeoutError({ program, limits }: HostOptions): SekishoError {
  return new SekishoError(
    'MODULE_TIMEOUT',
    `Module ${program.entry} did not finish within ${limits.timeoutMs} ms, or blocked its thread for longer than ${limits.syncTimeoutMs} ms.`,
  );
}
