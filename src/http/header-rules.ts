import type { RawHeaders } from './exchange.ts';
import { matchesName } from './upstream-fields.ts';

const FORWARDED_PREFIX = 'x-forwarded-';
/** Names that the gateway itself sets on requests: a client's twin with underscores would be read as them by CGI-like upstreams. */
const MANAGED_PREFIXES = [FORWARDED_PREFIX, 'x-dgate-', 'x-sekisho-'] as const;
const MANAGED_WITH_DASH: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'x-real-ip',
  'keep-alive',
  'http2-settings',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
]);

/** Fields that `Connection` may not take away (RFC 9110 7.6.1 with the incidents of other proxies): framing, routing, forwarding, credentials. */
const NOT_NOMINABLE: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'host',
  'expect',
  'forwarded',
  'via',
  'x-real-ip',
  'authorization',
  'cookie',
]);

/** True when `name` is `lower` (which is lower case) regardless of ASCII case. Allocates nothing. */
export function isName(name: string, lower: string): boolean {
  return name === lower || (name.length === lower.length && matchesName(name, 0, lower));
}

/** The index of the first field called `lower` in `headers`, or -1. */
export function indexOfField(headers: RawHeaders, lower: string): number {
  for (let i = 0; i < headers.length; i += 2) if (isName(headers[i] as string, lower)) return i;
  return -1;
}

/** The value of the first field called `lower`, or undefined. */
export function fieldValue(headers: RawHeaders, lower: string): string | undefined {
  const index = indexOfField(headers, lower);
  return index < 0 ? undefined : headers[index + 1];
}

/** True for a field that a request may not carry across the gateway: hop-by-hop, Host and framing (made anew), expectations, all forwarding fields, and those by which the gateway names itself. */
function isStripped(name: string): boolean {
  switch (name.length) {
    case 4:
      return isName(name, 'host');
    case 6:
      return isName(name, 'expect');
    case 7:
      return isName(name, 'upgrade') || isName(name, 'trailer');
    case 9:
      return isName(name, 'forwarded') || isName(name, 'x-real-ip');
    case 10:
      return isName(name, 'keep-alive');
    case 12:
      return isName(name, 'x-dgate-tags');
    case 13:
      return isName(name, 'x-dgate-route') || matchesName(name, 0, FORWARDED_PREFIX);
    case 14:
      return isName(name, 'content-length') || isName(name, 'http2-settings') || matchesName(name, 0, FORWARDED_PREFIX);
    case 15:
      return isName(name, 'x-dgate-service') || matchesName(name, 0, FORWARDED_PREFIX);
    case 17:
      return isName(name, 'transfer-encoding') || isName(name, 'x-dgate-namespace') || matchesName(name, 0, FORWARDED_PREFIX);
    case 16:
      return isName(name, 'proxy-connection') || matchesName(name, 0, FORWARDED_PREFIX);
    case 18:
      return isName(name, 'proxy-authenticate') || matchesName(name, 0, FORWARDED_PREFIX);
    case 19:
      return isName(name, 'proxy-authorization') || matchesName(name, 0, FORWARDED_PREFIX);
    default:
      // The char test keeps the long comparison away from nearly every name: 'x' or 'X', then '-'.
      return name.length > 12 && (name.charCodeAt(0) | 0x20) === 0x78 && matchesName(name, 0, FORWARDED_PREFIX);
  }
}

/**
 * Appends to `out` the fields of a client's request that go on to an upstream. Left out are: Host, framing, Connection and what it
 * nominates, the other hop-by-hop fields (RFC 9110 7.6.1), Expect, HTTP2-Settings, Forwarded, X-Real-IP, every X-Forwarded-*,
 * and X-DGate-Service, -Route, -Namespace and -Tags, which only the gateway says.
 * `TE` survives as `trailers` if it says so. Expects headers that passed the guard.
 */
export function stripRequestHeaders(headers: RawHeaders, out: string[]): void {
  const start = out.length;
  let nominated: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    if (name.length === 10 && isName(name, 'connection')) {
      if (!isPlainConnection(value)) nominated = nominated === undefined ? value : `${nominated},${value}`;
    } else if (name.length === 2 && isName(name, 'te')) {
      if (hasToken(value, 'trailers')) out.push('TE', 'trailers');
    } else if (!isStripped(name)) out.push(name, value);
  }
  if (nominated !== undefined) removeNominated(out, start, nominated);
}

/** Drops from `out[start…]` the fields that the Connection options name. TE stays: it was re-made above. */
function removeNominated(out: string[], start: number, options: string): void {
  const names = listTokens(options);
  let kept = start;
  for (let i = start; i < out.length; i += 2) {
    const name = (out[i] as string).toLowerCase();
    if (name !== 'te' && names.includes(name)) continue;
    out[kept] = out[i] as string;
    out[kept + 1] = out[i + 1] as string;
    kept += 2;
  }
  out.length = kept;
}

/** True for the Connection values that nominate no field. */
export function isPlainConnection(value: string): boolean {
  return isName(value, 'keep-alive') || isName(value, 'close') || isName(value, 'upgrade');
}

/** The elements of a comma-separated list, trimmed and in lower case, empty ones left out. */
export function listTokens(value: string): string[] {
  const tokens: string[] = [];
  for (const element of value.split(',')) {
    const token = element.trim().toLowerCase();
    if (token !== '') tokens.push(token);
  }
  return tokens;
}

/** True when the comma-separated `value` has the (lower-case) `token` as an element; parameters of the element are ignored. */
export function hasToken(value: string, token: string): boolean {
  if (isName(value, token)) return true;
  if (value.length <= token.length) return false;
  return listTokens(value).some((element) => element === token || element.startsWith(`${token};`));
}

/** True for a (lower-case) field name that a client's `Connection` may not nominate. */
export function isProtectedFromNomination(name: string): boolean {
  return NOT_NOMINABLE.has(name) || name.startsWith(FORWARDED_PREFIX);
}

/** True for a name with an underscore that stands for a field which the gateway itself sets or strips (`X_Forwarded_For`, `content_length`). */
export function isManagedTwin(name: string): boolean {
  const dashed = name.toLowerCase().replaceAll('_', '-');
  return MANAGED_WITH_DASH.has(dashed) || MANAGED_PREFIXES.some((prefix) => dashed.startsWith(prefix));
}
