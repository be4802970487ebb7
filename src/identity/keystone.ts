import { unavailable } from './keystone-client.ts';
import type { KeystoneOptions, KeystoneSession } from './keystone-session.ts';
import { fromKeystoneToken } from './keystone-token.ts';
import { refuse } from './refuse.ts';
import type { Identification, IdentityProvider } from './types.ts';

const DEFAULTS = { useCache: true, cacheTtlMs: 900_000 };

/**
 * Keystone v3: every token is validated by the service. `identify` rejects with IDENTITY_UNAVAILABLE while Keystone does not answer or does not
 * trust the gateway. Closes the session.
 */
export function createKeystoneProvider(
  session: KeystoneSession,
  options: Pick<KeystoneOptions, 'useCache' | 'cacheTtlMs'> = {},
): IdentityProvider {
  const { useCache, cacheTtlMs } = { ...DEFAULTS, ...options };

  const check = async (token: string): Promise<Identification> => {
    const { status, body } = await session.validate(token);
    if (status === 404) return toRefusal(body);
    if (status !== 200) {
      const problem = `Keystone answers ${status} to the validation of a token: the service user ${session.userName} may not validate tokens`;
      throw unavailable(problem);
    }
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
    close: () => session.close(),
  };
}

/** Keystone answers 404 to unknown, expired and revoked tokens; only its message tells them apart. */
function toRefusal(body: unknown): Identification {
  const message = (body as { error?: { message?: unknown } } | undefined)?.error?.message;
  const text = typeof message === 'string' ? message : '';
  return refuse(/expired/i.test(text) ? 'expired' : /revoked/i.test(text) ? 'revoked' : 'unknown_token');
}
