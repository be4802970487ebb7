/** Where `canonicalise` puts its result, so that the hot path makes no object for it. */
export interface TargetParts {
  target: string;
  path: string;
  query: string;
}

const PLAIN = 1;
const DOT = 2;
const PERCENT = 3;
const QUESTION = 4;
const ENCODE = 5;

/** What a character of a target is. 0 = never allowed: controls, space, `#`, backslash, everything beyond ASCII. */
const KIND = new Uint8Array(256);
for (const char of "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~!$&'()*+,;=:@[]") KIND[char.charCodeAt(0)] = PLAIN;
// RFC 3986 has no place for these, yet browsers send them: they travel percent-encoded, which every upstream reads alike.
for (const char of '"<>^`{|}') KIND[char.charCodeAt(0)] = ENCODE;
KIND[46] = DOT;
KIND[37] = PERCENT;
KIND[63] = QUESTION;

const SLASH = 47;

/** unreserved of RFC 3986 2.3: what is decoded when it comes percent-encoded. */
const UNRESERVED = new Uint8Array(256);
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~') UNRESERVED[char.charCodeAt(0)] = 1;

/**
 * Makes the one canonical form of an origin-form target (RFC 3986 6.2.2): percent-encoding in upper case, unreserved characters decoded,
 * dot segments removed; `//` and `%2F` stay. It is a fixed point: a canonical target is given back as it is.
 * Writes `out` and gives undefined, or gives the rule that `raw` breaks.
 */
export function canonicalise(raw: string, out: TargetParts): string | undefined {
  if (raw.charCodeAt(0) !== SLASH) return 'the target does not begin with "/"';
  let question = -1;
  let previous = 0;
  for (let i = 0; i < raw.length; i += 1) {
    const code = raw.charCodeAt(i);
    const kind = code < 256 ? KIND[code] : 0;
    if (kind !== PLAIN) {
      if (kind === QUESTION) {
        if (question < 0) question = i;
      } else if (kind !== DOT || (previous === SLASH && question < 0)) return canonicaliseSlowly(raw, out);
    }
    previous = code;
  }
  out.target = raw;
  out.path = question < 0 ? raw : raw.slice(0, question);
  out.query = question < 0 ? '' : raw.slice(question + 1);
  return undefined;
}

function canonicaliseSlowly(raw: string, out: TargetParts): string | undefined {
  let text = '';
  let question = -1;
  for (let i = 0; i < raw.length; i += 1) {
    const code = raw.charCodeAt(i);
    const kind = code < 256 ? KIND[code] : 0;
    if (kind === 0) return brokenCharacter(code);
    if (kind === PERCENT) {
      const octet = hexValue(raw.charCodeAt(i + 1)) * 16 + hexValue(raw.charCodeAt(i + 2));
      if (!(octet >= 0)) return 'the target has a "%" without two hexadecimal digits behind it';
      if (octet === 0) return 'the target has an encoded NUL (%00)';
      text += UNRESERVED[octet] === 1 ? String.fromCharCode(octet) : encodeOctet(octet);
      i += 2;
    } else if (kind === ENCODE) text += encodeOctet(code);
    else {
      if (kind === QUESTION && question < 0) question = text.length;
      text += raw[i];
    }
  }
  const path = removeDotSegments(question < 0 ? text : text.slice(0, question));
  out.path = path;
  out.query = question < 0 ? '' : text.slice(question + 1);
  out.target = question < 0 ? path : path + text.slice(question);
  return undefined;
}

/** RFC 3986 5.2.4 for a path that begins with `/`; empty segments stay. */
function removeDotSegments(path: string): string {
  if (!path.includes('/.')) return path;
  const segments = path.split('/');
  const kept: string[] = [];
  const last = segments.length - 1;
  for (let i = 1; i <= last; i += 1) {
    const segment = segments[i] as string;
    const isDots = segment === '.' || segment === '..';
    if (segment === '..') kept.pop();
    if (!isDots) kept.push(segment);
    else if (i === last) kept.push('');
  }
  return `/${kept.join('/')}`;
}

function brokenCharacter(code: number): string {
  if (code === 35) return 'the target has a fragment ("#"), which never goes to a server';
  if (code === 92) return 'the target has a backslash';
  return `the target has the character 0x${code.toString(16).padStart(2, '0')}, which must be percent-encoded`;
}

function encodeOctet(octet: number): string {
  return (octet < 16 ? '%0' : '%') + octet.toString(16).toUpperCase();
}

/** 0-15, or NaN. */
function hexValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : Number.NaN;
}
