import { isIP } from 'node:net';
import { toSafeRegExp } from '../lib/safe-regexp.ts';

/** A rule for texts. */
export interface Format {
  /** What is allowed, for messages: "expected …". */
  readonly expected: string;
  readonly accepts: (text: string) => boolean;
  /** Why a text is refused, where that is not obvious. */
  readonly explain?: (text: string) => string | undefined;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Rules for texts that mean more than text. */
export const FORMATS = {
  nonEmpty: { expected: 'a text that is not empty', accepts: (text) => text !== '' },
  ipOrCidr: { expected: 'an IP address or a CIDR range such as 10.0.0.0/8', accepts: isIpOrCidr },
  hostPattern: {
    expected: 'a host pattern: exact, `*suffix`, `prefix*`, `*part*`, `*`, or `/regex/` with a valid regex',
    accepts: (text) => text !== '' && explainHostPattern(text) === undefined,
    explain: explainHostPattern,
  },
  hostPort: {
    expected: 'HOST:PORT such as 10.0.0.2:53',
    accepts: (text) => /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/.test(text) && Number(text.slice(text.lastIndexOf(':') + 1)) <= 65535,
  },
  headerName: { expected: "the name of a header (letters, digits and !#$%&'*+-.^_`|~)", accepts: (text) => TOKEN.test(text) },
  headerValue: {
    expected: 'the value of a header: one line without control characters',
    accepts: (text) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text),
  },
  key256: {
    expected: '32 bytes as 64 hex digits or as base64 (`openssl rand -base64 32`)',
    accepts: (text) => /^(?:[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=?)$/.test(text),
  },
  httpAddress: {
    expected: 'an address such as http://10.0.0.2:2379 (a bare HOST:PORT is http)',
    accepts: isHttpAddress,
  },
  regexp: { expected: 'a regular expression', accepts: isRegExp, explain: explainRegExp },
  httpUrl: { expected: 'a URL that begins with http:// or https://', accepts: isHttpUrl },
  etcdPrefix: {
    expected: 'a path such as /sekisho, without a slash at its end',
    accepts: (text) => /^\/[^/\s]+(\/[^/\s]+)*$/.test(text),
  },
  cron: {
    expected:
      'five or six fields such as `0 30 3 * * *` (seconds first), or `@every 5m`, `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`',
    accepts: (text) =>
      /^@(every\s+\S+|hourly|daily|midnight|weekly|monthly|yearly|annually)$/.test(text) || /^\S+(\s+\S+){4,5}$/.test(text),
  },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

function isRegExp(text: string): boolean {
  return explainRegExp(text) === undefined;
}

function explainRegExp(text: string): string | undefined {
  try {
    void new RegExp(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function isHttpAddress(text: string): boolean {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!isHttpUrl(address)) return false;
  const { pathname, search, hash, username } = new URL(address);
  return pathname === '/' && search + hash + username === '';
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && hostname !== '';
}

function isIpOrCidr(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash < 0) return isIP(text) !== 0;
  const version = isIP(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  return version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

function explainHostPattern(text: string): string | undefined {
  if (text.length < 2 || !text.startsWith('/') || !text.endsWith('/')) return undefined;
  const result = toSafeRegExp(text.slice(1, -1), { lowerCase: true });
  return 'problem' in result ? result.problem : undefined;
}
