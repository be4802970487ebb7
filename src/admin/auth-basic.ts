import type { Authenticator } from './auth.ts';
import { headerValue } from './fields.ts';
import { createSecretSet } from './secret-set.ts';

/** HTTP Basic (RFC 7617), UTF-8. */
export function createBasicAuth(users: readonly { readonly username: string; readonly password: string }[]): Authenticator {
  const known = createSecretSet(users.map((user) => `${user.username}:${user.password}`));
  return {
    // DGate's realm: clients may have stored credentials under it.
    challenge: 'Basic realm="Access to DGate Admin API"',
    identify(exchange) {
      const match = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(headerValue(exchange.headers, 'authorization') ?? '');
      if (match?.[1] === undefined) return undefined;
      const index = known.find(Buffer.from(match[1], 'base64').toString('utf8'));
      return index < 0 ? undefined : `basic:${users[index]?.username ?? ''}`;
    },
  };
}
