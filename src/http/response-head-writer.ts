import { STATUS_CODES } from 'node:http';
import type { RawHeaders, ResponseHead } from './exchange.ts';
import { isName } from './header-rules.ts';
import { isFieldValue, isToken } from './upstream-fields.ts';

/** How the body behind a head is delimited (RFC 9112 6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** What `writeResponseHead` made: `text` is latin1 up to and with the empty line. One object for all: use it before the next call. */
export interface WrittenHead {
  text: string;
  framing: Framing;
  /** Bytes that the body must have when `framing` is `length`. */
  length: number;
}

/** How the connection and the request shape the answer. */
export interface AnswerContext {
  readonly isHead: boolean;
  readonly version: string;
  readonly keepAlive: boolean;
}

const written: WrittenHead = { text: '', framing: 'none', length: 0 };

const STATUS_LINES: readonly string[] = Array.from(
  { length: 600 },
  (_, status) => `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`,
);

let dateSecond = 0;
let dateLine = '';

/** The Date field with its CRLF, made once a second. */
function currentDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `Date: ${new Date(second * 1000).toUTCString()}\r\n`;
  }
  return dateLine;
}

/** The value of the Date field of now. */
export function dateValue(): string {
  return currentDate().slice(6, -2);
}

/** What a field of an answer is to its sender. Framing and connection are the sender's own. */
export function responseFieldKind(name: string): 'plain' | 'length' | 'date' | 'dropped' {
  switch (name.length) {
    case 4:
      return isName(name, 'date') ? 'date' : 'plain';
    case 7:
      return isName(name, 'upgrade') ? 'dropped' : 'plain';
    case 10:
      return isName(name, 'connection') || isName(name, 'keep-alive') ? 'dropped' : 'plain';
    case 14:
      return isName(name, 'content-length') ? 'length' : 'plain';
    case 16:
      return isName(name, 'proxy-connection') ? 'dropped' : 'plain';
    case 17:
      return isName(name, 'transfer-encoding') ? 'dropped' : 'plain';
    default:
      return 'plain';
  }
}

/** True for an answer that has no body whatever its fields say (RFC 9110 6.4.1). */
export function isBodiless(status: number, isHead: boolean): boolean {
  return isHead || status === 204 || status === 304 || status < 200;
}

/**
 * Writes status line and fields and decides the framing. `bodyLength` is the length of a whole body, or -1 for a streamed one.
 * Undefined when a name is no token or a value holds a character that could end its line: nothing may be sent then.
 */
export function writeResponseHead(head: ResponseHead, bodyLength: number, context: AnswerContext): WrittenHead | undefined {
  const { status, headers, reason } = head;
  let text = startLine(status, reason);
  if (text === '') return undefined;
  let hasDate = false;
  let declared: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    const kind = responseFieldKind(name);
    if (kind === 'dropped') continue;
    if (kind === 'length') {
      declared = value;
      continue;
    }
    if (!isToken(name) || !isFieldValue(value)) return undefined;
    if (kind === 'date') hasDate = true;
    text += `${name}: ${value}\r\n`;
  }
  if (!hasDate) text += currentDate();
  text += frame(status, declared, bodyLength, context);
  if (!context.keepAlive || written.framing === 'close') text += 'Connection: close\r\n\r\n';
  else text += context.version === '1.0' ? 'Connection: keep-alive\r\n\r\n' : '\r\n';
  written.text = text;
  return written;
}

function startLine(status: number, reason: string | undefined): string {
  if (reason === undefined || reason === '') return STATUS_LINES[status] ?? `HTTP/1.1 ${status} Unknown\r\n`;
  return isFieldValue(reason) ? `HTTP/1.1 ${status} ${reason}\r\n` : '';
}

/** Decides the framing (into `written`) and gives its field with CRLF, if it needs one. */
function frame(status: number, declared: string | undefined, bodyLength: number, context: AnswerContext): string {
  if (isBodiless(status, context.isHead)) {
    written.framing = 'none';
    // A 204 has no length at all (RFC 9110 8.6); the others say what a 200 to GET would have had, if that is known.
    const length = declaredLength(declared) ?? (context.isHead ? bodyLength : -1);
    return length < 0 || status === 204 || status < 200 ? '' : `Content-Length: ${length}\r\n`;
  }
  const length = bodyLength >= 0 ? bodyLength : (declaredLength(declared) ?? -1);
  if (length >= 0) {
    written.framing = 'length';
    written.length = length;
    return `Content-Length: ${length}\r\n`;
  }
  written.framing = context.version === '1.1' ? 'chunked' : 'close';
  return written.framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '';
}

/** The lines of an interim answer (1xx) with its empty line, or undefined when it cannot be sent. */
export function writeInformationalHead(status: number, headers: RawHeaders): string | undefined {
  const fields = writeFields(headers);
  return fields === undefined || status < 100 || status > 199 ? undefined : `${startLine(status, undefined)}${fields}\r\n`;
}

/** Field lines of an interim answer or of trailers: without framing and connection fields. Undefined when one cannot be sent. */
export function writeFields(headers: RawHeaders): string | undefined {
  let text = '';
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    if (!isToken(name) || !isFieldValue(value)) return undefined;
    if (responseFieldKind(name) !== 'dropped' && responseFieldKind(name) !== 'length') text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** The number of a Content-Length that is digits; undefined else. */
export function declaredLength(value: string | undefined): number | undefined {
  return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
}
