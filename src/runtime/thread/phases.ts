import { HOOKS, type Hook } from '../types.ts';
import { FROM_THREAD, OUTCOME, PHASE, SLOT } from '../wire.ts';
import { Context } from './ctx.ts';
import { handled, headOnly, pendingStatus, requestOutcome, responseOutcome, type WireOutcome, written } from './outcome.ts';
import type { HookFunction, HookTable } from './program.ts';
import { currentRequest } from './requests.ts';
import { type Stacks, toError } from './stack.ts';
import type { RequestState } from './state.ts';

/** One phase of one request. Once it is settled (or expired) whatever its hooks still do is ignored. */
export interface Run {
  readonly state: RequestState;
  readonly ctx: Context;
  readonly seq: number;
  readonly phase: number;
  hook: Hook;
  live: boolean;
}

interface Failure {
  readonly hook: Hook;
  readonly thrown: unknown;
}

/** What phases need of their thread. `put` appends items to the outbox. */
export interface PhaseOptions {
  readonly hooks: HookTable;
  readonly entry: string;
  readonly stacks: Stacks;
  readonly shared: Int32Array;
  put(...items: unknown[]): void;
}

/** Codes that module code may pass on; everything else it throws is MODULE_FAILED. */
const PASSED_CODES: readonly unknown[] = ['MODULE_BODY_TOO_LARGE', 'MODULE_TIMEOUT'];

/** Runs the hooks of one program in the order of the phases. */
export class Phases {
  readonly #options: PhaseOptions;

  constructor(options: PhaseOptions) {
    this.#options = options;
  }

  /** Starts a phase; its outcome is put into the outbox when it settles. `error` is what the errorHandler of the error phase gets. */
  start(state: RequestState, seq: number, phase: number, error?: Error): void {
    state.ctx ??= new Context(state);
    if (state.upstream !== undefined && phase === PHASE.response) Context.setUpstream(state.ctx, state.upstream);
    const run: Run = { state, ctx: state.ctx, seq, phase, hook: 'errorHandler', live: true };
    this.#follow(run, () => this.#flow(run, error));
  }

  /** The deadline of a phase passed: its hooks are abandoned, the errorHandler gets its chance where there is one. */
  expire(state: RequestState, seq: number): void {
    const { run } = state;
    if (run === undefined || run.seq !== seq) return;
    const message = `the ${run.hook} of module ${this.#options.entry} did not finish in time`;
    const failure = { hook: run.hook, thrown: Object.assign(new Error(message), { code: 'MODULE_TIMEOUT' }) };
    run.live = false;
    const next: Run = { ...run, live: true };
    this.#follow(next, () => (mayRecover(run.hook) ? this.#recover(next, failure) : Promise.resolve(this.#fail(next, failure))));
  }

