import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import type { ExchangeH1 } from './exchange-h1.ts';
import type { FrontConnection, FrontState } from './front-state.ts';
import type { H1Request } from './h1-request.ts';
import { guardHead } from './head-guard.ts';
import { problemBytes, problemHead } from './problem-answer.ts';
import type { HttpSocket } from './response-slot.ts';
import type { Tunnel } from './tunnel.ts';

/** Pipelined requests that wait for their turn; a client that sends more gets the answers of these and a closed connection. */
const MAX_PIPELINED = 100;
/** How long a connection that is closed in the middle of a request is still read, so that the client sees the answer and not a reset. */
const LINGER_MS = 2000;
const MAX_LINGER_BYTES = 1_048_576;

/**
 * One HTTP/1 connection: opens its exchanges strictly one after the other (RFC 9112 9.3.2 allows less only for safe methods), and ends it
 * exactly once, in whatever way it fails.
 */
export class H1Connection implements FrontConnection {
  readonly socket: HttpSocket;
  readonly state: FrontState;
  readonly listener: string;
  readonly isTls: boolean;
  readonly remoteAddress: string;
  tunnel: Tunnel | undefined = undefined;
  #current: ExchangeH1 | undefined = undefined;
  readonly #waiting: ExchangeH1[] = [];
  /** The last request, answered before its body was complete. */
  #unfinished: H1Request | undefined = undefined;
  /** No further request is taken from this connection: bytes behind the one that ended it were judged by nobody. */
  #isClosing = false;
  #failure: SekishoError | undefined = undefined;
  #lingerUntilMs = 0;
  #lingerFromBytes = 0;
  #progressBytes = 0;
  #progressAtMs: number;
  #queuedBytes = 0;
  #queuedAtMs = 0;

