import type { Exchange } from '../http/exchange.ts';
import type { Identifier } from '../identity/identify.ts';
import { IdentityError } from '../identity/identity-error.ts';
import type { Credentials } from '../identity/types.ts';
import type { SekishoError } from '../lib/errors.ts';
import type { Identity } from '../lib/identity.ts';
import type { PolicySet } from '../policy/types.ts';
import { fieldValue } from './fields.ts';
import { toPlainPath } from './path-shape.ts';

/** Who makes the request; without credentials somebody only where a policy of `Nobody` has the path. Throws IDENTITY_REQUIRED or IDENTITY_UNAVAILABLE. */
export async function authenticate(exchange: Exchange, identifier: Pick<Identifier, 'identify'>, policies: PolicySet): Promise<Identity> {
  const credentials = credentialsOf(exchange);
  return await identifier.identify(credentials, isNone(credentials) && policies.isAnonymous(toPlainPath(exchange.path)));
}

/** A refusal as the caller is to learn it: somebody who is not identified, and may not as Nobody, may as somebody else. */
export function toRefusal(exchange: Exchange, error: SekishoError): SekishoError {
  return error.code === 'POLICY_DENIED' && isNone(credentialsOf(exchange)) ? new IdentityError('missing', error.message) : error;
}

function isNone({ token, bearer, apiKey }: Credentials): boolean {
  return token === undefined && bearer === undefined && apiKey === undefined;
}

/** The credentials in the head of a request; those that are empty are not there. */
export function credentialsOf(exchange: Exchange): Credentials {
  const { headers } = exchange;
  const authorization = fieldValue(headers, 'authorization');
  const bearer = authorization !== undefined && /^bearer /i.test(authorization) ? authorization.slice(7).trim() : undefined;
  const token =
    fieldValue(headers, 'x-auth-token') || (isOwnWill(exchange) ? cookieValue(fieldValue(headers, 'cookie'), 'Auth-Token') : '');
  return { token: token || undefined, bearer: bearer || undefined, apiKey: fieldValue(headers, 'x-api-key') || undefined };
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a cookie speaks for its user: browsers add it also to what a page of another site sends, which must not write in the user's name, nor
 * talk over a WebSocket, which no rule of CORS guards.
 * They tell by Sec-Fetch-Site, older ones by Origin, where the page came from.
 */
function isOwnWill({ method, headers, authority, upgrade }: Exchange): boolean {
  if (READING.has(method) && upgrade === undefined) return true;
  const site = fieldValue(headers, 'sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = fieldValue(headers, 'origin');
  if (origin === undefined) return true;
  const page = URL.parse(origin);
  // The scheme is not compared, since TLS may end before this listener; but it decides which port goes without saying.
  return page !== null && page.host !== '' && page.host === URL.parse(`${page.protocol}//${authority}`)?.host;
}

function cookieValue(cookies: string | undefined, name: string): string | undefined {
  if (cookies === undefined) return undefined;
  for (const cookie of cookies.split(/[;,]/)) {
    const at = cookie.indexOf('=');
    if (at > 0 && cookie.slice(0, at).trim() === name) return cookie.slice(at + 1).trim();
  }
  return undefined;
}
