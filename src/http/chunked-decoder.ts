import type { RawHeaders } from './exchange.ts';
import { hasBareLf, parseTrailers } from './response-head.ts';
import { toSafeTrailers } from './upstream-fields.ts';

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILERS = 6;
const DONE = 7;

/** All chunk extensions of one body together; they are dropped, and unbounded ones are an attack (CVE-2024-22019). */
const MAX_EXTENSION_BYTES = 16_384;
const MAX_SIZE_DIGITS = 16;

/**
 * Decodes the chunked transfer coding (RFC 9112 7.1) strictly and incrementally. `decode` moves the payload of all chunks that it finds together,
 * so that one read gives at most one piece of body however small its chunks are.
 */
export class ChunkedDecoder {
  /** The payload of the last `decode` is `bytes[payloadStart, payloadEnd)`. */
  payloadStart = 0;
  payloadEnd = 0;
  /** Where the last `decode` stopped: the end of the bytes, or behind the body when `isDone`. */
  position = 0;
  trailers: RawHeaders = [];
  /** The rule that the body breaks, once it does. */
  broken: string | undefined;
  readonly #maxTrailerBytes: number;
  readonly #maxFields: number;
  #state = SIZE;
  #digits = 0;
  #left = 0;
  #extensionBytes = 0;
  #trailerText = '';

  constructor(maxTrailerBytes: number, maxFields: number) {
    this.#maxTrailerBytes = maxTrailerBytes;
    this.#maxFields = maxFields;
  }

  get isDone(): boolean {
    return this.#state === DONE;
  }

  /** Makes the decoder ready for another body. */
  reset(): void {
    this.#state = SIZE;
    this.#digits = 0;
    this.#left = 0;
    this.#extensionBytes = 0;
    this.#trailerText = '';
    this.trailers = [];
    this.broken = undefined;
  }

  /** Reads `bytes` from `from` on, overwriting parts of it; results are in the fields. Stops at the end of the body or at the first broken rule. */
  decode(bytes: Buffer, from: number): void {
    let at = from;
    this.payloadStart = from;
    this.payloadEnd = from;
    while (at < bytes.length && this.broken === undefined && this.#state !== DONE) {
      if (this.#state === DATA) at = this.#takeData(bytes, at);
      else if (this.#state === TRAILERS) at = this.#takeTrailers(bytes, at);
      else {
        this.#takeFraming(bytes[at] ?? 0);
        at += 1;
      }
    }
    this.position = at;
  }

  #takeData(bytes: Buffer, at: number): number {
    const length = Math.min(this.#left, bytes.length - at);
    if (this.payloadEnd === this.payloadStart) {
      this.payloadStart = at;
      this.payloadEnd = at;
    } else bytes.copyWithin(this.payloadEnd, at, at + length);
    this.payloadEnd += length;
    this.#left -= length;
    if (this.#left === 0) this.#state = DATA_CR;
    return at + length;
  }

  #takeFraming(byte: number): void {
    if (this.#state === SIZE) this.#takeSize(byte);
    else if (this.#state === EXTENSION) {
      if (byte === 13) this.#state = SIZE_LF;
      else if ((byte < 32 && byte !== 9) || byte === 127) this.broken = 'a chunk extension holds a control character';
      else this.#countExtension();
    } else if (this.#state === SIZE_LF) {
      if (byte !== 10) this.broken = 'a chunk size is not ended by CRLF';
      else this.#state = this.#left === 0 ? TRAILERS : DATA;
      this.#digits = 0;
    } else if (this.#state === DATA_CR) {
      if (byte !== 13) this.broken = 'a chunk is longer than its size';
      else this.#state = DATA_LF;
    } else {
      if (byte !== 10) this.broken = 'a chunk is not ended by CRLF';
      else this.#state = SIZE;
    }
  }

  #countExtension(): void {
    this.#extensionBytes += 1;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) this.broken = `its chunk extensions are longer than ${MAX_EXTENSION_BYTES} bytes`;
  }

  #takeSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      this.#digits += 1;
      if (this.#digits > MAX_SIZE_DIGITS || this.#left > Number.MAX_SAFE_INTEGER) this.broken = 'a chunk size is too large';
    } else if (this.#digits === 0) this.broken = 'a chunk size is not hexadecimal';
    else if (byte === 13) this.#state = SIZE_LF;
    else if (byte === 59) {
      this.#state = EXTENSION;
      this.#countExtension();
    } else this.broken = 'a chunk size is not hexadecimal';
  }

  /** The section is an empty line, or lines up to an empty line. */
  #takeTrailers(bytes: Buffer, at: number): number {
    const known = this.#trailerText.length;
    this.#trailerText += bytes.toString('latin1', at, Math.min(bytes.length, at + this.#maxTrailerBytes + 4 - known));
    const text = this.#trailerText;
    if (text.startsWith('\r\n')) {
      this.#state = DONE;
      return at + 2 - known;
    }
    const end = text.indexOf('\r\n\r\n', Math.max(0, known - 3));
    if (end < 0) {
      if (hasBareLf(text, known)) this.broken = 'a trailer line is ended by a bare LF';
      else if (text.length > this.#maxTrailerBytes) this.broken = `its trailer section is longer than ${this.#maxTrailerBytes} bytes`;
      return bytes.length;
    }
    const trailers = parseTrailers(text.slice(0, end + 2), this.#maxFields);
    if (typeof trailers === 'string') this.broken = `in a trailer, ${trailers}`;
    else this.trailers = toSafeTrailers(trailers);
    this.#state = DONE;
    return at + end + 4 - known;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
