import type { Settings } from '../config/settings.ts';
import { type AdminServer, callAdmin, parseAdminUrl } from './admin-call.ts';
import type { CommandContext } from './command.ts';
import { usageFailure } from './failure.ts';
import { readModelSettings } from './read-schemas.ts';

type Admin = NonNullable<Settings['admin']>;

/** Calls of the gateway that the flags name; with `--config`, and without `--admin`, of the one that runs with that file, with credentials of the file. */
export function callerOf(context: CommandContext): CommandContext['call'] {
  const { given, io } = context;
  if (!given.has('config') || given.has('admin')) return (request) => context.call(request);
  const { settings, path } = readModelSettings(context);
  if (settings.admin === undefined) throw usageFailure(`${path} has no section \`admin\`; name the gateway with --admin URL`);
  const server = toServer(settings.admin, path);
  const onCall = context.flags.verbose === true && { onCall: (line: string) => io.out(`${line}\n`) };
  return (request) => callAdmin({ ...server, ...onCall, follow: context.flags.follow === true }, request);
}

function toServer({ host, port, authMethod, basicAuth, keyAuth }: Admin, path: string): Pick<AdminServer, 'url' | 'credentials'> {
  if (port === 0) throw usageFailure(`${path}: admin.port is 0, a free port that only the log tells; name the gateway with --admin URL`);
  const url = parseAdminUrl(`http://${toReachable(host)}:${port}`, `${path}: admin.host`);
  const [user] = basicAuth?.users ?? [];
  const [key] = keyAuth?.keys ?? [];
  if (authMethod === 'basic' && user !== undefined)
    return { url, credentials: { authorization: `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}` } };
  if (authMethod === 'key' && key !== undefined) {
    const { queryParamName, headerName = 'X-DGate-Key' } = keyAuth ?? {};
    if (queryParamName === undefined) return { url, credentials: { [headerName]: key } };
    url.searchParams.set(queryParamName, key);
  }
  if (authMethod === 'jwt')
    throw usageFailure(`${path} has auth_method jwt, and no token is in it; name the gateway with --admin URL and --token JWT`);
  return { url, credentials: {} };
}

/** Where a listener on all addresses is reached from here. */
function toReachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
