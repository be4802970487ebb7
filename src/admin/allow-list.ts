import { BlockList, isIP } from 'node:net';
import type { RawHeaders } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';
import { headerList } from './fields.ts';

/** Makes the test of client addresses. Entries are IPs and CIDRs; throws `CONFIG_INVALID` for any other. An empty list admits everybody. */
export function compileAllowList(entries: readonly string[]): (address: string) => boolean {
  if (entries.length === 0) return () => true;
  const list = new BlockList();
  for (const entry of entries) addEntry(list, entry.trim());
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}

function addEntry(list: BlockList, entry: string): void {
  const slash = entry.indexOf('/');
  const address = slash < 0 ? entry : entry.slice(0, slash);
  const family = isIP(address);
  if (family === 0) throw new SekishoError('CONFIG_INVALID', `invalid ${slash < 0 ? 'ip' : 'cidr'} address in admin.allow_list: ${entry}`);
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (slash < 0) return list.addAddress(address, type);
  const prefix = entry.slice(slash + 1);
  const longest = family === 4 ? 32 : 128;
  if (!/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > longest) {
    throw new SekishoError('CONFIG_INVALID', `invalid cidr address in admin.allow_list: ${entry}: the prefix length is 0 to ${longest}`);
  }
  list.addSubnet(address, Number(prefix), type);
}

/**
 * The client's address: the entry of X-Forwarded-For that is `depth`-th from the end (clamped to the first), or the socket's peer when
 * `depth` is 0 or less or the field is absent. Throws `ADMIN_BAD_REQUEST` when that entry is no IP.
 */
export function clientAddress(remoteAddress: string, headers: RawHeaders, depth: number): string {
  if (depth <= 0) return remoteAddress;
  const hops = headerList(headers, 'x-forwarded-for');
  if (hops.length === 0) return remoteAddress;
  const address = unwrap(hops[Math.max(0, hops.length - depth)] ?? '');
  if (isIP(address) === 0) throw new SekishoError('ADMIN_BAD_REQUEST', 'could not parse X-Forwarded-For IP');
  return address;
}

/** `[::1]` and v4-mapped v6 in their plain form. */
function unwrap(address: string): string {
  const bare = address.startsWith('[') && address.endsWith(']') ? address.slice(1, -1) : address;
  return bare.toLowerCase().startsWith('::ffff:') && isIP(bare.slice(7)) === 4 ? bare.slice(7) : bare;
}
