import { performance } from 'node:perf_hooks';
import type { Duplex, Readable } from 'node:stream';
import type { Exchange, RawHeaders } from '../http/exchange.ts';
import type { UpstreamCall, UpstreamHandler } from '../http/upstream.ts';
import type { SekishoError } from '../lib/errors.ts';
import { sendProblem } from './answers.ts';
import type { CompiledPath, Destination } from './compiled-route.ts';
import type { HeadFlusher } from './head-flusher.ts';
import { HeldBody } from './held-body.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { RequestRecord } from './request-record.ts';

/** The head of an upstream's answer, before anything of it went to the client. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
  /** Undefined when the answer does not declare it. */
  readonly contentLength: number | undefined;
  readonly protocol: string;
}

/** May step in between the upstream's answer and the client. Without one, answers are relayed as they come. */
export interface AnswerFilter {
  /** The head is there and the body is held back: ends in `relay` or `replace` of the forward. */
  onAnswer(head: AnswerHead, body: HeldBody): void;
  /** No upstream answered; nothing was sent to the client. */
  onFailure(error: SekishoError): void;
}

export interface ForwardOptions {
  readonly context: ProxyContext;
  readonly exchange: Exchange;
  readonly record: RequestRecord;
  readonly path: CompiledPath;
  /** Final fields for the upstream but Host, which depends on the destination. */
  readonly fields: readonly string[];
  readonly body: Buffer | Readable | undefined;
  readonly contentLength: number | undefined;
  /** Where fetchUpstream wants the request; otherwise the service's next URL. */
  readonly destination?: Destination;
  readonly filter?: AnswerFilter;
  /** Fields that every answer of this request gets, besides the upstream's. */
  readonly answerFields: readonly string[];
}

/** Methods that may be sent twice (RFC 9110 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * One request on its way to a service: picks the URL, sends, tries again where that is safe, and relays the answer as it arrives.
 * One object per request and no closures: this is the hot path.
 */
export class Forward implements UpstreamHandler {
  readonly #options: ForwardOptions;
  readonly #exchange: Exchange;
  readonly #record: RequestRecord;
  readonly #answers: HeadFlusher;
  #call: UpstreamCall | undefined;
  #pause: NodeJS.Timeout | undefined;
  #head: AnswerHead | undefined;
  #state: 'waiting' | 'held' | 'head' | 'streaming' | 'done' = 'waiting';
  #held: HeldBody | undefined;
  #awaitsDrain = false;

  constructor(options: ForwardOptions) {
    this.#options = options;
    this.#exchange = options.exchange;
    this.#record = options.record;
    this.#answers = options.context.headFlusher;
  }

  /** Sends the first attempt. */
  start(): void {
    this.#record.upstreamStartedAt = performance.now();
    this.#attempt();
  }

  /** The client is gone: stops whatever is under way. */
  cancel(): void {
    this.#state = 'done';
    if (this.#pause !== undefined) clearTimeout(this.#pause);
    this.#call?.abort();
  }

  #attempt(): void {
    const { context, path, fields, body, contentLength } = this.#options;
    const { route } = path;
    const destination = this.#options.destination ?? nextDestination(path);
    const { target } = destination;
    destination.upstream ??= context.upstreams.get(target.upstream);
    const authority = route.route.preserveHost && this.#exchange.authority !== '' ? this.#exchange.authority : target.authority;
    this.#record.attempts += 1;
    this.#record.upstreamUrl = target.url;
    this.#call = destination.upstream.send(
      {
        method: this.#exchange.method,
        target: destination.write(this.#exchange.path, this.#exchange.query),
        headers: ['Host', authority, ...fields],
        body,
        contentLength,
        upgrade: this.#exchange.upgrade,
        headTimeoutMs: route.service?.headTimeoutMs ?? 0,
        idleTimeoutMs: context.bodyIdleTimeoutMs,
      },
      this,
    );
  }

