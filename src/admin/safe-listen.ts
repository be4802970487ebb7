import { SekishoError } from '../lib/errors.ts';
import { isLoopback } from '../lib/loopback.ts';

/** Throws `CONFIG_INVALID` when the admin API would listen beyond this machine without asking for credentials. An empty host is every address. */
export function assertSafeListen(host: string, authMethod: string): void {
  if (authMethod !== 'none' || isLoopback(host)) return;
  throw new SekishoError(
    'CONFIG_INVALID',
    `admin.host ${host === '' ? '(every address)' : `"${host}"`} is reachable from other machines, but admin.auth_method is none. Set auth_method to basic, key or jwt, or host to 127.0.0.1.`,
  );
}
