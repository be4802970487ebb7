import { FAKE_USERS, toFakeIdentity } from './fake-tokens.ts';
import { refuse } from './refuse.ts';
import type { Identification, IdentityProvider } from './types.ts';

/** The fixed development tokens of Gohan's fake Keystone (`admin_token`, `demo_token`, …). Not for a listener that others can reach. */
export function createFakeProvider(): IdentityProvider {
  const known = new Map<string, Identification>(
    [...FAKE_USERS].map(([token, user]) => [token, { ok: true, identity: toFakeIdentity(user), validUntil: Number.MAX_SAFE_INTEGER }]),
  );
  return {
    name: 'fake',
    identify({ token, bearer }) {
      const text = token ?? bearer;
      return Promise.resolve(text === undefined ? undefined : (known.get(text) ?? refuse('unknown_token', 'authentication error')));
    },
    close() {},
  };
}