  #follow(run: Run, flow: () => Promise<WireOutcome>): void {
    run.state.run = run;
    currentRequest.run(run.state, () => {
      flow().then(
        (outcome) => this.#settle(run, outcome),
        (thrown: unknown) => this.#settle(run, this.#failure({ hook: run.hook, thrown })),
      );
    });
  }

  #settle(run: Run, outcome: WireOutcome): void {
    if (!run.live) return;
    run.live = false;
    run.state.run = undefined;
    const [flags, ...fields] = outcome;
    const { timers, abort, inv } = run.state;
    const leftovers = abort !== undefined || (timers !== undefined && timers.size > 0) ? OUTCOME.leftovers : 0;
    this.#options.put(FROM_THREAD.result, inv, run.seq, (flags as number) | leftovers, ...fields);
  }

  async #flow(run: Run, error: Error | undefined): Promise<WireOutcome> {
    try {
      return await this.#hooksOf(run, error);
    } catch (thrown) {
      const failure = { hook: run.hook, thrown };
      // Abandoned at its deadline: somebody else answers.
      if (!run.live) return NO_CHANGE;
      return mayRecover(run.hook) ? await this.#recover(run, failure) : this.#fail(run, failure);
    }
  }

  async #hooksOf(run: Run, error: Error | undefined): Promise<WireOutcome> {
    const { ctx } = run;
    switch (run.phase) {
      case PHASE.request: {
        const found = this.#has('fetchUpstream') ? this.#call(run, 'fetchUpstream') : undefined;
        const url = this.#has('fetchUpstream') ? upstreamUrl(isThenable(found) ? await found : found) : undefined;
        await this.#callNext(run, 'requestModifier');
        return requestOutcome(ctx, url);
      }
      case PHASE.handle:
        await this.#callNext(run, 'requestModifier');
        await this.#callNext(run, 'requestHandler');
        return written(ctx) ?? headOnly(ctx);
      case PHASE.response:
        await this.#callNext(run, 'responseModifier');
        return responseOutcome(ctx);
      default: {
        const before = pendingStatus(ctx);
        await this.#call(run, 'errorHandler', error);
        return handled(ctx, before) ?? NO_CHANGE;
      }
    }
  }

  #has(hook: Hook): boolean {
    return this.#options.hooks[hook] !== undefined;
  }

  /** Calls a hook if the program has it, no earlier one has answered, and the deadline has not passed. */
  #callNext(run: Run, hook: Hook): unknown {
    if (!this.#has(hook) || !run.live || Context.parts(run.ctx).response?.headersSent === true) return undefined;
    return this.#call(run, hook);
  }

  #call(run: Run, hook: Hook, second?: unknown): unknown {
    const { hooks, shared } = this.#options;
    run.hook = hook;
    shared[SLOT.current] = run.state.inv;
    try {
      const call = hooks[hook] as HookFunction;
      return second === undefined ? call(run.ctx) : call(run.ctx, second);
    } finally {
      shared[SLOT.current] = 0;
    }
  }

  /** What the client gets after a hook failed: a response that is there already, else that of errorHandler, else the failure. */
  async #recover(run: Run, failure: Failure): Promise<WireOutcome> {
    const outcome = this.#fail(run, failure);
    if (!this.#has('errorHandler') || written(run.ctx) !== undefined) return outcome;
    const before = pendingStatus(run.ctx);
    try {
      await this.#call(run, 'errorHandler', toError(failure.thrown));
      return handled(run.ctx, before) ?? outcome;
    } catch (thrown) {
      return this.#fail(run, { hook: 'errorHandler', thrown });
    }
  }

  /** Reports a failure and gives its outcome. */
  #fail(run: Run, failure: Failure): WireOutcome {
    const { put, stacks } = this.#options;
    put(FROM_THREAD.failed, failure.hook, run.state.entities.route.name, run.state.id, stacks.describe(failure.thrown));
    return written(run.ctx) ?? this.#failure(failure);
  }

  #failure({ hook, thrown }: Failure): WireOutcome {
    const { entry, stacks } = this.#options;
    const code = codeOf(thrown);
    const passed = PASSED_CODES.includes(code);
    const message = passed ? (thrown as Error).message : `The ${hook} of module ${entry} failed.`;
    return [OUTCOME.failure, HOOKS.indexOf(hook), passed ? code : 'MODULE_FAILED', message, stacks.describe(thrown)];
  }
}

const NO_CHANGE: WireOutcome = [0];

/** Failures of these hooks go to errorHandler. */
function mayRecover(hook: Hook): boolean {
  return hook === 'requestHandler' || hook === 'responseModifier';
}

/** `code` of whatever was thrown; hostile objects have none. */
function codeOf(thrown: unknown): unknown {
  try {
    return (thrown as { readonly code?: unknown } | null | undefined)?.code;
  } catch {
    return undefined;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && typeof value === 'object' && typeof (value as { then?: unknown }).then === 'function';
}

/** The URL that fetchUpstream gave; `http://` is assumed where the scheme is missing. */
function upstreamUrl(value: unknown): string {
  if (typeof value === 'string' && value !== '') {
    const url = value.includes('://') ? value : `http://${value}`;
    if (URL.canParse(url)) return url;
  }
  const shown = typeof value === 'string' ? JSON.stringify(value) : value === undefined ? 'nothing' : typeof value;
  throw new TypeError(`fetchUpstream returned an invalid URL: ${shown}`);
}
