import { ChunkedDecoder } from './chunked-decoder.ts';
import type { RawHeaders } from './exchange.ts';
import { hasBareLf, parseResponseHead, type ResponseHeadParts } from './response-head.ts';

const IDLE = 0;
const HEAD = 1;
const FIXED = 2;
const CHUNKED = 3;
const UNTIL_CLOSE = 4;
const STOPPED = 5;

const MAX_INFORMS = 8;
const MAX_TRAILER_BYTES = 16_384;
const VERSION_PREFIX = 'HTTP/1.';

/** Receives what a `ResponseParser` finds. Buffers are its own; headers are end-to-end ones only. */
export interface ResponseSink {
  responseInform(status: number, headers: RawHeaders): void;
  responseHead(head: ResponseHeadParts, contentLength: number | undefined, hasBody: boolean): void;
  responseData(chunk: Buffer): void;
  /** The response is complete. `isReusable`: the connection may carry another request. */
  responseEnd(trailers: RawHeaders, isReusable: boolean): void;
  responseUpgrade(headers: RawHeaders, firstBytes: Buffer): void;
  /** The bytes break the rule that is described; the connection must not be used any more. */
  responseInvalid(rule: string): void;
}

export interface ResponseLimits {
  readonly maxHeadBytes: number;
  readonly maxFields: number;
}

/**
 * Parser of the answers on one HTTP/1 connection (RFC 9112), strict: what can be read in two ways is refused, because the other reader may be
 * the one that an attacker counts on. Give it `expect` for each request, then the bytes as they come.
 */
export class ResponseParser {
  readonly #sink: ResponseSink;
  readonly #limits: ResponseLimits;
  #state = IDLE;
  #isHead = false;
  #upgrade: string | undefined;
  #pendingHead = '';
  #informs = 0;
  #left = 0;
  #keepsAlive = false;
  #decoder: ChunkedDecoder | undefined;

