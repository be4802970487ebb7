import { SekishoError, toSekishoError } from '../lib/errors.ts';
import { type ModulePhaseName, observe } from '../lib/event.ts';
import type { PendingPhase, ThreadHost } from './host.ts';
import type { CallBodies } from './host-calls.ts';
import { NOTHING, type Outcome } from './outcome.ts';
import type { LoadedProgram } from './program.ts';
import type { HandlerOutcome, Hook, Invocation, ModuleRequest, RequestOutcome, ResponseOutcome, UpstreamResponse } from './types.ts';
import { BODY, joinFields, PHASE } from './wire.ts';

/** The gateway's part of one request in a program; see `Invocation`. */
export function createInvocation(program: LoadedProgram, request: ModuleRequest): Invocation {
  return new RequestInvocation(program, request);
}

class RequestInvocation implements Invocation, CallBodies {
  readonly #program: LoadedProgram;
  readonly #request: ModuleRequest;
  /** 0 until the first phase runs. */
  #inv = 0;
  #seq = 0;
  #leftovers = false;
  #started = false;
  #ended = false;
  /** The thread that knows this request. */
  #host: ThreadHost | undefined;
  #requestBody: Promise<Buffer> | undefined;
  #upstreamBody: Promise<Buffer> | undefined;

  constructor(program: LoadedProgram, request: ModuleRequest) {
    this.#program = program;
    this.#request = request;
  }

  request(): Promise<RequestOutcome> {
    const { hooks } = this.#program;
    if (!hooks.has('fetchUpstream') && !hooks.has('requestModifier')) return Promise.resolve(NOTHING);
    return this.#run('request', hooks.has('fetchUpstream') ? 'fetchUpstream' : 'requestModifier', []);
  }

  handle(): Promise<HandlerOutcome> {
    const { hooks } = this.#program;
    if (!hooks.has('requestHandler') && !hooks.has('requestModifier')) return Promise.resolve(NOTHING);
    return this.#run('handle', 'requestHandler', []);
  }

