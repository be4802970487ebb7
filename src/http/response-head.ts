import { matchesName, TOKEN_CHAR, withoutNominated } from './upstream-fields.ts';

/** The head of a response of an upstream: its status line, and its fields split into those for the client and those for this connection. */
export interface ResponseHeadParts {
  status: number;
  reason: string;
  minorVersion: 0 | 1;
  /** End-to-end fields but Content-Length, names as received. */
  headers: string[];
  /** -1 = not declared. */
  contentLength: number;
  /** Value of Transfer-Encoding; undefined when the field is absent. */
  transferEncoding: string | undefined;
  /** Connection options in lower case, joined by commas; empty when there are none. */
  connection: string;
  keepAlive: string;
  upgrade: string | undefined;
}

/** The rule that the text breaks, in words. */
type Broken = string;

/**
 * Parses status line and fields (RFC 9112 4, 5) strictly. `text` is latin1, ends with the CRLF of the last line and lacks the empty line.
 * Gives the broken rule as a string when it is no valid head.
 */
export function parseResponseHead(text: string, maxFields: number): ResponseHeadParts | Broken {
  const parts: ResponseHeadParts = {
    status: 0,
    reason: '',
    minorVersion: 1,
    headers: [],
    contentLength: -1,
    transferEncoding: undefined,
    connection: '',
    keepAlive: '',
    upgrade: undefined,
  };
  if (!text.startsWith('HTTP/1.')) return 'the status line does not begin with HTTP/1.0 or HTTP/1.1';
  const minor = text.charCodeAt(7) - 48;
  if ((minor !== 0 && minor !== 1) || text.charCodeAt(8) !== 32) return 'the HTTP version is neither 1.0 nor 1.1';
  parts.minorVersion = minor;
  for (let i = 9; i < 12; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return 'the status code is not three digits';
    parts.status = parts.status * 10 + digit;
  }
  if (parts.status < 100) return 'the status code is below 100';
  if (text.charCodeAt(12) !== 32) return 'the status code is not followed by a space';
  const end = scanValue(text, 13);
  if (text.charCodeAt(end) !== 13 || text.charCodeAt(end + 1) !== 10) return 'the reason phrase holds a control character';
  parts.reason = text.slice(13, end);
  return parseFields(text, end + 2, maxFields, parts) ?? finish(parts);
}

/** Parses a trailer section (same form as the fields of a head, RFC 9112 7.1.2) to name, value, … or gives the broken rule. */
export function parseTrailers(text: string, maxFields: number): string[] | Broken {
  const headers: string[] = [];
  return parseFields(text, 0, maxFields, headers) ?? headers;
}

/** True when a line of `text` from `from` on ends with LF alone: seen early, it need not wait for the end of a head that never comes. */
export function hasBareLf(text: string, from: number): boolean {
  for (let at = text.indexOf('\n', from); at >= 0; at = text.indexOf('\n', at + 1)) if (text.charCodeAt(at - 1) !== 13) return true;
  return false;
}

function finish(parts: ResponseHeadParts): ResponseHeadParts {
  const { connection } = parts;
  if (connection !== '' && connection !== 'close' && connection !== 'keep-alive')
    parts.headers = withoutNominated(parts.headers, connection);
  return parts;
}

/** Position of the first character from `at` on that a field value or reason phrase may not hold. */
function scanValue(text: string, at: number): number {
  let i = at;
  for (;;) {
    const code = text.charCodeAt(i);
    if ((code >= 32 && code !== 127) || code === 9) i += 1;
    else return i;
  }
}

function parseFields(text: string, from: number, maxFields: number, into: ResponseHeadParts | string[]): Broken | undefined {
  let at = from;
  let count = 0;
  while (at < text.length) {
    let colon = at;
    while (TOKEN_CHAR[text.charCodeAt(colon)] === 1) colon += 1;
    if (colon === at || text.charCodeAt(colon) !== 58) return describeBadName(text, at, colon);
    let start = colon + 1;
    const end = scanValue(text, start);
    if (text.charCodeAt(end) !== 13 || text.charCodeAt(end + 1) !== 10) return 'a field value holds a control character or a bare CR or LF';
    let stop = end;
    while (start < stop && isBlank(text.charCodeAt(start))) start += 1;
    while (stop > start && isBlank(text.charCodeAt(stop - 1))) stop -= 1;
    count += 1;
    if (count > maxFields) return `it has more than ${maxFields} fields`;
    if (Array.isArray(into)) into.push(text.slice(at, colon), text.slice(start, stop));
    else {
      const broken = addField(text, at, colon, text.slice(start, stop), into);
      if (broken !== undefined) return broken;
    }
    at = end + 2;
  }
  return undefined;
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function describeBadName(text: string, at: number, stop: number): Broken {
  const code = text.charCodeAt(stop);
  if (stop === at && isBlank(code)) return 'a line is folded (obs-fold)';
  if (stop === at && code === 58) return 'a field has an empty name';
  if (isBlank(code)) return 'there is white space between a field name and its colon';
  if (code === 13 || code === 10) return 'a line has no colon';
  return 'a field name holds a character that is no token character';
}

/** Fields are recognised by length first, so that the many which are end-to-end cost one comparison of a number. */
function addField(text: string, at: number, colon: number, value: string, parts: ResponseHeadParts): Broken | undefined {
  switch (colon - at) {
    case 2:
      if (matchesName(text, at, 'te')) return undefined;
      break;
    case 7:
      if (matchesName(text, at, 'trailer')) return undefined;
      if (matchesName(text, at, 'upgrade')) {
        parts.upgrade = parts.upgrade === undefined ? value : `${parts.upgrade}, ${value}`;
        return undefined;
      }
      break;
    case 10:
      if (matchesName(text, at, 'connection')) {
        const options = value.toLowerCase();
        parts.connection = parts.connection === '' ? options : `${parts.connection},${options}`;
        return undefined;
      }
      if (matchesName(text, at, 'keep-alive')) {
        parts.keepAlive = value;
        return undefined;
      }
      break;
    case 14:
      if (matchesName(text, at, 'content-length')) return addContentLength(value, parts);
      break;
    case 16:
      if (matchesName(text, at, 'proxy-connection')) return undefined;
      break;
    case 17:
      if (matchesName(text, at, 'transfer-encoding')) {
        parts.transferEncoding = parts.transferEncoding === undefined ? value : `${parts.transferEncoding}, ${value}`;
        return undefined;
      }
      break;
    case 18:
      if (matchesName(text, at, 'proxy-authenticate')) return undefined;
      break;
    case 19:
      if (matchesName(text, at, 'proxy-authorization')) return undefined;
      break;
    case 25:
      if (matchesName(text, at, 'proxy-authentication-info')) return undefined;
      break;
    default:
  }
  parts.headers.push(text.slice(at, colon), value);
  return undefined;
}

/** RFC 9110 8.6: digits only; the same value again is collapsed, another one is an attempt to split. 15 digits stay exact in a double. */
function addContentLength(value: string, parts: ResponseHeadParts): Broken | undefined {
  let length = 0;
  for (let i = 0; i < value.length; i += 1) {
    const digit = value.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9) || i === 15) return 'Content-Length is not a plain decimal number';
    length = length * 10 + digit;
  }
  if (value === '') return 'Content-Length is empty';
  if (parts.contentLength !== -1 && parts.contentLength !== length) return 'there are two different Content-Length fields';
  parts.contentLength = length;
  return undefined;
}
