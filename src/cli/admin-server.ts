import { type AdminServer, parseAdminUrl } from './admin-call.ts';
import { usageFailure } from './failure.ts';
import { type Flags, flagText } from './flags.ts';
import type { CliIo } from './io.ts';

/** The server that the flags and the environment name. Asks for the password when `--auth` has none. Throws a usage `Failure`. */
export async function toAdminServer(flags: Flags, io: CliIo): Promise<AdminServer> {
  const url = parseAdminUrl(flagText(flags, 'admin'));
  const credentials = await toCredentials(flags, url, io);
  url.username = '';
  url.password = '';
  return { url, credentials, follow: flags.follow === true, ...(flags.verbose && { onCall: (line: string) => io.out(`${line}\n`) }) };
}

async function toCredentials(flags: Flags, url: URL, io: CliIo): Promise<Readonly<Record<string, string>>> {
  const apiKey = flagText(flags, 'api-key');
  const token = flagText(flags, 'token');
  const fromUrl = url.username ? [url.username, url.password].map(decodeURIComponent).join(':') : undefined;
  const auth = flagText(flags, 'auth') ?? fromUrl;
  if (auth !== undefined && token !== undefined) throw usageFailure('--auth and --token exclude each other');
  const key = apiKey === undefined ? {} : { [toHeaderName(flagText(flags, 'api-key-header'))]: apiKey };
  if (token !== undefined) return { ...key, authorization: `Bearer ${token}` };
  if (auth === undefined) return key;
  const pair = auth.includes(':') ? auth : `${auth}:${await io.readPassword(`password for ${auth}:`)}`;
  return { ...key, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function toHeaderName(name = 'X-DGate-Key'): string {
  if (/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name)) return name;
  throw usageFailure(`--api-key-header: found '${name}', allowed is the name of a header, such as X-API-Key`);
}