  constructor(sink: ResponseSink, limits: ResponseLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Makes the parser ready for the answer to one request; `upgrade` is the protocol that was asked for. */
  expect(method: string, upgrade: string | undefined): void {
    this.#isHead = method === 'HEAD';
    this.#upgrade = upgrade;
    this.#informs = 0;
    this.#pendingHead = '';
    this.#state = HEAD;
  }

  /** Ignores whatever comes: the answer was given up. */
  stop(): void {
    this.#state = STOPPED;
  }

  /** Reads bytes that are valid during the call only; parts of them may be overwritten. */
  execute(bytes: Buffer): void {
    switch (this.#state) {
      case HEAD:
        this.#readHeads(bytes);
        break;
      case FIXED:
        this.#readFixed(bytes, 0);
        break;
      case CHUNKED:
        this.#readChunked(bytes, 0);
        break;
      case UNTIL_CLOSE:
        this.#sink.responseData(copy(bytes, 0, bytes.length));
        break;
      case IDLE:
        this.#fail('it sent bytes that belong to no request');
        break;
      default:
    }
  }

  /** The upstream ended its side. True when that completes the answer (RFC 9112 6.3, rule 8); false when it was to be longer. */
  eof(): boolean {
    if (this.#state !== UNTIL_CLOSE) return false;
    this.#state = STOPPED;
    this.#sink.responseEnd([], false);
    return true;
  }

  #fail(rule: string): void {
    this.#state = STOPPED;
    this.#sink.responseInvalid(rule);
  }

  #readHeads(bytes: Buffer): void {
    let at = 0;
    while (this.#state === HEAD && at < bytes.length) {
      const start = at;
      const known = this.#pendingHead.length;
      let text: string;
      if (known === 0) {
        // Nearly every head comes in one piece: one search, one string.
        const end = bytes.indexOf('\r\n\r\n', start, 'latin1');
        at = end < 0 ? bytes.length : end + 4;
        text = bytes.toString('latin1', start, end < 0 ? bytes.length : end + 2);
        if (end < 0) return this.#keepHead(text, 0);
      } else {
        const longer =
          this.#pendingHead + bytes.toString('latin1', start, Math.min(bytes.length, start + this.#limits.maxHeadBytes + 4 - known));
        const end = longer.indexOf('\r\n\r\n', Math.max(0, known - 3));
        if (end < 0) return this.#keepHead(longer, known);
        at = start + end + 4 - known;
        text = longer.slice(0, end + 2);
        this.#pendingHead = '';
      }
      if (text.length > this.#limits.maxHeadBytes) return this.#fail(`its head is longer than ${this.#limits.maxHeadBytes} bytes`);
      const head = parseResponseHead(text, this.#limits.maxFields);
      if (typeof head === 'string') return this.#fail(head);
      if (head.status >= 200) return this.#takeFinal(head, bytes, at);
      this.#takeInform(head, bytes, at);
    }
  }

  /** Keeps the beginning of a head that goes on in the next read, unless it is already known to be none. */
  #keepHead(text: string, known: number): void {
    const { maxHeadBytes } = this.#limits;
    if (text.length > maxHeadBytes) this.#fail(`its head is longer than ${maxHeadBytes} bytes`);
    else if (!text.startsWith(VERSION_PREFIX) && !VERSION_PREFIX.startsWith(text))
      this.#fail('the status line does not begin with HTTP/1.0 or HTTP/1.1');
    else if (hasBareLf(text, known)) this.#fail('a line of its head is ended by a bare LF');
    else this.#pendingHead = text;
  }

  #takeInform(head: ResponseHeadParts, bytes: Buffer, at: number): void {
    this.#informs += 1;
    if (head.contentLength >= 0 || head.transferEncoding !== undefined) this.#fail('an interim answer declares a body');
    else if (head.minorVersion === 0) this.#fail('an interim answer has the version HTTP/1.0');
    else if (head.status === 101) this.#takeUpgrade(head, bytes, at);
    else if (this.#informs > MAX_INFORMS) this.#fail(`there are more than ${MAX_INFORMS} interim answers`);
    else if (head.status !== 100) this.#sink.responseInform(head.status, head.headers);
  }

  #takeUpgrade(head: ResponseHeadParts, bytes: Buffer, at: number): void {
    if (this.#upgrade === undefined) this.#fail('it switches protocols (101) without having been asked');
    else if (head.upgrade?.toLowerCase() !== this.#upgrade.toLowerCase())
      this.#fail('it switches to another protocol than the one that was asked for');
    else if (!head.connection.split(',').some((option) => option.trim() === 'upgrade')) this.#fail('its 101 lacks Connection: Upgrade');
    else {
      this.#state = STOPPED;
      this.#sink.responseUpgrade(head.headers, copy(bytes, at, bytes.length));
    }
  }

  #takeFinal(head: ResponseHeadParts, bytes: Buffer, at: number): void {
    const { status, contentLength, transferEncoding } = head;
    if (transferEncoding !== undefined) {
      if (head.minorVersion === 0) return this.#fail('Transfer-Encoding stands in an answer of HTTP/1.0');
      if (contentLength >= 0) return this.#fail('both Transfer-Encoding and Content-Length are there');
      if (transferEncoding.toLowerCase() !== 'chunked') return this.#fail('its Transfer-Encoding is not exactly "chunked"');
    }
    this.#keepsAlive = keepsAlive(head);
    // RFC 9110 8.6: a 204 has no Content-Length, whatever is declared.
    const declared = contentLength >= 0 && status !== 204 ? contentLength : undefined;
    if (this.#isHead || status === 204 || status === 304 || (declared === 0 && transferEncoding === undefined)) {
      this.#state = IDLE;
      this.#sink.responseHead(head, declared, false);
      if (this.#isStopped()) return;
      return this.#complete([], at === bytes.length);
    }
    this.#left = contentLength;
    this.#state = transferEncoding !== undefined ? CHUNKED : declared !== undefined ? FIXED : UNTIL_CLOSE;
    this.#sink.responseHead(head, declared, true);
    if (at === bytes.length || this.#isStopped()) return;
    if (this.#state === CHUNKED) this.#readChunked(bytes, at);
    else if (this.#state === FIXED) this.#readFixed(bytes, at);
    else this.#sink.responseData(copy(bytes, at, bytes.length));
  }

  /** A call is needed because a sink may call `stop`, which flow analysis does not see. */
  #isStopped(): boolean {
    return this.#state === STOPPED;
  }

  #readFixed(bytes: Buffer, at: number): void {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#sink.responseData(copy(bytes, at, end));
    if (this.#left === 0 && !this.#isStopped()) this.#complete([], end === bytes.length);
  }

  #readChunked(bytes: Buffer, at: number): void {
    this.#decoder ??= new ChunkedDecoder(Math.min(MAX_TRAILER_BYTES, this.#limits.maxHeadBytes), this.#limits.maxFields);
    const decoder = this.#decoder;
    decoder.decode(bytes, at);
    if (decoder.broken !== undefined) return this.#fail(decoder.broken);
    if (decoder.payloadEnd > decoder.payloadStart) this.#sink.responseData(copy(bytes, decoder.payloadStart, decoder.payloadEnd));
    if (!decoder.isDone || this.#isStopped()) return;
    const { trailers } = decoder;
    decoder.reset();
    this.#complete(trailers, decoder.position === bytes.length);
  }

  /** Bytes behind a complete answer belong to nothing that was asked: the connection is poisoned, the answer is still good. */
  #complete(trailers: RawHeaders, isClean: boolean): void {
    this.#state = IDLE;
    this.#sink.responseEnd(trailers, isClean && this.#keepsAlive);
  }
}

/** RFC 9112 9.3. HTTP/1.0 keeps a connection only when it says so and its answer has a length. */
function keepsAlive(head: ResponseHeadParts): boolean {
  const { connection } = head;
  if (head.minorVersion === 1 && connection === '') return true;
  const options = connection.split(',').map((option) => option.trim());
  if (options.includes('close')) return false;
  return head.minorVersion === 1 || options.includes('keep-alive');
}

function copy(bytes: Buffer, start: number, end: number): Buffer {
  const own = Buffer.allocUnsafe(end - start);
  bytes.copy(own, 0, start, end);
  return own;
}
