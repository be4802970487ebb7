import { type ErrorCode, SekishoError } from '../lib/errors.ts';
import { parseHost } from './authority.ts';
import type { RawHeaders } from './exchange.ts';
import { hasToken, isManagedTwin, isName, isPlainConnection, isProtectedFromNomination, listTokens } from './header-rules.ts';
import { canonicalise } from './request-target.ts';
import { isToken } from './upstream-fields.ts';

/** Bounds of a request head, in bytes and fields. */
export interface HeadLimits {
  readonly maxTargetBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
}

export type HttpVersion = '1.0' | '1.1' | '2.0';

/** The head of a request that kept every rule. */
export class GuardedHead {
  readonly ok = true;
  target = '';
  path = '';
  query = '';
  host = '';
  authority = '';
  /** The fields as received, without underscore twins of managed ones. */
  headers: RawHeaders = [];
  contentLength: number | undefined = undefined;
  chunked = false;
  upgrade: string | undefined = undefined;
  expectContinue = false;
  /** The client wants no further answer on this connection. */
  wantsClose = false;
}

/** The head of a request that broke a rule: the connection (HTTP/2: the stream) ends with the answer that `error` says. */
export class RejectedHead {
  readonly ok = false;
  readonly error: SekishoError;
  constructor(code: ErrorCode, detail: string) {
    this.error = new SekishoError(code, detail);
  }
}

/** What the one pass over the fields found. One object for all requests: the guard never waits. */
const seen = {
  host: undefined as string | undefined,
  transferEncoding: undefined as string | undefined,
  contentLength: undefined as string | undefined,
  upgrade: undefined as string | undefined,
  expect: undefined as string | undefined,
  wantsUpgrade: false,
  wantsClose: false,
  twins: 0,
};

const MAX_EXACT_LENGTH_DIGITS = 15;

/**
 * Judges the head of a request: one valid Host, one framing, one canonical target, no field that could be used against the
 * upstream (RFC 9110, 9112; `docs/explanation/head-guard.md` lists the rules with their incidents). `rawHeaders` are those of a parser that
 * has checked the syntax of names and values. Expected to run once per request, before anything else looks at it.
 */
export function guardHead(
  method: string,
  rawTarget: string,
  version: HttpVersion,
  rawHeaders: RawHeaders,
  limits: HeadLimits,
): GuardedHead | RejectedHead {
  if (rawTarget.length > limits.maxTargetBytes) return tooLongTarget(limits);
  const problem = readFields(rawHeaders, limits);
  if (problem !== undefined) return problem;
  const head = new GuardedHead();
  return (
    readFraming(head, version) ??
    readHost(head, method, rawTarget, version) ??
    readExtras(head, method, version) ??
    takeHeaders(head, rawHeaders)
  );
}

/** The rejection of a target over the limit, also for a parser that gave up on it. */
export function tooLongTarget(limits: HeadLimits): RejectedHead {
  return new RejectedHead('URI_TOO_LONG', `The request target is longer than ${limits.maxTargetBytes} bytes.`);
}

/** The rejection of a head over the limit, also for a parser that gave up on it. */
export function tooLargeHead(limits: HeadLimits): RejectedHead {
  return new RejectedHead('HEADERS_TOO_LARGE', `The header fields are over ${limits.maxHeaderBytes} bytes or ${limits.maxHeaders} fields.`);
}

function invalid(detail: string): RejectedHead {
  return new RejectedHead('REQUEST_INVALID', detail);
}

