import { HOOKS, type Hook } from '../types.ts';
import { FROM_THREAD, OUTCOME, PHASE, SLOT } from '../wire.ts';
import { Context } from './ctx.ts';
import { Request } from './ctx-request.ts';
import { Response } from './ctx-response.ts';
import { Upstream } from './ctx-upstream.ts';
import type { HookFunction, HookTable } from './program.ts';
import { currentRequest } from './requests.ts';
import { type Stacks, toError } from './stack.ts';
import type { RequestState } from './state.ts';

/** One phase of one request. Once it is settled (or expired) whatever its hooks still do is ignored. */
interface Run {
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

export interface Phases {
  /** Starts a phase; its outcome is put into the outbox when it settles. `error` is what the errorHandler of the error phase gets. */
  start(state: RequestState, seq: number, phase: number, error?: Error): void;
  /** The deadline of a phase passed: its hooks are abandoned, the errorHandler gets its chance. */
  expire(inv: number, seq: number): void;
}

/** Codes that module code may pass on; everything else it throws is MODULE_FAILED. */
const PASSED_CODES: readonly unknown[] = ['MODULE_BODY_TOO_LARGE', 'MODULE_TIMEOUT'];

/** Runs hooks in the order of the phases. `put` appends items to the outbox. */
export function createPhases(
  hooks: HookTable,
  entry: string,
  stacks: Stacks,
  shared: Int32Array,
  put: (...items: unknown[]) => void,
): Phases {
  const running = new Map<number, Run>();

  const invoke = (run: Run, hook: Hook, second?: unknown): unknown => {
    run.hook = hook;
    shared[SLOT.current] = run.state.inv;
    try {
      const call = hooks[hook] as HookFunction;
      return second === undefined ? call(run.ctx) : call(run.ctx, second);
    } finally {
      shared[SLOT.current] = 0;
    }
  };

  const settle = (run: Run, outcome: readonly unknown[]): void => {
    if (!run.live) return;
    run.live = false;
    running.delete(run.state.inv);
    put(FROM_THREAD.result, run.state.inv, run.seq, ...outcome);
  };

  const failed = ({ hook, thrown }: Failure): readonly unknown[] => {
    const code = (thrown as { code?: unknown } | null | undefined)?.code;
    const passed = PASSED_CODES.includes(code);
    const message = passed ? (thrown as Error).message : `The ${hook} of module ${entry} failed.`;
    return [OUTCOME.failure, HOOKS.indexOf(hook), passed ? code : 'MODULE_FAILED', message, stacks.describe(thrown)];
  };

  const report = (run: Run, failure: Failure): void => {
    put(FROM_THREAD.failed, failure.hook, run.state.entities.route.name, run.state.id, stacks.describe(failure.thrown));
  };

  /** What the client gets after a hook failed: a response that is there already, else that of errorHandler, else the failure. */
  const recover = async (run: Run, failure: Failure): Promise<readonly unknown[]> => {
    report(run, failure);
    const sent = written(run.ctx);
    if (sent !== undefined) return sent;
    if (hooks.errorHandler === undefined) return failed(failure);
    try {
      const result = invoke(run, 'errorHandler', toError(failure.thrown));
      if (isThenable(result)) await result;
      return written(run.ctx) ?? failed(failure);
    } catch (thrown) {
      const second = { hook: 'errorHandler', thrown } as const;
      report(run, second);
      return written(run.ctx) ?? failed(second);
    }
  };

  const flows: Readonly<Record<number, (run: Run, error?: Error) => Promise<readonly unknown[]>>> = {
    [PHASE.request]: async (run) => {
      let url: string | undefined;
      try {
        if (hooks.fetchUpstream !== undefined) {
          const found = invoke(run, 'fetchUpstream');
          url = upstreamUrl(isThenable(found) ? await found : found);
        }
        if (hooks.requestModifier !== undefined && run.live && !isSent(run.ctx)) {
          const result = invoke(run, 'requestModifier');
          if (isThenable(result)) await result;
        }
      } catch (thrown) {
        const failure = { hook: run.hook, thrown };
        report(run, failure);
        return failed(failure);
      }
      return requestOutcome(run.ctx, url);
    },
    [PHASE.handle]: async (run) => {
      try {
        if (hooks.requestModifier !== undefined) {
          const result = invoke(run, 'requestModifier');
          if (isThenable(result)) await result;
        }
        if (hooks.requestHandler !== undefined && run.live && !isSent(run.ctx)) {
          const result = invoke(run, 'requestHandler');
          if (isThenable(result)) await result;
        }
      } catch (thrown) {
        const failure = { hook: run.hook, thrown };
        if (run.hook === 'requestHandler' && run.live) return await recover(run, failure);
        report(run, failure);
        return written(run.ctx) ?? failed(failure);
      }
      return written(run.ctx) ?? headersOnly(run.ctx);
    },
    [PHASE.response]: async (run) => {
      try {
        const result = invoke(run, 'responseModifier');
        if (isThenable(result)) await result;
      } catch (thrown) {
        return run.live ? await recover(run, { hook: 'responseModifier', thrown }) : [];
      }
      return written(run.ctx) ?? responseOutcome(run.ctx);
    },
    [PHASE.error]: async (run, error) => {
      try {
        const result = invoke(run, 'errorHandler', error);
        if (isThenable(result)) await result;
      } catch (thrown) {
        const failure = { hook: 'errorHandler', thrown } as const;
        report(run, failure);
        return written(run.ctx) ?? failed(failure);
      }
      return written(run.ctx) ?? [0];
    },
  };

  const start = (run: Run, flow: (run: Run) => Promise<readonly unknown[]>): void => {
    running.set(run.state.inv, run);
    currentRequest.run(run.state, () => {
      flow(run).then(
        (outcome) => settle(run, outcome),
        (thrown: unknown) => settle(run, failed({ hook: run.hook, thrown })),
      );
    });
  };

  return {
    start(state, seq, phase, error) {
      state.ctx ??= new Context(state);
      if (state.upstream !== undefined && phase === PHASE.response) Context.setUpstream(state.ctx, state.upstream);
      const flow = flows[phase] as (run: Run, error?: Error) => Promise<readonly unknown[]>;
      start({ state, ctx: state.ctx, seq, phase, hook: 'errorHandler', live: true }, (run) => flow(run, error));
    },
    expire(inv, seq) {
      const run = running.get(inv);
      if (run === undefined || run.seq !== seq) return;
      const thrown = Object.assign(new Error(`the ${run.hook} of module ${entry} did not finish in time`), { code: 'MODULE_TIMEOUT' });
      const failure = { hook: run.hook, thrown };
      run.live = false;
      const next: Run = { ...run, live: true };
      if (run.hook === 'requestHandler' || run.hook === 'responseModifier') start(next, (again) => recover(again, failure));
      else {
        report(next, failure);
        settle(next, written(run.ctx) ?? failed(failure));
      }
    },
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value !== null && typeof value === 'object' && typeof (value as { then?: unknown }).then === 'function';
}

function isSent(ctx: Context): boolean {
  return Context.parts(ctx).response?.headersSent === true;
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

/** The response that the module wrote as an outcome; undefined when it wrote none. */
function written(ctx: Context): readonly unknown[] | undefined {
  const { response } = Context.parts(ctx);
  const sent = response && Response.written(response);
  return sent && [OUTCOME.response, sent.status, Response.unreported(response, sent.fields), sent.body];
}

/** A handler that set fields but sent nothing answers 204 with them. */
function headersOnly(ctx: Context): readonly unknown[] {
  const fields = responseFields(ctx);
  return fields === '' ? [0] : [OUTCOME.response, 204, fields, ''];
}

/** Fields that were set since the last phase; the gateway keeps those of earlier ones. */
function responseFields(ctx: Context): string {
  const { response } = Context.parts(ctx);
  return response === undefined ? '' : Response.takeFields(response);
}

function requestOutcome(ctx: Context, url: string | undefined): readonly unknown[] {
  const sent = written(ctx);
  if (sent !== undefined) return sent;
  const { request } = Context.parts(ctx);
  const outcome: unknown[] = [0];
  const headers = request && Request.changedFields(request);
  const body = request && Request.writtenBody(request);
  const added = responseFields(ctx);
  let flags = 0;
  const add = (flag: number, value: unknown): void => {
    flags |= flag;
    outcome.push(value);
  };
  if (url !== undefined) add(OUTCOME.upstreamUrl, url);
  if (headers !== undefined) add(OUTCOME.headers, headers);
  if (body !== undefined) add(OUTCOME.body, body);
  if (added !== '') add(OUTCOME.responseHeaders, added);
  outcome[0] = flags;
  return outcome;
}

function responseOutcome(ctx: Context): readonly unknown[] {
  const upstream = Context.parts(ctx).upstream as Upstream;
  const outcome: unknown[] = [0];
  const status = Upstream.changedStatus(upstream);
  const headers = Upstream.changedFields(upstream);
  const body = Upstream.writtenBody(upstream);
  const added = responseFields(ctx);
  let flags = 0;
  const add = (flag: number, value: unknown): void => {
    flags |= flag;
    outcome.push(value);
  };
  if (status !== undefined) add(OUTCOME.status, status);
  if (headers !== undefined) add(OUTCOME.headers, headers);
  if (body !== undefined) add(OUTCOME.body, body);
  if (added !== '') add(OUTCOME.responseHeaders, added);
  outcome[0] = flags;
  return outcome;
}
