import type { Socket } from 'node:net';
import { SekishoError, toSekishoError } from '../lib/errors.ts';
import type { RawHeaders } from './exchange.ts';
import type { ResponseHeadParts } from './response-head.ts';
import { type ResponseLimits, ResponseParser, type ResponseSink } from './response-parser.ts';
import { type BodyWriterOwner, RequestBodyWriter } from './upstream-body-writer.ts';
import type { CallOwner, Http1Call } from './upstream-call.ts';
import type { Dialer } from './upstream-dialer.ts';
import { toConnectError, toResetError } from './upstream-errors.ts';

/** Bodies up to this size are copied behind the head and go out in the same write. */
const COALESCED_BODY_BYTES = 16_384;
const READ_BUFFER_BYTES = 65_536;
const NEVER = Number.POSITIVE_INFINITY;
/** How long an answer is still read for after a write failed. It is in the socket already if there is one; the limit is for what cannot happen. */
const READ_AFTER_FAILED_WRITE_MS = 100;

/**
 * Reads of all connections land here and are copied out before the next one: reading is synchronous on POSIX systems. On Windows the system holds the
 * buffer between reads, so that each connection needs its own.
 */
let sharedReadBuffer: Buffer | undefined;

function readBuffer(): Buffer {
  if (process.platform === 'win32') return Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  sharedReadBuffer ??= Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  return sharedReadBuffer;
}

export interface ConnectionOwner {
  readonly origin: string;
  readonly limits: ResponseLimits;
  /** Tells that the deadline of a connection came to be `at` or earlier. */
  watch(at: number): void;
  connectionReady(connection: Http1Connection): void;
  /** The connection is free for another call. */
  connectionReleased(connection: Http1Connection): void;
  /** The connection is gone; `error` is set when it was never ready. */
  connectionClosed(connection: Http1Connection, error: SekishoError | undefined): void;
}

/**
 * One HTTP/1.1 connection to an upstream: one call at a time, no pipelining. Listeners are attached to the socket once and work on the current call,
 * nothing is allocated per request but the call itself.
 */
export class Http1Connection implements ResponseSink, BodyWriterOwner, CallOwner {
  /** When something must have happened; ms of `performance.now()`. The owner calls `expire` after it. */
  deadline: number;
  /** The call that made this connection necessary, until it is ready. */
  dialedFor: Http1Call | undefined;
  /** Seconds from the upstream's `Keep-Alive: timeout=`, as ms; infinite when it gave none. */
  keepAliveHintMs = NEVER;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser;
  readonly #connectTimeoutMs: number;
  #call: Http1Call | undefined;
  #writer: RequestBodyWriter | undefined;
  #isReady = false;
  #isClosed = false;
  #isPaused = false;
  #hasHead = false;
  #isWritten = false;
  #error: Error | undefined;
  #keepAliveText = '';

