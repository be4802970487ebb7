import { SekishoError } from '../lib/errors.ts';
import { createKeystoneClient, type KeystoneAnswer, unavailable } from './keystone-client.ts';
import { fromKeystoneToken } from './keystone-token.ts';
import { refuse } from './refuse.ts';
import { createServiceToken } from './service-token.ts';
import { parseServiceUrl } from './service-url.ts';
import type { Identification, IdentityProvider } from './types.ts';

export interface KeystoneOptions {
  /** Ends in `/v3`. */
  readonly authUrl: string;
  readonly userName: string;
  readonly password: string;
  /** Of the service user and its project. */
  readonly domainName?: string;
  readonly tenantName?: string;
  /** Whether identities may be remembered (default true) and for how many milliseconds. A revoked token works so long. */
  readonly useCache?: boolean;
  readonly cacheTtlMs?: number;
  readonly timeoutMs?: number;
}

const DEFAULTS = { domainName: 'Default', tenantName: 'admin', useCache: true, cacheTtlMs: 900_000, timeoutMs: 10_000 };

/**
 * Keystone v3: every token is validated by the service, which is asked with a token of the gateway's own user. Throws CONFIG_INVALID for
 * another version; `identify` rejects with IDENTITY_UNAVAILABLE while Keystone does not answer or does not trust the gateway.
 */
export function createKeystoneProvider(options: KeystoneOptions): IdentityProvider {
  const { domainName, tenantName, useCache, cacheTtlMs, timeoutMs } = { ...DEFAULTS, ...options };
  // Keystone is often plain http inside a private network, and Gohan's configurations say so.
  const url = parseServiceUrl(options.authUrl, 'keystone.auth_url', { allowHttp: true }).href.replace(/\/$/, '');
  if (!url.endsWith('/v3')) {
    throw new SekishoError('CONFIG_INVALID', `Unsupported keystone version: keystone.auth_url is ${options.authUrl}; it must end in /v3`);
  }
  const client = createKeystoneClient(url, timeoutMs);
  const service = createServiceToken(client, { userName: options.userName, password: options.password, domainName, tenantName });

  const validate = async (token: string): Promise<KeystoneAnswer> => {
    const own = await service.get();
    const answer = await client.validate(own, token);
    if (answer.status !== 401) return answer;
    // Our own token was revoked, or Keystone has lost it: once more with a new one.
    return client.validate(await service.get(own), token);
  };

  const check = async (token: string): Promise<Identification> => {
    const { status, body } = await validate(token);
    if (status === 404) return toRefusal(body);
    if (status !== 200)
      throw unavailable(
        `Keystone answers ${status} to the validation of a token: the service user ${options.userName} may not validate tokens`,
      );
    const found = fromKeystoneToken((body as { token?: unknown } | undefined)?.token, useCache ? Date.now() + cacheTtlMs : 0);
    if (found === undefined) throw unavailable('Keystone answers 200, but with no token object');
    return found;
  };

  return {
    name: 'keystone',
    identify({ token, bearer }) {
      const text = token ?? bearer;
      return text === undefined ? Promise.resolve(undefined) : check(text);
    },
    close: () => client.close(),
  };
}

/** Keystone answers 404 to unknown, expired and revoked tokens; only its message tells them apart. */
function toRefusal(body: unknown): Identification {
  const message = (body as { error?: { message?: unknown } } | undefined)?.error?.message;
  const text = typeof message === 'string' ? message : '';
  return refuse(/expired/i.test(text) ? 'expired' : /revoked/i.test(text) ? 'revoked' : 'unknown_token');
}