function readFields(headers: RawHeaders, limits: HeadLimits): RejectedHead | undefined {
  seen.host = seen.transferEncoding = seen.contentLength = seen.upgrade = seen.expect = undefined;
  seen.wantsUpgrade = seen.wantsClose = false;
  seen.twins = 0;
  if (headers.length > limits.maxHeaders * 2) return tooLargeHead(limits);
  let bytes = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    // Two bytes of ": " and two of CRLF travel with every field.
    bytes += name.length + value.length + 4;
    let problem: RejectedHead | undefined;
    switch (name.length) {
      case 4:
        if (isName(name, 'host')) problem = noteHost(value);
        break;
      case 6:
        if (isName(name, 'expect')) seen.expect = seen.expect === undefined ? value : `${seen.expect}, ${value}`;
        break;
      case 7:
        if (isName(name, 'upgrade')) seen.upgrade = seen.upgrade === undefined ? value : `${seen.upgrade}, ${value}`;
        break;
      case 10:
        if (isName(name, 'connection')) problem = noteConnection(value);
        break;
      case 14:
        if (isName(name, 'content-length')) problem = noteContentLength(value);
        break;
      case 17:
        if (isName(name, 'transfer-encoding')) problem = noteTransferEncoding(value);
        break;
      default:
        break;
    }
    if (problem !== undefined) return problem;
    if (name.includes('_') && isManagedTwin(name)) seen.twins += 1;
  }
  return bytes > limits.maxHeaderBytes ? tooLargeHead(limits) : undefined;
}

function noteHost(value: string): RejectedHead | undefined {
  if (seen.host !== undefined) return invalid('There is more than one Host field.');
  seen.host = value;
  return undefined;
}

function noteConnection(value: string): RejectedHead | undefined {
  if (isPlainConnection(value)) {
    if (isName(value, 'upgrade')) seen.wantsUpgrade = true;
    return undefined;
  }
  for (const option of listTokens(value)) {
    if (!isToken(option)) return invalid(`Connection has the element ${JSON.stringify(option)}, which is no token.`);
    if (isProtectedFromNomination(option)) return invalid(`Connection nominates ${option}, which is not a hop-by-hop field.`);
    if (option === 'upgrade') seen.wantsUpgrade = true;
    if (option === 'close') seen.wantsClose = true;
  }
  return undefined;
}

function noteContentLength(value: string): RejectedHead | undefined {
  if (seen.contentLength !== undefined) return invalid('There is more than one Content-Length field.');
  seen.contentLength = value;
  return undefined;
}

function noteTransferEncoding(value: string): RejectedHead | undefined {
  if (seen.transferEncoding !== undefined) return invalid('There is more than one Transfer-Encoding field.');
  seen.transferEncoding = value;
  return undefined;
}

/** RFC 9112 6: how long the body is, if there is one; anything that two recipients could read differently is refused. */
function readFraming(head: GuardedHead, version: HttpVersion): RejectedHead | undefined {
  const { transferEncoding, contentLength } = seen;
  if (transferEncoding !== undefined) {
    if (version !== '1.1') return invalid(`Transfer-Encoding is not part of HTTP/${version}.`);
    if (contentLength !== undefined) return invalid('Transfer-Encoding and Content-Length may not come together.');
    if (!isName(transferEncoding, 'chunked')) return unknownCoding(transferEncoding);
    head.chunked = true;
  } else if (contentLength !== undefined) {
    const length = parseLength(contentLength);
    if (length === undefined)
      return invalid(`Content-Length is ${JSON.stringify(contentLength)}; it must be digits, at most ${MAX_EXACT_LENGTH_DIGITS}.`);
    head.contentLength = length;
  }
  return undefined;
}

/** The rejection of a Transfer-Encoding other than `chunked`: 501 when it names a coding that is not served, else 400. */
export function unknownCoding(value: string): RejectedHead {
  const unknown = listTokens(value).find((coding) => coding !== 'chunked');
  if (unknown === undefined) return invalid(`Transfer-Encoding is ${JSON.stringify(value)}; it must be exactly "chunked".`);
  return new RejectedHead('METHOD_NOT_IMPLEMENTED', `The transfer coding ${JSON.stringify(unknown)} is not served; only "chunked" is.`);
}

function parseLength(value: string): number | undefined {
  if (value.length === 0 || value.length > MAX_EXACT_LENGTH_DIGITS) return undefined;
  let length = 0;
  for (let i = 0; i < value.length; i += 1) {
    const digit = value.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    length = length * 10 + digit;
  }
  return length;
}

