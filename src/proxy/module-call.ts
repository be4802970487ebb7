import { performance } from 'node:perf_hooks';
import type { Namespace, Route, Service } from '../entity/types.ts';
import type { Exchange, RawHeaders } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';
import type { HandlerOutcome, Invocation, ModuleRequest, ModuleResponse, PhaseFailure, Program } from '../runtime/types.ts';
import { sendProblem, toProblemAnswer } from './answers.ts';
import { type CompiledPath, type Destination, toDestination } from './compiled-route.ts';
import { parseServiceTarget } from './compiled-service.ts';
import { type AnswerFilter, type AnswerHead, Forward } from './forward.ts';
import type { HeldBody } from './held-body.ts';
import { decodeParam } from './path-tree.ts';
import type { ProxyContext } from './proxy-context.ts';
import { RequestBody } from './request-body.ts';
import type { RequestRecord } from './request-record.ts';
import { traceIdOf } from './trace-context.ts';

export interface ModuleCallOptions {
  readonly context: ProxyContext;
  readonly exchange: Exchange;
  readonly record: RequestRecord;
  readonly path: CompiledPath;
  readonly program: Program;
  /** Values of the path's params, as matched. */
  readonly values: readonly string[];
  readonly answerFields: readonly string[];
}

/** One request on a route with modules: runs the hooks around the upstream call, or lets `requestHandler` answer. */
export class ModuleCall implements ModuleRequest, AnswerFilter {
  readonly #options: ModuleCallOptions;
  readonly #exchange: Exchange;
  readonly #body: RequestBody;
  readonly #invocation: Invocation;
  #forward: Forward | undefined;
  #held: HeldBody | undefined;
  #answerFields: readonly string[];
  #over = false;

  constructor(options: ModuleCallOptions) {
    this.#options = options;
    this.#exchange = options.exchange;
    this.#answerFields = options.answerFields;
    this.#body = new RequestBody(options.exchange);
    this.#invocation = options.program.begin(this);
  }

  /** Service routes: fetchUpstream and requestModifier, upstream, responseModifier or errorHandler. */
  async serveUpstream(): Promise<void> {
    const { program, path } = this.#options;
    let fields: readonly string[] = this.#exchange.headers;
    let written: Buffer | undefined;
    let destination: Destination | undefined;
    if (program.hooks.has('fetchUpstream') || program.hooks.has('requestModifier')) {
      const outcome = await this.#timed(this.#invocation.request());
      if (this.#over) return;
      if (outcome.responseHeaders !== undefined) this.#answerFields = [...this.#answerFields, ...outcome.responseHeaders];
      if (outcome.failure !== undefined) return this.#fail(outcome.failure);
      if (outcome.response !== undefined) return this.#answer(outcome.response);
      fields = outcome.headers ?? fields;
      written = outcome.body;
      destination = this.#chosen(outcome.upstreamUrl);
      if (destination === undefined && (program.hooks.has('fetchUpstream') || path.destinations.length === 0)) {
        return this.#fail({ hook: 'fetchUpstream', error: new SekishoError('SERVICE_EMPTY', 'The service has no usable URL.') });
      }
    }
    this.#forward = this.#prepare(fields, written, destination);
    this.#forward.start();
  }

  /** Handler routes: requestModifier and requestHandler. */
  async serveHandler(): Promise<void> {
    this.#options.record.traceId = traceIdOf(this.#exchange.headers);
    const outcome = await this.#timed(this.#invocation.handle());
    if (this.#over) return;
    if (outcome.response !== undefined) return this.#answer(outcome.response);
    if (outcome.failure !== undefined) return this.#fail(outcome.failure);
    this.#answer({ status: 204, headers: [], body: Buffer.alloc(0) });
  }

  cancel(): void {
    this.#forward?.cancel();
    this.end();
  }

  /** The exchange is finished, well or not. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#invocation.end();
  }

  onAnswer(head: AnswerHead, body: HeldBody): void {
    if (!this.#options.program.hooks.has('responseModifier')) {
      this.#forward?.relay(head);
      return;
    }
    this.#held = body;
    void this.#modifyAnswer(head);
  }

  onFailure(error: SekishoError): void {
    if (this.#options.program.hooks.has('errorHandler')) void this.#handleError(error);
    else sendProblem(this.#exchange, this.#options.record, error, this.#answerFields);
  }

  async #modifyAnswer(head: AnswerHead): Promise<void> {
    const { status, reason, headers, protocol, contentLength = -1 } = head;
    const outcome = await this.#timed(this.#invocation.response({ status, reason, headers, protocol, contentLength }));
    if (this.#over || this.#forward === undefined) return;
    if (outcome.failure !== undefined && outcome.response === undefined) {
      const error = toClientError(outcome.failure, this.#options.program.module);
      this.#options.record.error = error;
      const { head: problem, body } = toProblemAnswer(error);
      this.#forward.replace(problem, body);
      return;
    }
    if (outcome.response !== undefined) {
      const { status: code, headers: written, body } = outcome.response;
      this.#forward.replace({ ...head, status: code, reason: '', headers: written, contentLength: body.length }, body);
      return;
    }
    const extra = outcome.responseHeaders ?? [];
    const changed = {
      ...head,
      status: outcome.status ?? status,
      reason: outcome.status === undefined ? reason : '',
      headers: extra.length === 0 ? (outcome.headers ?? headers) : [...(outcome.headers ?? headers), ...extra],
    };
    if (outcome.body === undefined) this.#forward.relay(changed);
    else this.#forward.replace({ ...changed, contentLength: outcome.body.length }, outcome.body);
  }

  async #handleError(error: SekishoError): Promise<void> {
    const outcome: HandlerOutcome = await this.#timed(this.#invocation.error(error));
    if (this.#over) return;
    if (outcome.response !== undefined) {
      this.#options.record.error = error;
      this.#answer(outcome.response);
    } else if (outcome.failure !== undefined && outcome.failure.hook === 'errorHandler') {
      this.#fail(outcome.failure);
    } else {
      sendProblem(this.#exchange, this.#options.record, error, this.#answerFields);
    }
  }

  #prepare(fields: readonly string[], written: Buffer | undefined, destination: Destination | undefined): Forward {
    const { context, record, path } = this.#options;
    const { body, contentLength } = written === undefined ? this.#body.forward() : { body: written, contentLength: written.length };
    return new Forward({
      context,
      exchange: this.#exchange,
      record,
      path,
      fields: context.upstreamFields(this.#exchange, fields, path.route, record),
      body,
      contentLength,
      ...(destination !== undefined && { destination }),
      filter: this,
      answerFields: this.#answerFields,
    });
  }

  /** The destination of a URL that fetchUpstream gave: one of the service's, or one of its own making. */
  #chosen(url: string | undefined): Destination | undefined {
    const { path, context } = this.#options;
    const service = path.route.service;
    if (url === undefined || url === '' || service === undefined) return undefined;
    const known = path.destinations.find(({ target }) => target.url === url);
    if (known !== undefined) return known;
    try {
      const absolute = url.includes('://') ? url : `http://${url}`;
      return toDestination(parseServiceTarget(absolute, service.service, context.serviceDefaults), path.pattern, path.route.route, service);
    } catch {
      return undefined;
    }
  }

  #answer(response: ModuleResponse): void {
    this.#options.record.status = response.status;
    const headers = [...this.#answerFields, ...response.headers];
    this.#options.context.debug?.append(this.#exchange, this.#options.record, this.#options.path, headers);
    this.#exchange.respond({ status: response.status, headers }, response.body);
  }

  #fail(failure: PhaseFailure): void {
    sendProblem(this.#exchange, this.#options.record, toClientError(failure, this.#options.program.module), this.#answerFields);
  }

  async #timed<T>(phase: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const outcome = await phase;
    this.#options.record.moduleMs += performance.now() - startedAt;
    return outcome;
  }