  constructor(socket: HttpSocket, state: FrontState, listener: string, isTls: boolean, remoteAddress: string) {
    this.socket = socket;
    this.state = state;
    this.listener = listener;
    this.isTls = isTls;
    this.remoteAddress = remoteAddress;
    this.#progressAtMs = state.nowMs;
    state.connectionSet.add(this);
    socket.on('drain', () => this.#current?.drained());
    socket.on('close', () => this.#onClose());
  }

  /** True when answers must say `Connection: close`. */
  get mustClose(): boolean {
    return this.state.isDraining || (this.#isClosing && this.#failure === undefined && this.#waiting.length === 0);
  }

  /** True when it closes behind its answer, whether that said so or not. A client may have sent its next request already. */
  get closesNow(): boolean {
    return this.state.closesIdle || (this.#isClosing && this.#failure === undefined && this.#waiting.length === 0);
  }

  /** A request's head has arrived; its turn may be later. */
  onRequest(exchange: ExchangeH1): void {
    if (this.#isClosing) return;
    if (exchange.request.judged !== undefined) {
      // It asked for an upgrade, so node's parser has stopped here: granted or not, what follows is no request that could be trusted.
      this.#isClosing = true;
      exchange.shouldKeepAlive = false;
    }
    if (this.#current === undefined) {
      this.#open(exchange);
      return;
    }
    this.#waiting.push(exchange);
    if (this.#waiting.length >= MAX_PIPELINED) this.#isClosing = true;
    // As node's server does itself when answers pile up: it stops the parser behind the bytes it has.
    this.socket._paused = true;
    this.socket.pause();
  }

  /** The parser gave up, or a request took too long to arrive: `error` is the answer, behind those that are still owed. */
  fail(error: SekishoError): void {
    if (this.#failure !== undefined || this.tunnel !== undefined || this.#lingerUntilMs > 0) return;
    const current = this.#current;
    this.#failure = error;
    this.#isClosing = true;
    if (current === undefined) this.#answerFailure();
    else if (current.hasBody && !current.request.complete) {
      this.#report(error, current);
      current.refuse(error);
    }
  }

  onExchangeEnd(exchange: ExchangeH1): void {
    if (this.#current !== exchange) return;
    this.#current = undefined;
    this.state.inFlight -= 1;
    this.#progressAtMs = this.state.nowMs;
    this.#unfinished = exchange.hasBody && !exchange.request.complete ? exchange.request : undefined;
    if (exchange._last || this.socket.destroyed) return;
    const next = this.#waiting.shift();
    // The body of the next request may still be on its way.
    if (this.#waiting.length === 0) this.#resume();
    if (next !== undefined) this.#open(next);
    else if (this.#failure !== undefined) this.#answerFailure();
    else if (this.state.closesIdle) this.closeSoon();
  }

  /** The answer that ends this connection is being sent. `isClean` false: bytes of the request are still to come. */
  willClose(isClean: boolean): void {
    this.#isClosing = true;
    this.#waiting.length = 0;
    if (!isClean) this.socket.destroySoon = () => this.#linger();
  }

  /** Closes when everything written has left. */
  closeSoon(): void {
    this.#isClosing = true;
    this.socket.destroySoon();
  }

  /** Bytes of a body came after its answer was complete. */
  onLateBody(): void {
    if (this.#lingerUntilMs > 0 && this.socket.bytesRead - this.#lingerFromBytes > MAX_LINGER_BYTES) this.socket.destroy();
  }

  sweep(nowMs: number): void {
    const { limits, closesIdle } = this.state;
    if (this.#lingerUntilMs > 0 && nowMs >= this.#lingerUntilMs) this.socket.destroy();
    else if (this.#isStalled(nowMs, limits.bodyIdleTimeoutMs)) this.socket.destroy();
    else if (this.tunnel !== undefined) {
      if (this.#isIdle(nowMs, this.tunnel.bytes, limits.requestTimeoutMs)) this.tunnel.destroy();
    } else if (this.#current !== undefined) this.#sweepBody(this.#current, nowMs);
    else if (this.#isIdle(nowMs, this.socket.bytesRead, limits.idleTimeoutMs) || (closesIdle && this.socket.bytesRead === 0))
      this.socket.destroy();
  }

  announceEnd(): void {
    this.tunnel?.announceEnd();
    this.#current?.announceEnd();
  }

  drain(): void {
    // A connection without an exchange may be in the middle of a head: the header timeout or its answer will end it.
    if (this.#current === undefined && this.tunnel === undefined && this.socket.bytesRead === 0) this.socket.destroy();
  }

  destroy(): void {
    this.tunnel?.destroy();
    this.socket.destroy();
  }

  #open(exchange: ExchangeH1): void {
    const { request } = exchange;
    const { state } = this;
    request.judged ??= guardHead(request.method ?? '', request.url ?? '', exchange.version, request.rawHeaders, state.limits);
    const { judged } = request;
    this.#current = exchange;
    state.inFlight += 1;
    if (request.httpVersionMajor !== 1 || request.httpVersionMinor > 1) {
      this.#reject(
        exchange,
        new SekishoError('VERSION_NOT_SUPPORTED', `HTTP/${request.httpVersion} is not served over this connection; use HTTP/1.1.`),
      );
    } else if (!judged.ok) this.#reject(exchange, judged.error);
    else if (state.inFlight > state.limits.maxInFlight) {
      exchange.open(this, judged);
      const error = new SekishoError('OVERLOADED', `The gateway is serving ${state.limits.maxInFlight} requests, which is its limit.`);
      this.#report(error, exchange);
      const { head, body } = problemHead(error);
      exchange.respond({ status: head.status, headers: [...head.headers, 'Retry-After', '1'] }, body);
    } else {
      exchange.open(this, judged);
      this.#handle(exchange);
    }
  }

  #handle(exchange: ExchangeH1): void {
    if (this.#failure !== undefined && exchange.hasBody && !exchange.request.complete) {
      // While it waited for its turn the parser gave up in its body.
      this.#report(this.#failure, exchange);
      exchange.refuse(this.#failure);
      return;
    }
    try {
      this.state.onExchange(exchange);
    } catch (cause) {
      const error = new SekishoError('INTERNAL', 'The request failed inside the gateway.', { cause });
      observe({ type: 'error', error, where: 'http' });
      exchange.refuse(error);
    }
  }

  #reject(exchange: ExchangeH1, error: SekishoError): void {
    exchange.open(this, undefined);
    this.#report(error, exchange);
    const { head, body } = problemHead(error);
    exchange.respond(head, body);
  }

  #report(error: SekishoError, exchange: ExchangeH1 | undefined): void {
    const request: H1Request | undefined = exchange?.request;
    this.state.onReject({
      error,
      method: request?.method ?? '',
      target: request?.url ?? '',
      host: exchange?.host ?? '',
      version: exchange?.version ?? '',
      remoteAddress: this.remoteAddress,
      listener: this.listener,
    });
  }

  #answerFailure(): void {
    const error = this.#failure;
    if (error === undefined || !this.socket.writable) {
      this.socket.destroy();
      return;
    }
    this.#report(error, undefined);
    this.socket.write(problemBytes(error));
    this.#linger();
  }

  /** Ends our half and reads on for a while: closing with unread bytes would reset the connection and take the answer with it. */
  #linger(): void {
    this.#isClosing = true;
    this.#lingerUntilMs = this.state.nowMs + LINGER_MS;
    this.#lingerFromBytes = this.socket.bytesRead;
    this.socket.end();
  }

  #resume(): void {
    const { socket } = this;
    if (socket._paused !== true) return;
    socket._paused = false;
    socket.parser?.resume();
    socket.resume();
  }

  #sweepBody(exchange: ExchangeH1, nowMs: number): void {
    if (!exchange.awaitsBody) return;
    const { limits } = this.state;
    const limitMs = exchange.bodyBytes === 0 ? limits.bodyStartTimeoutMs : limits.bodyIdleTimeoutMs;
    if (nowMs - exchange.bodyAtMs < limitMs) return;
    this.fail(new SekishoError('REQUEST_TIMEOUT', `No byte of the request body came for ${limitMs} ms.`));
  }

  /** True when bytes are queued for a client that has not taken any for `limitMs`. */
  #isStalled(nowMs: number, limitMs: number): boolean {
    if (this.socket.writableLength === 0) {
      this.#queuedBytes = 0;
      return false;
    }
    // What libuv still holds moves even while one large write is under way; `writableLength` does not.
    const handle = (this.socket as unknown as { readonly _handle?: { readonly writeQueueSize?: number } })._handle;
    const queued = this.socket.writableLength + (handle?.writeQueueSize ?? 0) + this.socket.bytesWritten;
    if (queued !== this.#queuedBytes) {
      this.#queuedBytes = queued;
      this.#queuedAtMs = nowMs;
    }
    return nowMs - this.#queuedAtMs >= limitMs;
  }

  #isIdle(nowMs: number, bytes: number, limitMs: number): boolean {
    if (bytes !== this.#progressBytes) {
      this.#progressBytes = bytes;
      this.#progressAtMs = nowMs;
    }
    return nowMs - this.#progressAtMs >= limitMs;
  }

  #onClose(): void {
    this.#isClosing = true;
    this.#waiting.length = 0;
    this.state.connectionSet.delete(this);
    this.#unfinished?.destroy(new Error('The client closed the connection within its request.'));
    this.#current?.abort();
  }
}
