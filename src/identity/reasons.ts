/** Why credentials were refused: stable words, which a 401 shows. */
export const REASONS = {
  missing: 'The request has no credentials: send X-Auth-Token, Authorization: Bearer, or X-API-Key.',
  malformed: 'The credentials have a form that no identity provider here reads.',
  oversized: 'The credentials are longer than is accepted.',
  unknown_token: 'The token is not known.',
  unknown_key: 'The API key is not known.',
  expired: 'The credentials have expired.',
  not_yet_valid: 'The token is not valid yet (nbf).',
  revoked: 'The token was revoked.',
  none_algorithm: 'The token is not signed (alg none).',
  wrong_algorithm: 'The token is signed with an algorithm that is not accepted.',
  unknown_kid: 'The token does not name one of the known keys (kid).',
  bad_signature: 'The signature of the token is wrong.',
  wrong_issuer: 'The token is from another issuer (iss).',
  wrong_audience: 'The token is meant for another audience (aud).',
  missing_claim: 'The token lacks a claim that is needed.',
  unscoped: 'The token is for no tenant, domain or system.',
  admin_roles: 'A token of the admin project must have admin as its only role.',
} as const satisfies Record<string, string>;

export type IdentityReason = keyof typeof REASONS;
