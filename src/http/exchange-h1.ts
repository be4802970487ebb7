import type { Duplex, Readable } from 'node:stream';
import { SekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { isEventStream } from './event-stream.ts';
import type { Exchange, RawHeaders, ResponseHead } from './exchange.ts';
import type { H1Connection } from './h1-connection.ts';
import type { BodyObserver, H1Request } from './h1-request.ts';
import type { GuardedHead } from './head-guard.ts';
import { problemHead } from './problem-answer.ts';
import { type Framing, writeFields, writeInformationalHead, writeResponseHead } from './response-head-writer.ts';
import { ResponseSlot } from './response-slot.ts';
import { writeTogether } from './socket-writer.ts';
import { countStreamed } from './streamed-bytes.ts';
import { joinTunnel } from './tunnel.ts';

/** What is left of a body that nobody reads is drained up to this many bytes; beyond, the connection is closed. */
const MAX_DRAINED_BYTES = 65_536;
const NO_HEADERS: RawHeaders = [];

/** An exchange over HTTP/1. node:http's server makes it in place of a ServerResponse; the connection opens it when its turn has come. */
export class ExchangeH1 extends ResponseSlot implements Exchange, BodyObserver {
  readonly request: H1Request;
  readonly isHead: boolean;
  method = '';
  target = '';
  path = '';
  query = '';
  version: '1.0' | '1.1' = '1.1';
  host = '';
  authority = '';
  headers: RawHeaders = NO_HEADERS;
  isTls = false;
  remoteAddress = '';
  listener = '';
  contentLength: number | undefined = undefined;
  upgrade: string | undefined = undefined;
  headSent = false;
  aborted = false;

  keepAlive = true;
  hasBody = false;
  /** Coarse time of the last progress of the request body. */
  bodyAtMs = 0;
  bodyBytes = 0;
  /** What the client sent behind an upgrade request; undefined when node's server still owns the socket. */
  upgradeHead: Buffer | undefined = undefined;

  #connection: H1Connection | undefined = undefined;
  #isOpen = false;
  #awaitsContinue = false;
  #framing: Framing = 'none';
  #isEventStream = false;
  #bodyLength = 0;
  #sentBytes = 0;
  #heldHead: string | undefined = undefined;
  #heldChunk: Buffer | undefined = undefined;
  #onDrain: (() => void) | undefined = undefined;
  #onAbort: (() => void) | undefined = undefined;
  #onFinish: ((responseBytes: number) => void) | undefined = undefined;

  constructor(request: H1Request) {
    super();
    this.request = request;
    this.isHead = request.method === 'HEAD';
    this.version = request.httpVersion === '1.0' ? '1.0' : '1.1';
  }

  /** Called by the connection when the answers before this one are written. `head` is undefined for a request that will be refused. */
  open(connection: H1Connection, head: GuardedHead | undefined): void {
    this.#connection = connection;
    this.#isOpen = true;
    this.isTls = connection.isTls;
    this.remoteAddress = connection.remoteAddress;
    this.listener = connection.listener;
    this.method = this.request.method ?? '';
    if (head === undefined) {
      // Whether there is a body is not known when the head is not understood.
      this.hasBody = true;
      this.shouldKeepAlive = false;
      this.request.observer = this;
      return;
    }
    this.target = head.target;
    this.path = head.path;
    this.query = head.query;
    this.host = head.host;
    this.authority = head.authority;
    this.headers = head.headers;
    this.contentLength = head.contentLength;
    this.upgrade = head.upgrade;
    // node's parser keeps an HTTP/1.0 connection that says both keep-alive and close.
    if (head.wantsClose) this.shouldKeepAlive = false;
    if (head.chunked || (head.contentLength ?? 0) > 0) {
      this.hasBody = true;
      this.#awaitsContinue = head.expectContinue;
      this.bodyAtMs = connection.state.nowMs;
      this.request.observer = this;
    }
  }

  get body(): Readable | undefined {
    return this.hasBody ? this.request.claim() : undefined;
  }

  /** True while bytes of the request body are owed by the client, and it may send them. */
  get awaitsBody(): boolean {
    return this.hasBody && !this.#awaitsContinue && !this.request.complete && !this.request.destroyed && this.request.readableLength === 0;
  }

  onBodyBytes(total: number): void {
    this.bodyBytes = total;
    const connection = this.#connection;
    if (connection === undefined) return;
    this.bodyAtMs = connection.state.nowMs;
    if (!this.#isOpen) connection.onLateBody();
  }

  onBodyWanted(): void {
    if (!this.#awaitsContinue || this.headSent || !this.#isOpen) return;
    this.#awaitsContinue = false;
    if (this.#connection !== undefined) this.bodyAtMs = this.#connection.state.nowMs;
    this.#connection?.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  respond(head: ResponseHead, body?: Buffer | string): void {
    const socket = this.#writableSocket();
    if (socket === undefined || this.headSent) return;
    const chunk = typeof body === 'string' ? Buffer.from(body) : body;
    const text = this.#writeHead(head, chunk === undefined ? (this.isHead ? -1 : 0) : chunk.length);
    if (text === undefined) return;
    if (chunk === undefined || chunk.length === 0 || this.#framing === 'none') socket.write(text, 'latin1');
    else {
      this.#sentBytes = chunk.length;
      writeTogether(socket, text, chunk, '');
    }
    this.#complete();
  }

  begin(head: ResponseHead): void {
    if (this.#writableSocket() === undefined || this.headSent) return;
    this.#heldHead = this.#writeHead(head, -1);
    this.#isEventStream = isEventStream(head.headers);
  }

  /** Ends an answer of server-sent events, whose client comes again; others go on to their end. */
  announceEnd(): void {
    if (!this.#isOpen || !this.#isEventStream || this.#framing === 'length' || this.#framing === 'none') return;
    const onAbort = this.#onAbort;
    this.#onAbort = undefined;
    this.keepAlive = false;
    this.end();
    // Whoever reads the events from behind stops.
    onAbort?.();
  }

  inform(status: number, headers: RawHeaders): void {
    const socket = this.#writableSocket();
    if (socket === undefined || this.headSent || this.version === '1.0' || status === 101) return;
    const text = writeInformationalHead(status, headers);
    if (text === undefined) return;
    if (status === 100) this.#awaitsContinue = false;
    socket.write(text, 'latin1');
  }

  write(chunk: Buffer): boolean {
    const socket = this.#writableSocket();
    if (socket === undefined || this.#framing === 'none' || chunk.length === 0) return true;
    this.#sentBytes += chunk.length;
    countStreamed(chunk.length);
    if (this.#framing === 'length' && this.#sentBytes > this.#bodyLength) {
      this.#giveUp(`The body is longer than its Content-Length of ${this.#bodyLength} bytes.`);
      return true;
    }
    if (this.#heldHead !== undefined && this.#heldChunk === undefined && this.#sentBytes !== this.#bodyLength) {
      // The end often comes in the same tick: then head, chunk and end leave in one write.
      this.#heldChunk = chunk;
      process.nextTick(flushHeld, this);
      return true;
    }
    if (this.#heldChunk !== undefined) this.flush();
    const head = this.#heldHead ?? '';
    this.#heldHead = undefined;
    if (this.#framing === 'chunked') writeTogether(socket, `${head}${chunk.length.toString(16)}\r\n`, chunk, '\r\n');
    else writeTogether(socket, head, chunk, '');
    return !socket.writableNeedDrain;
  }

  flush(): void {
    const socket = this.#writableSocket();
    const head = this.#heldHead;
    if (socket === undefined || head === undefined) return;
    const chunk = this.#heldChunk;
    this.#heldHead = this.#heldChunk = undefined;
    if (chunk === undefined) socket.write(head, 'latin1');
    else if (this.#framing === 'chunked') writeTogether(socket, `${head}${chunk.length.toString(16)}\r\n`, chunk, '\r\n');
    else writeTogether(socket, head, chunk, '');
  }

  end(trailers?: RawHeaders): void {
    const socket = this.#writableSocket();
    if (socket === undefined || !this.headSent) return;
    if (this.#framing === 'length' && this.#sentBytes < this.#bodyLength) {
      this.#giveUp(`The body ended after ${this.#sentBytes} of the ${this.#bodyLength} bytes of its Content-Length.`);
      return;
    }
    if (this.#framing !== 'chunked') this.flush();
    else {
      const last = `0\r\n${trailers === undefined ? '' : (writeFields(trailers) ?? '')}\r\n`;
      const head = this.#heldHead ?? '';
      const chunk = this.#heldChunk;
      if (chunk === undefined) socket.write(head + last, 'latin1');
      else writeTogether(socket, `${head}${chunk.length.toString(16)}\r\n`, chunk, `\r\n${last}`);
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

  tunnel(head: ResponseHead, peer: Duplex, firstBytes: Buffer): void {
    const socket = this.#writableSocket();
    const connection = this.#connection;
    if (socket === undefined || connection === undefined || this.upgradeHead === undefined || this.upgrade === undefined || this.headSent) {
      peer.destroy();
      return;
    }
    const fields = writeFields(head.headers);
    if (fields === undefined) {
      peer.destroy();
      this.#giveUp('The upstream agreed to an upgrade with fields that cannot be sent.');
      return;
    }
    this.headSent = true;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}Connection: Upgrade\r\nUpgrade: ${this.upgrade}\r\n\r\n`, 'latin1');
    const onEnd = (bytes: number): void => {
      this.#sentBytes = bytes;
      this.#end(false);
    };
    connection.tunnel = joinTunnel(socket, this.upgradeHead, peer, firstBytes, onEnd, this.upgrade === 'websocket');
    if (connection.state.isDraining) connection.tunnel.announceEnd();
  }

  override destroy(): void {
    if (this.#isOpen) this.#connection?.socket.destroy();
    this.#end(false);
  }

  /** The client's socket takes bytes again. */
  drained(): void {
    this.#onDrain?.();
  }

  /** The client is gone, or its request turned out to be malformed. */
  abort(): void {
    this.#end(true);
  }

  /** The request broke a rule or a limit after its head: answers `error` if that is still possible, else cuts the connection. */
  refuse(error: SekishoError): void {
    if (!this.#isOpen) return;
    const onAbort = this.#onAbort;
    this.#onAbort = undefined;
    this.aborted = true;
    this.shouldKeepAlive = false;
    if (this.headSent) this.#connection?.socket.destroy();
    else {
      const { head, body } = problemHead(error);
      this.respond(head, body);
    }
    // Whoever reads the body must not wait for the rest.
    this.request.destroy(error);
    onAbort?.();
  }

  #writableSocket(): H1Connection['socket'] | undefined {
    const socket = this.#connection?.socket;
    return this.#isOpen && socket?.writable === true ? socket : undefined;
  }

  /** Decides framing and persistence. Undefined after answering 500 in place of a head that cannot be sent. */
  #writeHead(head: ResponseHead, bodyLength: number): string | undefined {
    const connection = this.#connection as H1Connection;
    this.keepAlive = this.shouldKeepAlive && !connection.mustClose && (this.#canFinishRequest() || this.request.isRead);
    const written = writeResponseHead(head, bodyLength, this);
    if (written === undefined) {
      const error = new SekishoError(
        'INTERNAL',
        `An answer with status ${head.status} had a field that HTTP cannot carry; it was not sent.`,
      );
      observe({ type: 'error', error, where: 'http' });
      const problem = problemHead(error);
      this.respond(problem.head, problem.body);
      return undefined;
    }
    this.headSent = true;
    this.#framing = written.framing;
    this.#bodyLength = written.framing === 'length' ? written.length : -1;
    return written.text;
  }

  /** True when what is left of the request body is nothing, or so little that it can be drained for the next request. */
  #canFinishRequest(): boolean {
    if (!this.hasBody || this.request.complete) return true;
    return !this.#awaitsContinue && this.contentLength !== undefined && this.contentLength - this.bodyBytes <= MAX_DRAINED_BYTES;
  }

  #complete(): void {
    const connection = this.#connection as H1Connection;
    const isRequestOver = this.#canFinishRequest();
    this._last = !this.keepAlive || this.#framing === 'close' || !isRequestOver || connection.closesNow;
    if (this._last) connection.willClose(!this.hasBody || this.request.complete);
    if (!this.releaseSlot()) connection.closeSoon();
    this.#end(false);
  }

  /** The answer itself is broken: the only honest end is to cut the connection (RFC 9112 8). */
  #giveUp(detail: string): void {
    observe({ type: 'error', error: new SekishoError('UPSTREAM_INVALID', detail), where: 'http' });
    this.#connection?.socket.destroy();
    this.#end(false);
  }

  #end(isAbort: boolean): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#heldHead = this.#heldChunk = undefined;
    const onAbort = this.#onAbort;
    const onFinish = this.#onFinish;
    this.#onAbort = this.#onFinish = this.#onDrain = undefined;
    if (isAbort) {
      this.aborted = true;
      onAbort?.();
    }
    onFinish?.(this.#sentBytes);
    this.#connection?.onExchangeEnd(this);
  }
}

function flushHeld(exchange: ExchangeH1): void {
  exchange.flush();
}