  get id(): string {
    return this.#options.record.id;
  }
  get method(): string {
    return this.#exchange.method;
  }
  get path(): string {
    return this.#exchange.path;
  }
  get query(): string {
    return this.#exchange.query;
  }
  get host(): string {
    return this.#exchange.authority;
  }
  get version(): string {
    return this.#exchange.version;
  }
  get headers(): RawHeaders {
    return this.#exchange.headers;
  }
  get remoteAddress(): string {
    return this.#options.context.trust.clientAddress(this.#exchange);
  }
  get isTls(): boolean {
    return this.#exchange.isTls;
  }
  get contentLength(): number {
    return this.#exchange.body === undefined ? 0 : (this.#exchange.contentLength ?? -1);
  }
  get pathParams(): readonly string[] {
    const { path, values } = this.#options;
    return path.names.flatMap((name, i) => [name, decodeParam(values[i] ?? '')]);
  }
  get route(): Route {
    return this.#options.path.route.route;
  }
  get service(): Service | undefined {
    return this.#options.path.route.service?.service;
  }
  get namespace(): Namespace {
    return this.#options.path.route.namespace;
  }

  readRequestBody(maxBytes: number): Promise<Buffer> {
    return this.#body.read(maxBytes);
  }

  readUpstreamBody(maxBytes: number): Promise<Buffer> {
    if (this.#held === undefined)
      return Promise.reject(new SekishoError('MODULE_HOOK_FAILED', 'There is no upstream response to read yet.'));
    return this.#held.collect(maxBytes);
  }
}

/** What the client learns of a failed hook: which code, never the module's own text. */
function toClientError({ hook, error }: PhaseFailure, module: string): SekishoError {
  if (error.code !== 'MODULE_FAILED') return error;
  const code = hook === 'requestHandler' || hook === 'responseModifier' ? 'MODULE_FAILED' : 'MODULE_HOOK_FAILED';
  return new SekishoError(
    code,
    `${code === 'MODULE_FAILED' ? 'Bad Gateway: ' : ''}${hook} of the module "${module}" failed; the log has the error under this id.`,
    { cause: error },
  );
}
