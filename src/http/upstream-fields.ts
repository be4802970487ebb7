import type { RawHeaders } from './exchange.ts';

/** 1 for every octet that a token may hold (RFC 9110 5.6.2), indexed by character code. */
export const TOKEN_CHAR: Uint8Array = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") TOKEN_CHAR[char.charCodeAt(0)] = 1;

/** True for a token of RFC 9110 5.6.2: method, field name, protocol. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (TOKEN_CHAR[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}

/** True for a field value of RFC 9110 5.5 as latin1 text: no control characters but HTAB, nothing beyond U+00FF (it would be cut to another octet). */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127 || code > 255) return false;
  }
  return true;
}

/** Compares `text[start, start + lower.length)` with a lower-case name, ignoring ASCII case, without allocating. */
export function matchesName(text: string, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i += 1) {
    const code = text.charCodeAt(start + i);
    const wanted = lower.charCodeAt(i);
    if (code !== wanted && (code < 65 || code > 90 || code + 32 !== wanted)) return false;
  }
  return true;
}

/** Fields of one HTTP/1 connection, and those that frame a message: whoever sends it makes them. Lower case. */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Fields that a Connection field of an upstream cannot take away: they are for the client, whatever is nominated (RFC 9110 7.6.1). */
const END_TO_END: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'content-range',
  'content-security-policy',
  'cache-control',
  'date',
  'etag',
  'expires',
  'location',
  'set-cookie',
  'strict-transport-security',
  'vary',
  'www-authenticate',
]);

/** `headers` without the fields that the (lower-case) list of connection options nominates. */
export function withoutNominated(headers: string[], options: string): string[] {
  const nominated = new Set<string>();
  for (const option of options.split(',')) {
    const name = option.trim();
    if (!END_TO_END.has(name)) nominated.add(name);
  }
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!nominated.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}

/** Fields without meaning or with danger in a trailer section (RFC 9110 6.5.1): framing, routing, request modifiers, authentication, content format. */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  ...END_TO_END,
  ...CONNECTION_FIELDS,
  'age',
  'authorization',
  'cookie',
  'expect',
  'host',
  'http2-settings',
  'max-forwards',
  'pragma',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'retry-after',
  'warning',
]);

/** `trailers` without the fields that may not stand in a trailer section; the same list when all may. */
export function toSafeTrailers(trailers: RawHeaders): RawHeaders {
  let kept: string[] | undefined;
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    const name = trailers[i] ?? '';
    if (NO_TRAILERS.has(name.toLowerCase())) kept ??= trailers.slice(0, i);
    else kept?.push(name, trailers[i + 1] ?? '');
  }
  return kept ?? trailers;
}
