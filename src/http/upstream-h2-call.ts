import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import type { RawHeaders } from './exchange.ts';
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from './upstream.ts';
import { type BodyWriterOwner, RequestBodyWriter } from './upstream-body-writer.ts';
import { toResetError } from './upstream-errors.ts';
import { toSafeTrailers } from './upstream-fields.ts';
import { fromHttp2Headers } from './upstream-h2-head.ts';

const NEVER = Number.POSITIVE_INFINITY;

export interface Http2CallOwner {
  readonly origin: string;
  /** Tells that the deadline of a call came to be `at` or earlier. */
  watch(at: number): void;
  /** The peer refused the stream without working on it, and nothing of the body is lost: the call waits for another stream. */
  callRefused(call: Http2Call): void;
  /** The call is over, in whatever way; it holds no stream any more. */
  callEnded(call: Http2Call): void;
}

/** One request on an HTTP/2 stream: full duplex, so that the answer may begin and end before the request does. */
export class Http2Call implements UpstreamCall, BodyWriterOwner {
  readonly request: UpstreamRequest;
  /** The request's field section. */
  readonly fields: OutgoingHttpHeaders;
  readonly handler: UpstreamHandler;
  /** Ms of `performance.now()`. The owner calls `expire` after it. */
  deadline: number;
  readonly #owner: Http2CallOwner;
  #stream: ClientHttp2Stream | undefined;
  #writer: RequestBodyWriter | undefined;
  #forwarded: UpstreamCall | undefined;
  #isOver = false;
  #hasHead = false;
  #isWritten = false;
  #error: unknown;
  #contentLength: number | undefined;
  #received = 0;
  #trailers: RawHeaders = [];
  /** Whether the peer may have worked on the stream, which it says itself: REFUSED_STREAM, or a GOAWAY with a lower id. */
  #wasRefused = false;
  #refusals = 0;

  constructor(request: UpstreamRequest, fields: OutgoingHttpHeaders, handler: UpstreamHandler, owner: Http2CallOwner) {
    this.request = request;
    this.fields = fields;
    this.handler = handler;
    this.#owner = owner;
    this.deadline = deadlineAfter(request.headTimeoutMs);
    owner.watch(this.deadline);
  }

  get streamId(): number {
    return this.#stream?.id ?? 0;
  }

  /** The peer will not work on this call (GOAWAY): any method may be sent again. */
  markRefused(): void {
    this.#wasRefused = true;
  }

