import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Duplex, Readable } from 'node:stream';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { isEventStream } from './event-stream.ts';
import type { Exchange, RawHeaders, ResponseHead } from './exchange.ts';
import type { H2Connection } from './h2-connection.ts';
import { toH2Fields, toH2Trailers } from './h2-head.ts';
import type { GuardedHead } from './head-guard.ts';
import { problemHead } from './problem-answer.ts';
import { isBodiless } from './response-head-writer.ts';
import { countStreamed } from './streamed-bytes.ts';

/**
 * How long the rest of a body that nobody wants is read behind the answer before the stream is stopped without an error (RFC 9113 8.1).
 * Not at once: often only its end is missing, and clients take a reset for a broken answer.
 */
const LINGER_MS = 2000;

/** An exchange over one stream of HTTP/2. There is no upgrade: the protocol has no 101. */
export class ExchangeH2 implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly version = '2.0';
  readonly host: string;
  readonly authority: string;
  readonly headers: RawHeaders;
  readonly isTls: boolean;
  readonly remoteAddress: string;
  readonly listener: string;
  readonly contentLength: number | undefined;
  readonly upgrade = undefined;
  headSent = false;
  aborted = false;
  bodyAtMs: number;
  bodyBytes = 0;

  readonly #connection: H2Connection;
  readonly #stream: ServerHttp2Stream;
  readonly #hasBody: boolean;
  #awaitsContinue: boolean;
  #isOpen = true;
  #isEventStream = false;
  #heldFields: string[] | undefined = undefined;
  #isBodiless = false;
  #sentBytes = 0;
  #queuedAtMs = 0;
  #queuedBytes = 0;
  #trailers: RawHeaders | undefined = undefined;
  #onDrain: (() => void) | undefined = undefined;
  #onAbort: (() => void) | undefined = undefined;
  #onFinish: ((responseBytes: number) => void) | undefined = undefined;

  constructor(connection: H2Connection, stream: ServerHttp2Stream, method: string, head: GuardedHead, hasBody: boolean) {
    this.#connection = connection;
    this.#stream = stream;
    this.method = method;
    this.target = head.target;
    this.path = head.path;
    this.query = head.query;
    this.host = head.host;
    this.authority = head.authority;
    this.headers = head.headers;
    this.contentLength = head.contentLength;
    this.isTls = connection.isTls;
    this.remoteAddress = connection.remoteAddress;
    this.listener = connection.listener;
    this.bodyAtMs = connection.state.nowMs;
    this.#hasBody = hasBody;
    this.#awaitsContinue = hasBody && head.expectContinue;
    if (hasBody) this.#watchBody();
    stream.on('drain', () => this.#onDrain?.());
    stream.on('wantTrailers', () => this.#sendTrailers());
    // A reset or a lost connection ends a stream with `close`; `error` only adds the reason.
    stream.on('error', ignore);
    stream.on('close', () => this.#onClose());
  }

  get body(): Readable | undefined {
    return this.#hasBody ? this.#stream : undefined;
  }

  respond(head: ResponseHead, body?: Buffer | string): void {
    if (!this.#canWrite || this.headSent) return;
    const chunk = typeof body === 'string' ? Buffer.from(body) : body;
    const isHead = this.method === 'HEAD';
    const fields = this.#fields(head, chunk === undefined ? (isHead ? -1 : 0) : chunk.length);
    if (fields === undefined) return;
    const isEmpty = this.#isBodiless || chunk === undefined || chunk.length === 0;
    this.#sendHead(fields, isEmpty, false);
    if (!isEmpty) {
      this.#sentBytes = chunk.length;
      this.#stream.end(chunk);
    }
    this.#complete();
  }

  begin(head: ResponseHead): void {
    if (!this.#canWrite || this.headSent) return;
    const fields = this.#fields(head, -1);
    if (fields !== undefined) this.#heldFields = fields;
    this.headSent = true;
    this.#isEventStream = isEventStream(head.headers);
  }

  /** Ends an answer of server-sent events, whose client comes again; others go on to their end. */
  announceEnd(): void {
    if (!this.#isOpen || !this.#isEventStream) return;
    const onAbort = this.#onAbort;
    this.#onAbort = undefined;
    this.end();
    onAbort?.();
  }

  inform(status: number, headers: RawHeaders): void {
    if (!this.#canWrite || this.headSent || status < 100 || status > 199 || status === 101) return;
    if (status === 100) this.#awaitsContinue = false;
    this.#stream.additionalHeaders({ ':status': status, ...toH2Trailers(headers) });
  }

  write(chunk: Buffer): boolean {
    if (!this.#canWrite || this.#isBodiless || chunk.length === 0) return true;
    this.flush();
    this.#sentBytes += chunk.length;
    countStreamed(chunk.length);
    return this.#stream.write(chunk);
  }

  flush(): void {
    const fields = this.#heldFields;
    if (fields === undefined || !this.#canWrite) return;
    this.#heldFields = undefined;
    this.#sendHead(fields, this.#isBodiless, true);
  }

  end(trailers?: RawHeaders): void {
    if (!this.#canWrite || !this.headSent) return;
    const fields = this.#heldFields;
    if (fields !== undefined && (trailers === undefined || trailers.length === 0)) {
      this.#heldFields = undefined;
      this.#sendHead(fields, true, false);
    } else {
      this.#trailers = trailers;
      this.flush();
      this.#stream.end();
    }
    this.#complete();
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  onAbort(listener: () => void): void {
    const before = this.#onAbort;
    this.#onAbort =
      before === undefined
        ? listener
        : () => {
            before();
            listener();
          };
  }

  onFinish(listener: (responseBytes: number) => void): void {
    this.#onFinish = listener;
  }

  tunnel(_head: ResponseHead, peer: Duplex): void {
    peer.destroy();
    this.destroy();
  }

  destroy(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    this.#end(false);
  }

  /** Called about once a second: ends the exchange when its body stalls in either direction. */
  sweep(nowMs: number): void {
    const { limits } = this.#connection.state;
    const stream = this.#stream;
    if (this.#isStalled(nowMs, limits.bodyIdleTimeoutMs)) {
      stream.close(constants.NGHTTP2_CANCEL);
      return;
    }
    if (!this.#owesBody) return;
    if (!this.#isOpen) {
      if (nowMs - this.bodyAtMs >= LINGER_MS) stream.close(constants.NGHTTP2_NO_ERROR);
      return;
    }
    if (this.#awaitsContinue || stream.readableLength > 0) return;
    const limitMs = this.bodyBytes === 0 ? limits.bodyStartTimeoutMs : limits.bodyIdleTimeoutMs;
    if (nowMs - this.bodyAtMs >= limitMs)
      this.refuse(new SekishoError('REQUEST_TIMEOUT', `No byte of the request body came for ${limitMs} ms.`));
  }

  /** Answers `error` if that is still possible, else resets the stream; whoever serves the exchange hears of an abort. */
  refuse(error: SekishoError): void {
    if (!this.#isOpen) return;
    const onAbort = this.#onAbort;
    this.#onAbort = undefined;
    this.aborted = true;
    if (this.headSent) this.#stream.close(constants.NGHTTP2_CANCEL);
    else {
      const { head, body } = problemHead(error);
      this.respond(head, body);
    }
    onAbort?.();
  }

  get #owesBody(): boolean {
    return this.#hasBody && !this.#stream.readableEnded && !this.#stream.destroyed && !this.#stream.endAfterHeaders;
  }

  get #canWrite(): boolean {
    return this.#isOpen && !this.#stream.destroyed && !this.#stream.closed;
  }

  /** Notes progress and sends `100 Continue` when the body is read, by looking in at the two calls that every read goes through. */
  #watchBody(): void {
    const stream = this.#stream;
    const push = stream.push;
    stream.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
      if (chunk !== null) {
        this.bodyBytes += chunk.length;
        if (this.#isOpen) this.bodyAtMs = this.#connection.state.nowMs;
      }
      return push.call(stream, chunk, encoding);
    };
    if (!this.#awaitsContinue) return;
    const read = stream._read;
    stream._read = (size: number): void => {
      if (this.#awaitsContinue && !this.headSent && this.#canWrite) this.inform(100, []);
      read.call(stream, size);
    };
  }

  #fields(head: ResponseHead, bodyLength: number): string[] | undefined {
    const isHead = this.method === 'HEAD';
    const fields = toH2Fields(head, bodyLength, isHead);
    this.#isBodiless = isBodiless(head.status, isHead);
    if (fields !== undefined) return fields;
    const error = new SekishoError('INTERNAL', `An answer with status ${head.status} had a field that HTTP cannot carry; it was not sent.`);
    observe({ type: 'error', error, where: 'http' });
    const problem = problemHead(error);
    this.respond(problem.head, problem.body);
    return undefined;
  }

  #sendHead(fields: string[], isEnd: boolean, mayHaveTrailers: boolean): void {
    this.headSent = true;
    try {
      this.#stream.respond(fields, { endStream: isEnd, waitForTrailers: mayHaveTrailers && !isEnd });
    } catch (cause) {
      observe({ type: 'error', error: new SekishoError('INTERNAL', 'An HTTP/2 answer could not be sent.', { cause }), where: 'http' });
      this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    }
  }

  #sendTrailers(): void {
    if (this.#stream.destroyed || this.#stream.closed) return;
    // Without trailers this sends the empty DATA frame that ends the stream.
    this.#stream.sendTrailers(toH2Trailers(this.#trailers ?? []));
  }

  #complete(): void {
    if (this.#owesBody) this.#stream.resume();
    this.bodyAtMs = this.#connection.state.nowMs;
    this.#end(false);
  }

  #isStalled(nowMs: number, limitMs: number): boolean {
    const queued = this.#stream.writableLength;
    if (queued !== this.#queuedBytes || queued === 0) {
      this.#queuedBytes = queued;
      this.#queuedAtMs = nowMs;
    }
    return queued > 0 && nowMs - this.#queuedAtMs >= limitMs;
  }

  #onClose(): void {
    this.#connection.onStreamClose(this);
    this.#end(true);
  }

  #end(isAbort: boolean): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#heldFields = undefined;
    const onAbort = this.#onAbort;
    const onFinish = this.#onFinish;
    this.#onAbort = this.#onFinish = this.#onDrain = undefined;
    if (isAbort) {
      this.aborted = true;
      onAbort?.();
    }
    onFinish?.(this.#sentBytes);
    this.#connection.onExchangeEnd();
  }
}

function ignore(): void {}