  /** Begins to connect. A connection for an upgrade is a stream that can be handed on; others read into a shared buffer. */
  constructor(owner: ConnectionOwner, dialer: Dialer, connectTimeoutMs: number, isForUpgrade: boolean) {
    this.#owner = owner;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#parser = new ResponseParser(this, owner.limits);
    const socket = dialer.dial({ alpn: ['http/1.1'], ...(!isForUpgrade && { onread: { buffer: readBuffer(), callback: this.#onRead } }) });
    this.#socket = socket;
    if (dialer.readyEvent === 'connect' && !isForUpgrade) survivesFailedWrites(socket);
    this.deadline = connectTimeoutMs > 0 ? performance.now() + connectTimeoutMs : NEVER;
    owner.watch(this.deadline);
    if (isForUpgrade) socket.on('data', this.#onData);
    socket
      .once(dialer.readyEvent, this.#onReady)
      .on('drain', this.#onDrain)
      .on('end', this.#onEnd)
      .on('error', this.#onError)
      .on('close', this.#onClose);
  }

  /** True when a call may be started. */
  get isUsable(): boolean {
    return this.#isReady && !this.#isClosed && this.#call === undefined && this.#socket.writable;
  }

  /** Writes the call's request and gives it the answer. */
  start(call: Http1Call): void {
    const { request } = call;
    const { body } = request;
    this.#call = call;
    this.#hasHead = false;
    this.#isWritten = true;
    call.owner = this;
    call.sent = true;
    this.#parser.expect(request.method, request.upgrade);
    if (body === undefined) this.#socket.write(call.head, 'latin1');
    else if (Buffer.isBuffer(body)) this.#writeWhole(call.head, body);
    else {
      this.#isWritten = false;
      this.#writer = new RequestBodyWriter(
        this.#socket,
        body,
        { length: request.contentLength, isChunked: request.contentLength === undefined },
        this,
      );
      // The head waits for the first bytes of the body if these are there already.
      this.#socket.cork();
      this.#socket.write(call.head, 'latin1');
      this.#writer.start();
      process.nextTick(uncork, this.#socket);
    }
    this.#setDeadline(this.#isWritten ? call.deadline : this.#uploadDeadline());
  }

  /** Waits without a call until the deadline. */
  rest(deadline: number): void {
    this.#setDeadline(deadline);
  }

  /** Closes the connection; a call on it must have been ended before. */
  destroy(): void {
    this.#parser.stop();
    this.#socket.destroy();
  }

  /** The deadline is over. */
  expire(): void {
    if (!this.#isReady) {
      const detail = `connect ETIMEDOUT ${this.#owner.origin}: no connection within ${this.#connectTimeoutMs} ms`;
      this.#socket.destroy(new SekishoError('UPSTREAM_CONNECT', detail));
    } else if (this.#call === undefined) this.destroy();
    else if (this.#error !== undefined) this.#lose();
    else this.#failCall(new SekishoError('UPSTREAM_TIMEOUT', this.#describeStall(this.#call)));
  }

  abortCall(): void {
    this.#detach();
    this.destroy();
  }

  resumeCall(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#touch();
    this.#socket.resume();
  }

  responseInform(status: number, headers: RawHeaders): void {
    this.#call?.handler.onInform(status, headers);
  }

  responseHead(head: ResponseHeadParts, contentLength: number | undefined, hasBody: boolean): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#hasHead = true;
    if (head.keepAlive !== this.#keepAliveText) this.#readKeepAliveHint(head.keepAlive);
    this.#touch();
    call.handler.onHead(head.status, head.reason, head.headers, contentLength, hasBody, head.minorVersion === 1 ? 'HTTP/1.1' : 'HTTP/1.0');
  }

  responseData(chunk: Buffer): void {
    if (this.#call?.handler.onData(chunk) !== false || this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  responseEnd(trailers: RawHeaders, isReusable: boolean): void {
    const call = this.#detach();
    // A request that is not out completely cannot be completed any more: its answer came early. After a refused upgrade the peer's view is not sure.
    const isSent = this.#isWritten && this.#error === undefined && this.#socket.writableLength === 0;
    const isFree = isReusable && call?.request.upgrade === undefined && isSent;
    if (!isFree) this.destroy();
    else if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    if (call !== undefined) {
      call.owner = undefined;
      call.handler.onEnd(trailers);
    }
    if (isFree && !this.#isClosed) this.#owner.connectionReleased(this);
  }

  responseUpgrade(headers: RawHeaders, firstBytes: Buffer): void {
    const call = this.#detach();
    const socket = this.#socket;
    this.#isClosed = true;
    socket
      .off('data', this.#onData)
      .off('drain', this.#onDrain)
      .off('end', this.#onEnd)
      .off('error', this.#onError)
      .off('close', this.#onClose);
    socket.pause();
    this.#owner.connectionClosed(this, undefined);
    if (call === undefined) {
      socket.destroy();
      return;
    }
    call.owner = undefined;
    call.handler.onUpgrade(headers, socket, firstBytes);
  }

  responseInvalid(rule: string): void {
    this.#failCall(new SekishoError('UPSTREAM_INVALID', `The answer of ${this.#owner.origin} is not valid HTTP: ${rule}.`));
    this.destroy();
  }

  bodyProgressed(): void {
    this.#touch();
  }

  bodyDone(): void {
    this.#isWritten = true;
    this.#writer = undefined;
    const call = this.#call;
    if (call === undefined || this.#hasHead) return;
    const { headTimeoutMs } = call.request;
    call.deadline = headTimeoutMs > 0 ? performance.now() + headTimeoutMs : NEVER;
    this.#setDeadline(call.deadline);
  }

  bodyFailed(error: SekishoError): void {
    this.#writer = undefined;
    this.#failCall(error);
  }

  /** Ends the call's stay on this connection without telling its handler. */
  #detach(): Http1Call | undefined {
    const call = this.#call;
    this.#call = undefined;
    this.#writer?.stop();
    this.#writer = undefined;
    return call;
  }

  #failCall(error: SekishoError): void {
    const call = this.#detach();
    this.destroy();
    call?.fail(error);
  }

  #writeWhole(head: string, body: Buffer): void {
    const socket = this.#socket;
    if (body.length > COALESCED_BODY_BYTES) {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
      return;
    }
    const message = Buffer.allocUnsafe(head.length + body.length);
    message.write(head, 0, 'latin1');
    body.copy(message, head.length);
    socket.write(message);
  }

  readonly #onRead = (length: number, buffer: Uint8Array): boolean => {
    this.#onData((buffer as Buffer).subarray(0, length));
    return true;
  };

  readonly #onData = (bytes: Buffer): void => {
    if (this.#hasHead) this.#touch();
    try {
      this.#parser.execute(bytes);
    } catch (error) {
      this.#failCall(toSekishoError(error));
    }
  };

  readonly #onReady = (): void => {
    if (this.#socket.destroyed) return;
    this.#isReady = true;
    this.deadline = NEVER;
    this.#owner.connectionReady(this);
  };

  readonly #onDrain = (): void => {
    this.#writer?.drained();
    this.#touch();
  };

  readonly #onEnd = (): void => {
    if (this.#call !== undefined && this.#parser.eof()) return;
    this.#lose();
    this.destroy();
  };

  readonly #onError = (error: Error): void => {
    this.#error = error;
    if (this.#socket.destroyed) return;
    this.#writer?.stop();
    this.#setDeadline(performance.now() + READ_AFTER_FAILED_WRITE_MS);
  };

  readonly #onClose = (): void => {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { origin } = this.#owner;
    if (this.#isReady) this.#lose();
    this.#owner.connectionClosed(
      this,
      this.#isReady ? undefined : toConnectError(this.#error ?? new Error('connect: closed by the peer'), origin),
    );
  };

  #lose(): void {
    if (this.#call === undefined) return;
    this.#failCall(toResetError(this.#error, this.#owner.origin, this.#hasHead ? 'before its answer was complete' : 'before it answered'));
  }

  #setDeadline(at: number): void {
    this.deadline = at;
    if (at !== NEVER) this.#owner.watch(at);
  }

  /** Bytes moved: the idle time of the body begins anew. Before the response head it counts only while the request is being written. */
  #touch(): void {
    const call = this.#call;
    if (call === undefined || (!this.#hasHead && this.#isWritten)) return;
    this.#setDeadline(this.#hasHead ? idleDeadline(call.request.idleTimeoutMs) : this.#uploadDeadline());
  }

  #uploadDeadline(): number {
    const request = this.#call?.request;
    return idleDeadline(request?.idleTimeoutMs || request?.headTimeoutMs || 0);
  }

  #describeStall(call: Http1Call): string {
    const { origin } = this.#owner;
    const { headTimeoutMs, idleTimeoutMs } = call.request;
    if (this.#hasHead) return `No byte of the answer of ${origin} could be passed on for ${idleTimeoutMs} ms.`;
    if (!this.#isWritten) return `No byte of the request body could be passed to ${origin} for ${idleTimeoutMs || headTimeoutMs} ms.`;
    return `${origin} did not answer within ${headTimeoutMs} ms.`;
  }

  #readKeepAliveHint(text: string): void {
    this.#keepAliveText = text;
    const seconds = /(?:^|[,\s])timeout\s*=\s*"?(\d{1,6})/i.exec(text)?.[1];
    this.keepAliveHintMs = seconds === undefined ? NEVER : Number(seconds) * 1000;
  }
}

/**
 * Whoever refuses a body answers and closes without having read all of it; the write that fails then must not take along the answer, which
 * waits to be read. Names with an underscore are node's, which has no option for this.
 */
function survivesFailedWrites(socket: Socket): void {
  const states = socket as unknown as Record<'_readableState' | '_writableState', { autoDestroy: boolean }>;
  states._readableState.autoDestroy = false;
  states._writableState.autoDestroy = false;
}

function idleDeadline(idleTimeoutMs: number): number {
  return idleTimeoutMs > 0 ? performance.now() + idleTimeoutMs : NEVER;
}

function uncork(socket: Socket): void {
  socket.uncork();
}
