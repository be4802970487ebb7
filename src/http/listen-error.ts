import { SekishoError } from '../lib/errors.ts';

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use. Stop the program that has it, or choose another port',
  EACCES: 'permission denied. Ports below 1024 need privileges; choose a higher port or grant CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'this machine has no such address. Use one of its own, 127.0.0.1, or 0.0.0.0 for all',
  ENOTFOUND: 'the host name does not resolve. Use an IP address',
};

/** Why a listener could not be opened, in words that name the setting (`proxy.port`, also the pointer) and the way out. */
export function listenError(cause: NodeJS.ErrnoException, setting: string, host: string, port: number): SekishoError {
  const why = ADVICE[cause.code ?? ''] ?? cause.message;
  const address = host.includes(':') ? `[${host}]` : host === '' ? '*' : host;
  const detail = `${setting}: cannot listen on ${address}:${port}: ${why}.`;
  return new SekishoError('LISTEN_FAILED', detail, { errors: [{ pointer: setting, detail }], cause });
}
