import { BlockList, isIP } from 'node:net';
import { SekishoError } from '../lib/errors.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Throws `CONFIG_INVALID` when the admin API would listen beyond this machine without asking for credentials. An empty host is every address. */
export function assertSafeListen(host: string, authMethod: string): void {
  if (authMethod !== 'none' || isLoopback(host)) return;
  throw new SekishoError(
    'CONFIG_INVALID',
    `admin.host ${host === '' ? '(every address)' : `"${host}"`} is reachable from other machines, but admin.auth_method is none. Set auth_method to basic, key or jwt, or host to 127.0.0.1.`,
  );
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const family = isIP(bare);
  return family !== 0 && LOOPBACK.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}
