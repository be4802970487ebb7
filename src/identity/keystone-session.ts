import { SekishoError } from '../lib/errors.ts';
import { createKeystoneClient, type KeystoneAnswer } from './keystone-client.ts';
import { createServiceToken } from './service-token.ts';
import { parseServiceUrl } from './service-url.ts';

/** Where Keystone is, and as whom the gateway asks it. */
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
  /** Also how old the list of tenants may be. */
  readonly cacheTtlMs?: number;
  readonly timeoutMs?: number;
}

/** Questions to one Keystone as the gateway's own user. All reject with IDENTITY_UNAVAILABLE when Keystone does not answer. */
export interface KeystoneSession {
  readonly userName: string;
  /** GET /auth/tokens. */
  validate(token: string): Promise<KeystoneAnswer>;
  /** GET of one page of a collection; `query` begins with `?` or is empty. */
  page(collection: string, query: string): Promise<KeystoneAnswer>;
  close(): void;
}

const DEFAULTS = { domainName: 'Default', tenantName: 'admin', timeoutMs: 10_000 };

/** Opens a session; it logs in with the first question. Throws CONFIG_INVALID for another version than 3. */
export function createKeystoneSession(options: KeystoneOptions): KeystoneSession {
  const { userName, password, domainName, tenantName, timeoutMs } = { ...DEFAULTS, ...options };
  // Keystone is often plain http inside a private network, and Gohan's configurations say so.
  const url = parseServiceUrl(options.authUrl, 'keystone.auth_url', { allowHttp: true }).href.replace(/\/$/, '');
  if (!url.endsWith('/v3')) {
    throw new SekishoError('CONFIG_INVALID', `Unsupported keystone version: keystone.auth_url is ${options.authUrl}; it must end in /v3`);
  }
  const client = createKeystoneClient(url, timeoutMs);
  const service = createServiceToken(client, { userName, password, domainName, tenantName });

  const ask = async (question: (own: string) => Promise<KeystoneAnswer>): Promise<KeystoneAnswer> => {
    const own = await service.get();
    const answer = await question(own);
    if (answer.status !== 401) return answer;
    // Our own token was revoked, or Keystone has lost it: once more with a new one.
    return question(await service.get(own));
  };

  return {
    userName,
    validate: (token) => ask((own) => client.validate(own, token)),
    page: (collection, query) => ask((own) => client.page(own, collection, query)),
    close: () => client.close(),
  };
}
