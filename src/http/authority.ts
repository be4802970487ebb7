import { isIPv6 } from 'node:net';

/** 1: a character of a host name as it stands, 2: an upper-case letter. RFC 3986 reg-name without percent-encoding: decoding it would give a host two spellings. */
const HOST_CHAR = new Uint8Array(256);
for (const char of "abcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=") HOST_CHAR[char.charCodeAt(0)] = 1;
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') HOST_CHAR[char.charCodeAt(0)] = 2;

const COLON = 58;
const BRACKET = 91;
const MAX_PORT = 65_535;

/**
 * The host of an authority (`host[:port]`, RFC 3986 3.2 without userinfo): lower case, without port and one trailing dot, an IPv6 literal
 * with its brackets. Undefined when it is none.
 */
export function parseHost(authority: string): string | undefined {
  if (authority.charCodeAt(0) === BRACKET) return parseLiteral(authority);
  let hasUpper = false;
  let end = 0;
  for (; end < authority.length; end += 1) {
    const code = authority.charCodeAt(end);
    const kind = code < 256 ? HOST_CHAR[code] : 0;
    if (kind === 1) continue;
    if (kind === 2) hasUpper = true;
    else if (code === COLON) break;
    else return undefined;
  }
  if (!isPort(authority, end)) return undefined;
  if (end > 1 && authority.charCodeAt(end - 1) === 46) end -= 1;
  else if (end === 0 || authority === '.' || authority.startsWith('.:')) return undefined;
  const host = end === authority.length ? authority : authority.slice(0, end);
  return hasUpper ? host.toLowerCase() : host;
}

function parseLiteral(authority: string): string | undefined {
  const close = authority.indexOf(']');
  if (close < 0 || !isPort(authority, close + 1)) return undefined;
  const address = authority.slice(1, close);
  // A zone (`%eth0`) has a meaning on the client's machine only.
  if (address.includes('%') || !isIPv6(address)) return undefined;
  return authority.slice(0, close + 1).toLowerCase();
}

/** True when `authority` ends at `from` or goes on with `:` and a port, which may be empty (RFC 3986 3.2.3). */
function isPort(authority: string, from: number): boolean {
  if (from === authority.length) return true;
  if (authority.charCodeAt(from) !== COLON || authority.length - from > 6) return false;
  let port = 0;
  for (let i = from + 1; i < authority.length; i += 1) {
    const digit = authority.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return false;
    port = port * 10 + digit;
  }
  return port <= MAX_PORT;
}