  async response(head: UpstreamResponse): Promise<ResponseOutcome> {
    if (!this.#program.hooks.has('responseModifier')) return NOTHING;
    const body = await this.#prefetchUpstreamBody(head);
    return await this.#run('response', 'responseModifier', [
      head.status,
      head.reason,
      joinFields(head.headers),
      head.protocol,
      head.contentLength,
      body,
    ]);
  }

  async error(error: SekishoError): Promise<HandlerOutcome> {
    const unhandled = { failure: { hook: 'errorHandler', error } } as const;
    if (!this.#program.hooks.has('errorHandler')) return unhandled;
    const outcome = await this.#run('error', 'errorHandler', [error.message, error.code]);
    return outcome.response === undefined && outcome.failure === undefined ? unhandled : outcome;
  }

  end(): void {
    if (this.#inv !== 0) this.#host?.end(this.#inv, this.#leftovers);
    this.#host = undefined;
    if (this.#started && !this.#ended) this.#program.finish();
    this.#ended = true;
  }

  readRequestBody(): Promise<Buffer> {
    this.#program.wantsRequestBody = true;
    this.#requestBody ??= this.#request.readRequestBody(this.#program.limits.maxBodyBytes);
    return this.#requestBody;
  }

  readUpstreamBody(): Promise<Buffer> {
    this.#program.wantsUpstreamBody = true;
    this.#upstreamBody ??= this.#request.readUpstreamBody(this.#program.limits.maxBodyBytes);
    return this.#upstreamBody;
  }

  async #run(phase: ModulePhaseName, hook: Hook, fields: readonly unknown[]): Promise<Outcome> {
    const program = this.#program;
    const started = performance.now();
    if (!this.#started) {
      this.#started = true;
      program.start();
    }
    const refused = program.enter();
    if (refused !== undefined) return this.#finish(phase, started, { failure: { hook, error: refused } });
    try {
      const body = this.#host === undefined ? await this.#knownBody() : BODY.ask;
      const host = program.host ?? (await program.thread());
      return this.#finish(phase, started, await this.#send(host, phase, hook, body, fields));
    } catch (error) {
      return this.#finish(phase, started, { failure: { hook, error: asCallError(error) } });
    } finally {
      program.leave();
    }
  }

  #send(host: ThreadHost, phase: ModulePhaseName, hook: Hook, body: Uint8Array | number, fields: readonly unknown[]): Promise<Outcome> {
    const isNew = this.#host !== host;
    if (isNew) {
      const inv = host.open();
      if (inv === undefined) throw new SekishoError('MODULE_BUSY', 'The module has too many requests.');
      this.#inv = inv;
      this.#host = host;
    }
    this.#seq += 1;
    const begin = isNew ? this.#beginFields(host, body) : [];
    return new Promise((resolve) => {
      const pending: PendingPhase = {
        inv: this.#inv,
        seq: this.#seq,
        bodies: this,
        deadlineAt: performance.now() + this.#program.limits.timeoutMs,
        expired: false,
        settle: (outcome, leftovers) => {
          this.#leftovers = leftovers;
          resolve(outcome);
        },
        fail: (error) => {
          this.#leftovers = true;
          resolve({ failure: { hook, error } });
        },
      };
      host.run(pending, [PHASE[phase], isNew ? 1 : 0, ...begin, ...fields]);
    });
  }

  #beginFields(host: ThreadHost, body: Uint8Array | number): readonly unknown[] {
    const request = this.#request;
    return [
      request.id,
      request.method,
      request.path,
      request.query,
      request.host,
      request.version,
      joinFields(request.headers),
      request.remoteAddress,
      request.isTls,
      request.contentLength,
      request.pathParams,
      host.routeId(request),
      body,
    ];
  }

  /** Reading a body blocks the thread, so that programs which do it get it beforehand. gRPC streams may have no end. */
  async #knownBody(): Promise<Uint8Array | number> {
    const { contentLength } = this.#request;
    if (contentLength === 0) return BODY.none;
    const { limits, wantsRequestBody } = this.#program;
    if (contentLength > limits.maxBodyBytes) return BODY.tooLarge;
    if (!wantsRequestBody || this.#isGrpc()) return BODY.ask;
    try {
      return new Uint8Array(await this.readRequestBody());
    } catch (error) {
      if (error instanceof SekishoError && error.code === 'MODULE_BODY_TOO_LARGE') return BODY.tooLarge;
      throw error;
    }
  }

  async #prefetchUpstreamBody(head: UpstreamResponse): Promise<Uint8Array | undefined> {
    const { limits, wantsUpstreamBody } = this.#program;
    if (!wantsUpstreamBody || head.contentLength < 0 || head.contentLength > limits.maxBodyBytes) return undefined;
    try {
      return new Uint8Array(await this.readUpstreamBody());
    } catch {
      // The module learns of it when it reads.
      return undefined;
    }
  }

  #isGrpc(): boolean {
    const { headers } = this.#request;
    for (let i = 0; i < headers.length; i += 2)
      if (headers[i]?.toLowerCase() === 'content-type') return headers[i + 1]?.startsWith('application/grpc') === true;
    return false;
  }

  #finish(phase: ModulePhaseName, started: number, outcome: Outcome): Outcome {
    const { namespace, module } = this.#program;
    const code = outcome.failure?.error.code;
    observe({
      type: 'module.called',
      namespace,
      module,
      route: this.#request.route.name,
      phase,
      outcome: code === undefined ? 'ok' : (RESULTS[code] ?? 'failed'),
      durationMs: performance.now() - started,
    });
    return outcome;
  }
}

const RESULTS: Readonly<Partial<Record<SekishoError['code'], 'timeout' | 'crashed' | 'refused'>>> = {
  MODULE_TIMEOUT: 'timeout',
  MODULE_CRASHED: 'crashed',
  MODULE_QUARANTINED: 'refused',
  MODULE_BUSY: 'refused',
};

/** A thread that does not load when it is started again is a crash to the request; the reason is in the log. */
function asCallError(error: unknown): SekishoError {
  const known = toSekishoError(error);
  return known.code === 'MODULE_LOAD'
    ? new SekishoError('MODULE_CRASHED', 'The thread of the module could not be started again.', { cause: known })
    : known;
}
