import type { Exchange } from '../http/exchange.ts';
import { createBasicAuth } from './auth-basic.ts';
import { createJwtAuth } from './auth-jwt.ts';
import { createKeyAuth } from './auth-key.ts';
import type { AdminAuthOptions } from './types.ts';

/** Who calls, as history and events name them (`admin`, `basic:ann`, `key:1f8a03c2`, `jwt:ann`); `undefined` when the credentials are missing or wrong. */
export type Identify = (exchange: Exchange) => string | undefined | Promise<string | undefined>;

export interface Authenticator {
  readonly identify: Identify;
  /** Value of WWW-Authenticate of a 401, if this method has one. */
  readonly challenge: string | undefined;
}

/** Makes the check of credentials. Keys and secrets are read and prepared here; throws `CONFIG_INVALID` when they can't be used. */
export function createAuthenticator(options: AdminAuthOptions): Authenticator {
  if (options.method === 'basic') return createBasicAuth(options.users);
  if (options.method === 'key') return createKeyAuth(options);
  if (options.method === 'jwt') return createJwtAuth(options);
  return { identify: () => 'admin', challenge: undefined };
}