  onInform(status: number, headers: RawHeaders): void {
    if (this.#exchange.version !== '1.0') this.#exchange.inform(status, headers);
  }

  onHead(status: number, reason: string, headers: RawHeaders, contentLength: number | undefined, hasBody: boolean, protocol: string): void {
    this.#record.upstreamMs = performance.now() - this.#record.upstreamStartedAt;
    this.#head = { status, reason, headers, contentLength, protocol };
    if (this.#options.filter !== undefined) {
      this.#state = 'held';
      this.#held = new HeldBody(() => this.#call?.resume());
      this.#options.filter.onAnswer(this.#head, this.#held);
      return;
    }
    this.#state = 'head';
    // Nearly always the body, or its end, is in the same packet; the head waits for it to share one write.
    if (hasBody) this.#answers.flushSoon(this);
  }

  onData(chunk: Buffer): boolean {
    if (this.#state === 'head') {
      const head = this.#head as AnswerHead;
      if (head.contentLength === chunk.length) {
        this.#state = 'done';
        this.#respondWhole(head, chunk);
        return true;
      }
      this.#begin(head);
    }
    if (this.#state === 'held') {
      return this.#held?.push(chunk) ?? false;
    }
    return this.#state !== 'streaming' || this.#write(chunk);
  }

  onEnd(trailers: RawHeaders): void {
    if (this.#state === 'held') {
      this.#held?.end(trailers);
    } else if (this.#state === 'head') {
      this.#state = 'done';
      if (trailers.length === 0) {
        this.#respondWhole(this.#head as AnswerHead, undefined);
      } else {
        this.#begin(this.#head as AnswerHead);
        this.#state = 'done';
        this.#exchange.end(trailers);
      }
    } else if (this.#state === 'streaming') {
      this.#state = 'done';
      this.#exchange.end(trailers);
    }
  }

  onUpgrade(headers: RawHeaders, socket: Duplex, firstBytes: Buffer): void {
    this.#state = 'done';
    this.#record.status = 101;
    this.#exchange.tunnel({ status: 101, headers: [...headers, ...this.#options.answerFields] }, socket, firstBytes);
  }

  onError(error: SekishoError, sent: boolean): void {
    if (this.#state === 'done') return;
    if (this.#state === 'streaming' || this.#state === 'held') {
      // The client has a head (or a module is at work on it): only breaking off tells it that the body is not whole.
      this.#state = 'done';
      this.#record.error = error;
      this.#held?.fail(error);
      this.#exchange.destroy();
      return;
    }
    const { body, path } = this.#options;
    const service = path.route.service;
    const replayable = !sent || (IDEMPOTENT.has(this.#exchange.method) && (body === undefined || Buffer.isBuffer(body)));
    if (
      replayable &&
      this.#exchange.upgrade === undefined &&
      service !== undefined &&
      this.#record.attempts < service.attempts &&
      this.#state === 'waiting'
    ) {
      if (service.retryPauseMs === 0) setImmediate(() => this.#retry());
      else this.#pause = setTimeout(() => this.#retry(), service.retryPauseMs);
      return;
    }
    this.#state = 'done';
    this.#record.upstreamMs = performance.now() - this.#record.upstreamStartedAt;
    if (this.#options.filter !== undefined) this.#options.filter.onFailure(error);
    else sendProblem(this.#exchange, this.#record, error, this.#options.answerFields);
  }

  /** Sends the held answer, changed or not, and lets the held body go its way. */
  relay(head: AnswerHead): void {
    if (this.#state !== 'held') return;
    this.#head = head;
    this.#begin(head);
    const { chunks = [], trailers } = this.#held ?? {};
    for (const chunk of chunks) this.#write(chunk);
    // Nothing of the body is here yet: the head must not wait for it.
    if (chunks.length === 0 && trailers === undefined) this.#exchange.flush();
    this.#held = undefined;
    if (trailers !== undefined) {
      this.#state = 'done';
      this.#exchange.end(trailers);
    } else if (!this.#awaitsDrain) {
      this.#call?.resume();
    }
  }

  /** Answers with a whole body of our own instead of the held one. */
  replace(head: AnswerHead, body: Buffer): void {
    if (this.#state !== 'held') return;
    if (this.#held?.trailers === undefined) this.#call?.abort();
    this.#state = 'done';
    this.#respondWhole(head, body);
  }

  /** Sends the head that is waiting for its body. */
  flushHead(): void {
    if (this.#state !== 'head') return;
    this.#begin(this.#head as AnswerHead);
    this.#exchange.flush();
  }

  #retry(): void {
    if (this.#state === 'waiting') this.#attempt();
  }

  #begin(head: AnswerHead): void {
    this.#state = 'streaming';
    this.#record.status = head.status;
    const length = head.contentLength;
    const fields = this.#answerFields(head);
    this.#exchange.begin({
      status: head.status,
      reason: head.reason,
      headers: length === undefined ? fields : [...fields, 'Content-Length', String(length)],
    });
  }

  #respondWhole(head: AnswerHead, body: Buffer | undefined): void {
    this.#record.status = head.status;
    const fields = this.#answerFields(head);
    const headers =
      body === undefined && head.contentLength !== undefined ? [...fields, 'Content-Length', String(head.contentLength)] : fields;
    this.#exchange.respond({ status: head.status, reason: head.reason, headers }, body);
  }

  #answerFields(head: AnswerHead): RawHeaders {
    const { context, answerFields, path } = this.#options;
    if (answerFields.length === 0 && context.debug === undefined) return head.headers;
    const fields = [...answerFields, ...head.headers];
    context.debug?.append(this.#exchange, this.#record, path, fields);
    return fields;
  }

  #write(chunk: Buffer): boolean {
    if (this.#exchange.write(chunk)) return true;
    if (!this.#awaitsDrain) {
      this.#awaitsDrain = true;
      this.#exchange.onDrain(() => {
        this.#awaitsDrain = false;
        this.#call?.resume();
      });
    }
    return false;
  }
}

function nextDestination(path: CompiledPath): Destination {
  const { destinations, route } = path;
  const service = route.service;
  if (service === undefined || destinations.length === 1) return destinations[0] as Destination;
  const index = service.next % destinations.length;
  service.next = index + 1;
  return destinations[index] as Destination;
}
