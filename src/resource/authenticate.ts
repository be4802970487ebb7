import type { Exchange } from '../http/exchange.ts';
import { SekishoError } from '../lib/errors.ts';
import type { Identity } from '../lib/identity.ts';
import type { PolicySet } from '../policy/types.ts';
import { fieldValue } from './fields.ts';

/** The part of the identity layer that requests need. */
export interface Identifier {
  /** Undefined when the request has no credentials. Throws IDENTITY_REQUIRED when they are wrong, IDENTITY_UNAVAILABLE when they can't be checked. */
  identify(credentials: RequestCredentials): Promise<Identity | undefined>;
}

export interface RequestCredentials {
  readonly token: string | undefined;
  readonly bearer: string | undefined;
  readonly apiKey: string | undefined;
}

/** Who asks without credentials, where a policy of `Nobody` lets them. */
const NOBODY: Identity = {
  roles: ['Nobody'],
  tenantId: 'nobody',
  tenantName: 'nobody',
  domainId: 'nobody',
  domainName: 'nobody',
  scope: 'tenant',
  principal: 'nobody',
};

/** Who makes the request. Credentials that are sent must be valid, also where none are needed. Throws IDENTITY_REQUIRED. */
export async function authenticate(exchange: Exchange, identifier: Identifier, policies: PolicySet): Promise<Identity> {
  const credentials = credentialsOf(exchange);
  const identity = credentials === undefined ? undefined : await identifier.identify(credentials);
  if (identity !== undefined) return identity;
  if (policies.isAnonymous(exchange.path)) return NOBODY;
  throw new SekishoError('IDENTITY_REQUIRED', 'No X-Auth-Token: the request needs credentials.');
}

/** The field that a 401 must have (RFC 9110 §11.6.1). */
export const CHALLENGE = ['WWW-Authenticate', 'Bearer realm="sekisho"'] as const;

function credentialsOf({ headers }: Exchange): RequestCredentials | undefined {
  const authorization = fieldValue(headers, 'authorization');
  const bearer = authorization !== undefined && /^bearer /i.test(authorization) ? authorization.slice(7).trim() : undefined;
  const token = fieldValue(headers, 'x-auth-token') ?? cookieValue(fieldValue(headers, 'cookie'), 'Auth-Token');
  const apiKey = fieldValue(headers, 'x-api-key');
  return token || bearer || apiKey ? { token: token || undefined, bearer: bearer || undefined, apiKey: apiKey || undefined } : undefined;
}

function cookieValue(cookies: string | undefined, name: string): string | undefined {
  if (cookies === undefined) return undefined;
  for (const cookie of cookies.split(/[;,]/)) {
    const at = cookie.indexOf('=');
    if (at > 0 && cookie.slice(0, at).trim() === name) return cookie.slice(at + 1).trim();
  }
  return undefined;
}