/** Host and target: HTTP/1.1 and 2 must name the host; HTTP/1.0 may leave it out, the host is then empty and matches only `*`. */
function readHost(head: GuardedHead, method: string, rawTarget: string, version: HttpVersion): RejectedHead | undefined {
  if (method === 'CONNECT') return new RejectedHead('METHOD_NOT_IMPLEMENTED', 'CONNECT is not served.');
  const { host } = seen;
  if (host === undefined) {
    if (version === '1.1') return invalid('There is no Host field.');
  } else {
    const parsed = parseHost(host);
    if (parsed === undefined)
      return invalid(`Host is ${JSON.stringify(host)}; it must be a host name or IP address with an optional port.`);
    head.host = parsed;
    head.authority = host;
  }
  if (rawTarget.charCodeAt(0) === 47) return readTarget(head, rawTarget);
  if (rawTarget === '*') {
    if (method !== 'OPTIONS') return invalid('The target "*" is for OPTIONS only.');
    head.target = head.path = '*';
    return undefined;
  }
  return readAbsoluteTarget(head, method, rawTarget, version);
}

function readTarget(head: GuardedHead, target: string): RejectedHead | undefined {
  const broken = canonicalise(target, head);
  return broken === undefined ? undefined : invalid(`In the request line, ${broken}.`);
}

/** RFC 9112 3.2.2: the authority of an absolute-form target must be that of Host; the target goes on in origin-form. */
function readAbsoluteTarget(head: GuardedHead, method: string, rawTarget: string, version: HttpVersion): RejectedHead | undefined {
  const lower = rawTarget.slice(0, 8).toLowerCase();
  const start = lower === 'https://' ? 8 : lower.startsWith('http://') ? 7 : 0;
  if (start === 0 || version === '2.0') return invalid('The target must begin with "/" or be an http or https URL.');
  let end = start;
  while (end < rawTarget.length && !'/?#'.includes(rawTarget[end] as string)) end += 1;
  const authority = rawTarget.slice(start, end);
  const host = parseHost(authority);
  if (host === undefined)
    return invalid(`The target names the host ${JSON.stringify(authority)}, which is no host name with an optional port.`);
  if (seen.host === undefined) {
    head.host = host;
    head.authority = authority;
  } else if (authority.toLowerCase() !== seen.host.toLowerCase()) {
    return invalid(`The target names ${JSON.stringify(authority)}, but Host is ${JSON.stringify(seen.host)}.`);
  }
  if (end === rawTarget.length && method === 'OPTIONS') {
    head.target = head.path = '*';
    return undefined;
  }
  const rest = rawTarget.slice(end);
  return readTarget(head, rest.startsWith('/') ? rest : `/${rest}`);
}

function readExtras(head: GuardedHead, method: string, version: HttpVersion): RejectedHead | undefined {
  head.wantsClose = seen.wantsClose;
  const hasBody = head.chunked || (head.contentLength ?? 0) > 0;
  if (method === 'TRACE') {
    // RFC 9110 9.3.8; answering it would show a script the cookies it may not read.
    return new RejectedHead('METHOD_NOT_IMPLEMENTED', 'TRACE is not served.');
  }
  if (seen.expect !== undefined && version !== '1.0') {
    if (!isName(seen.expect, '100-continue'))
      return new RejectedHead('EXPECTATION_FAILED', `Expect is ${JSON.stringify(seen.expect)}; only 100-continue is known.`);
    head.expectContinue = hasBody;
  }
  // Only WebSocket is passed on: every other protocol would put bytes behind the gateway that it never judged (h2c above all).
  if (
    seen.upgrade !== undefined &&
    seen.wantsUpgrade &&
    version === '1.1' &&
    method === 'GET' &&
    !hasBody &&
    hasToken(seen.upgrade, 'websocket')
  ) {
    head.upgrade = 'websocket';
  }
  return undefined;
}

function takeHeaders(head: GuardedHead, headers: RawHeaders): GuardedHead {
  head.headers = seen.twins === 0 ? headers : withoutTwins(headers);
  return head;
}

function withoutTwins(headers: RawHeaders): RawHeaders {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!name.includes('_') || !isManagedTwin(name)) kept.push(name, headers[i + 1] as string);
  }
  return kept;
}
