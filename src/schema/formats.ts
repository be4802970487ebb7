import { isIPv6 } from 'node:net';
import { compilePattern } from './pattern.ts';

interface Format {
  readonly matches: (text: string) => boolean;
  /** For the reference of schema files. */
  readonly doc: string;
}

const OCTET = '(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}(?:%[\\p{N}\\p{L}]+)?$`, 'u');
const IPV4_CIDR = new RegExp(`^(${OCTET})\\.(${OCTET})\\.(${OCTET})\\.(${OCTET})/([0-9]|[12][0-9]|3[0-2])$`);
const HEX = (digits: number): string => `[0-9a-f]{${digits}}`;
const HYPHENATED = `${HEX(8)}-${HEX(4)}-[1-5]${HEX(3)}-${HEX(4)}-${HEX(12)}`;
const PLAIN = `${HEX(12)}[1-5]${HEX(19)}`;
const UUID = new RegExp(`^(?:urn:uuid:)?(?:(?:${HYPHENATED}|${PLAIN})|\\{(?:${HYPHENATED}|${PLAIN})\\})$`, 'i');
const HYPHENATED_UUID = new RegExp(`^${HYPHENATED}$`, 'i');
const PLAIN_UUID = new RegExp(`^${PLAIN}$`, 'i');
const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;
const LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const HOSTNAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);
const EMAIL = new RegExp(`^[A-Za-z0-9.!#$%&'*+/=?^_\`{|}~-]+@${LABEL}(?:\\.${LABEL})*$`);
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[!#$&-;=?-Z_a-z~[\]]|%[0-9A-Fa-f]{2})+$/;
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const LABELS = '(?:-[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?';
const VERSION = new RegExp(`^v?\\d+(?:\\.\\d+)?(?:\\.\\d+)?${LABELS}$`);
const WILD_VERSION = `v?(?:\\d+|[xX*])(?:\\.(?:\\d+|[xX*])){0,2}${LABELS}`;
const CONSTRAINT = new RegExp(`^\\s*(?:=|!=|>|<|>=|=>|<=|=<|~|~>|\\^)?\\s*${WILD_VERSION}\\s*$`);
const VERSION_RANGE = new RegExp(`^\\s*${WILD_VERSION}\\s+-\\s+${WILD_VERSION}\\s*$`);

const always = (): boolean => true;

/** Every format that a schema may name. They judge texts alone: null and other types pass. An unknown format is an error of the schema file. */
export const FORMATS: Readonly<Record<string, Format>> = {
  'date-time': { matches: isDateTime, doc: 'A time with its zone (RFC 3339), `2026-11-21T07:30:00Z`.' },
  hostname: { matches: (text) => text.length < 256 && HOSTNAME.test(text), doc: 'A host name.' },
  email: { matches: (text) => EMAIL.test(text), doc: 'An address, `name@host`.' },
  ipv4: { matches: (text) => IPV4.test(text), doc: 'A dotted quad without leading zeros; `%zone` may follow.' },
  ipv6: { matches: isPlainIpv6, doc: 'An IPv6 address.' },
  uri: { matches: (text) => URI.test(text), doc: 'An absolute URI, with its scheme.' },
  mac: { matches: (text) => MAC.test(text), doc: 'Six two-digit hexadecimal groups, `00:1a:2b:3c:4d:5e`.' },
  cidr: { matches: isCidr, doc: 'An IPv4 or IPv6 network or address with its mask, `10.0.0.1/8`; no leading zeros in IPv4.' },
  'ipv4-network': { matches: isIpv4Network, doc: 'An IPv4 CIDR whose host bits are zero, `10.0.0.0/8`.' },
  'ipv4-address-with-cidr': {
    matches: isIpv4Host,
    doc: 'An IPv4 CIDR that names a host: neither the network nor the broadcast address, but any address of a `/31`.',
  },
  'cidr-or-ipv4': {
    matches: (text) => IPV4.test(text) || isIpv4Network(text) || isIpv4Host(text),
    doc: '`ipv4`, `ipv4-network` or `ipv4-address-with-cidr`.',
  },
  regex: { matches: (text) => 'regExp' in compilePattern(text), doc: 'A regular expression in RE2 syntax.' },
  uuid: { matches: (text) => UUID.test(text), doc: 'A UUID of version 1-5; hyphens, braces and `urn:uuid:` are optional.' },
  'hyph-uuid': { matches: (text) => HYPHENATED_UUID.test(text), doc: 'A UUID of version 1-5 with hyphens.' },
  'non-hyph-uuid': { matches: (text) => PLAIN_UUID.test(text), doc: 'A UUID of version 1-5 without hyphens: 32 digits.' },
  port: { matches: isPort, doc: 'A port number as text, `1` to `65535`.' },
  version: { matches: (text) => VERSION.test(text), doc: 'A semantic version; `v1` and `1.2` are fine.' },
  'version-constraint': { matches: isConstraint, doc: 'Versions that are accepted, `>=1.2, <2` or a wildcard.' },
  yaml: { matches: always, doc: 'Any text.' },
  text: { matches: always, doc: 'Any text.' },
  javascript: { matches: always, doc: 'Any text.' },
};

function isDateTime(text: string): boolean {
  const [, year, month, day] = DATE_TIME.exec(text) ?? [];
  if (day === undefined) return false;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function isPlainIpv6(text: string): boolean {
  return !text.includes('%') && isIPv6(text);
}

function isCidr(text: string): boolean {
  if (IPV4_CIDR.test(text)) return true;
  const [, address = '', mask = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  return isPlainIpv6(address) && Number(mask) <= 128;
}

interface Ipv4Cidr {
  readonly bits: number;
  /** The part of the address behind the mask, and the largest that it can be. */
  readonly host: number;
  readonly broadcast: number;
}

function toIpv4Cidr(text: string): Ipv4Cidr | undefined {
  const found = IPV4_CIDR.exec(text);
  if (found === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = found.slice(1).map(Number);
  const size = 2 ** (32 - bits);
  return { bits, host: (((a * 256 + b) * 256 + c) * 256 + d) % size, broadcast: size - 1 };
}

function isIpv4Network(text: string): boolean {
  return toIpv4Cidr(text)?.host === 0;
}

function isIpv4Host(text: string): boolean {
  const cidr = toIpv4Cidr(text);
  return cidr !== undefined && (cidr.bits === 31 || (cidr.host !== 0 && cidr.host !== cidr.broadcast));
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

function isConstraint(text: string): boolean {
  return text.split('||').every((either) => either.split(',').every((part) => CONSTRAINT.test(part) || VERSION_RANGE.test(part)));
}