  /** Takes the stream that was opened with `fields` and sends the body. */
  start(stream: ClientHttp2Stream): void {
    const { body, contentLength } = this.request;
    this.#stream = stream;
    stream.on('headers', (headers, _flags, raw?: string[]) => this.#onInform(headers, raw ?? []));
    stream.on('response', (headers, flags, raw?: string[]) => this.#onResponse(headers, flags, raw ?? []));
    stream.on('trailers', (_headers, _flags, raw?: string[]) => {
      this.#trailers = toSafeTrailers(fromHttp2Headers(raw ?? []).headers);
    });
    stream.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('drain', this.#onDrain);
    stream.on('error', (error) => {
      this.#error = error;
    });
    if (body === undefined) this.#isWritten = true;
    else if (Buffer.isBuffer(body)) {
      this.#isWritten = true;
      stream.end(body);
    } else {
      this.#writer = new RequestBodyWriter(stream, body, { length: contentLength, isChunked: false }, this);
      this.#writer.start();
      this.#touch();
    }
  }

  /** Hands the call on, which has no stream yet. */
  forwardTo(upstream: Upstream): void {
    this.#isOver = true;
    this.#forwarded = upstream.send(this.request, this.handler);
  }

  abort(): void {
    this.#forwarded?.abort();
    this.#finish(constants.NGHTTP2_CANCEL);
  }

  resume(): void {
    this.#forwarded?.resume();
    if (this.#isOver) return;
    this.#touch();
    this.#stream?.resume();
  }

  fail(error: SekishoError): void {
    if (this.#isOver) return;
    const sent = this.#stream !== undefined && !this.#stream.pending && !this.#wasRefused;
    this.#finish(constants.NGHTTP2_CANCEL);
    this.handler.onError(error, sent);
  }

  expire(): void {
    const { origin } = this.#owner;
    const { headTimeoutMs, idleTimeoutMs } = this.request;
    const detail = this.#hasHead
      ? `No byte of the answer of ${origin} could be passed on for ${idleTimeoutMs} ms.`
      : this.#stream === undefined || this.#isWritten
        ? `${origin} did not answer within ${headTimeoutMs} ms.`
        : `No byte of the request body could be passed to ${origin} for ${idleTimeoutMs || headTimeoutMs} ms.`;
    this.fail(new SekishoError('UPSTREAM_TIMEOUT', detail));
  }

  bodyProgressed(): void {
    this.#touch();
  }

  bodyDone(): void {
    this.#isWritten = true;
    this.#writer = undefined;
    this.#stream?.end();
    if (!this.#hasHead) this.#setDeadline(deadlineAfter(this.request.headTimeoutMs));
  }

  bodyFailed(error: SekishoError): void {
    this.#writer = undefined;
    this.fail(error);
  }

  #onInform(headers: IncomingHttpHeaders & IncomingHttpStatusHeader, raw: readonly string[]): void {
    const status = Number(headers[':status']);
    if (!this.#isOver && status !== 100) this.#guard(() => this.handler.onInform(status, fromHttp2Headers(raw).headers));
  }

  #onResponse(headers: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number, raw: readonly string[]): void {
    if (this.#isOver) return;
    const status = Number(headers[':status']);
    const fields = fromHttp2Headers(raw);
    const isBodyless = this.request.method === 'HEAD' || status === 204 || status === 304;
    const hasBody = !isBodyless && (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    this.#hasHead = true;
    this.#contentLength = hasBody ? fields.contentLength : undefined;
    this.#touch();
    this.#guard(() => {
      this.handler.onHead(status, '', fields.headers, status === 204 ? undefined : fields.contentLength, hasBody, 'HTTP/2.0');
      if (!hasBody && !this.#isOver) this.#complete();
    });
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return;
    this.#received += chunk.length;
    this.#touch();
    this.#guard(() => {
      if (!this.handler.onData(chunk)) this.#stream?.pause();
    });
  };

  readonly #onEnd = (): void => {
    if (this.#isOver || !this.#hasHead) return;
    // A reset with NO_ERROR looks like an end.
    if (this.#contentLength !== undefined && this.#received !== this.#contentLength) this.#lose();
    else this.#guard(() => this.#complete());
  };

  readonly #onClose = (): void => {
    if (!this.#isOver) this.#lose();
  };

  readonly #onDrain = (): void => {
    this.#writer?.drained();
    this.#touch();
  };

  #lose(): void {
    if (this.#stream?.rstCode === constants.NGHTTP2_REFUSED_STREAM) this.#wasRefused = true;
    if (
      this.#wasRefused &&
      this.#refusals === 0 &&
      !this.#hasHead &&
      (this.request.body === undefined || Buffer.isBuffer(this.request.body))
    ) {
      this.#refusals += 1;
      this.#wasRefused = false;
      this.#stream = undefined;
      this.#error = undefined;
      this.#owner.callRefused(this);
      return;
    }
    this.fail(toResetError(this.#error, this.#owner.origin, this.#hasHead ? 'before its answer was complete' : 'before it answered'));
  }

  #complete(): void {
    const trailers = this.#trailers;
    // What is left of the request is of no use to a peer that has answered completely (RFC 9113 8.1).
    this.#finish(this.#isWritten ? undefined : constants.NGHTTP2_NO_ERROR);
    this.handler.onEnd(trailers);
  }

  #finish(resetCode: number | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.deadline = NEVER;
    this.#writer?.stop();
    this.#writer = undefined;
    const stream = this.#stream;
    if (stream !== undefined) {
      if (resetCode !== undefined) stream.close(resetCode);
      stream.resume();
    }
    this.#owner.callEnded(this);
  }

  #guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.fail(toSekishoError(error));
    }
  }

  #touch(): void {
    if (this.#isOver || (!this.#hasHead && this.#isWritten)) return;
    const { headTimeoutMs, idleTimeoutMs } = this.request;
    this.#setDeadline(deadlineAfter(this.#hasHead ? idleTimeoutMs : idleTimeoutMs || headTimeoutMs));
  }

  #setDeadline(at: number): void {
    this.deadline = at;
    this.#owner.watch(at);
  }
}

function deadlineAfter(timeoutMs: number): number {
  return timeoutMs > 0 ? performance.now() + timeoutMs : NEVER;
}
