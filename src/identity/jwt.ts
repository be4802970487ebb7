import type { KeyObject } from 'node:crypto';
import { type CryptoKey, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { SekishoError } from '../lib/errors.ts';
import { isJwtAlgorithm, isPublicKeyAlgorithm, JWT_ALGORITHMS, type JwtAlgorithm } from './jwt-algorithms.ts';
import { type ClaimOptions, compileClaims } from './jwt-claims.ts';
import { createRemoteKeys, createStaticKeys, type JwtKeyOptions, type JwtKeys } from './jwt-keys.ts';
import type { IdentityReason } from './reasons.ts';
import { refuse } from './refuse.ts';
import type { Identification, IdentityProvider } from './types.ts';

export interface JwtProviderOptions extends ClaimOptions {
  readonly issuer?: string | readonly string[];
  readonly audience?: string | readonly string[];
  /** Either keys or a JWKS. */
  readonly keys?: readonly JwtKeyOptions[];
  readonly jwksUrl?: string;
  /** What tokens from the JWKS may be signed with; keys of the configuration name theirs. */
  readonly algorithms?: readonly string[];
  readonly jwksCooldownMs?: number;
  readonly jwksMaxAgeMs?: number;
  readonly jwksMaxStaleMs?: number;
  readonly timeoutMs?: number;
  /** By how much clocks may differ. */
  readonly clockToleranceMs?: number;
  readonly maxTokenBytes?: number;
}

const DEFAULTS = {
  jwksCooldownMs: 30_000,
  jwksMaxAgeMs: 600_000,
  jwksMaxStaleMs: 3_600_000,
  timeoutMs: 5000,
  clockToleranceMs: 5000,
  maxTokenBytes: 8192,
};
/** JWS compact serialisation (RFC 7515 section 7.1); the signature may be empty, so that alg none is told as such. */
const COMPACT = /^[\w-]+\.[\w-]*\.[\w-]*$/;

/**
 * JSON Web Tokens (RFC 7519) as bearer or X-Auth-Token, under the best practices of RFC 8725: the algorithm is the key's and never the
 * token's choice, `exp` must be there, issuer and audience are checked when configured. Throws CONFIG_INVALID for options that can't be used.
 */
export function createJwtProvider(options: JwtProviderOptions): IdentityProvider {
  const { clockToleranceMs, maxTokenBytes } = { ...DEFAULTS, ...options };
  const keys = openKeys(options);
  const toIdentity = compileClaims(options);
  const checks = {
    algorithms: [...keys.algorithms],
    clockTolerance: clockToleranceMs / 1000,
    requiredClaims: ['exp'],
    ...(options.issuer !== undefined && { issuer: toList(options.issuer) }),
    ...(options.audience !== undefined && { audience: toList(options.audience) }),
  };

  const verify = async (token: string): Promise<JWTPayload> => {
    const [protectedPart = '', payload = '', signature = ''] = token.split('.');
    const decoded = decodeProtectedHeader(token);
    const asked = [
      { ...decoded, alg: decoded.alg ?? '' },
      { protected: protectedPart, payload, signature },
    ] as const;
    const found = await tryKeys(token, await keys.find(...asked));
    if ('payload' in found) return found.payload;
    const again = await tryKeys(token, await keys.findNewer(...asked));
    if ('payload' in again) return again.payload;
    throw found.failure;
  };

  /** The payload; or, when none of the keys signed the token, what the last of them says. */
  const tryKeys = async (
    token: string,
    candidates: readonly (KeyObject | CryptoKey)[],
  ): Promise<{ readonly payload: JWTPayload } | { readonly failure: unknown }> => {
    let failure: unknown;
    for (const key of candidates) {
      try {
        return { payload: (await jwtVerify(token, key, checks)).payload };
      } catch (error) {
        // Only a key that did not sign it leaves the question open.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
        failure = error;
      }
    }
    return { failure };
  };

  const check = async (token: string): Promise<Identification> => {
    if (token.length > maxTokenBytes) return refuse('oversized');
    const early = judgeHeader(token, keys.algorithms);
    if (early !== undefined) return refuse(early);
    let payload: JWTPayload;
    try {
      payload = await verify(token);
    } catch (error) {
      const reason = toReason(error);
      if (reason === undefined) throw error;
      return refuse(reason);
    }
    const identity = toIdentity(payload);
    return identity === undefined ? refuse('unscoped') : { ok: true, identity, validUntil: (payload.exp ?? 0) * 1000 };
  };

  return {
    name: 'jwt',
    identify({ bearer, token }) {
      const text = bearer ?? token;
      return text !== undefined && COMPACT.test(text) ? check(text) : Promise.resolve(undefined);
    },
    close: () => keys.close(),
  };
}

/** What is wrong with a token before any key is looked for. */
function judgeHeader(token: string, algorithms: readonly string[]): IdentityReason | undefined {
  let alg: unknown;
  try {
    alg = decodeProtectedHeader(token).alg;
  } catch {
    return 'malformed';
  }
  if (typeof alg !== 'string') return 'malformed';
  if (alg.toLowerCase() === 'none') return 'none_algorithm';
  return algorithms.includes(alg) ? undefined : 'wrong_algorithm';
}

/** The word for a failure of jose; undefined when the token is not to blame. */
function toReason(error: unknown): IdentityReason | undefined {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return 'not_yet_valid';
    if (error.claim === 'iss') return 'wrong_issuer';
    return error.claim === 'aud' ? 'wrong_audience' : 'missing_claim';
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'bad_signature';
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) return 'unknown_kid';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'wrong_algorithm';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid || error instanceof errors.JOSENotSupported)
    return 'malformed';
  return undefined;
}

function openKeys(options: JwtProviderOptions): JwtKeys {
  const { keys, jwksUrl, jwksCooldownMs, jwksMaxAgeMs, jwksMaxStaleMs, timeoutMs } = { ...DEFAULTS, ...options };
  if ((keys === undefined || keys.length === 0) === (jwksUrl === undefined)) {
    throw new SekishoError('CONFIG_INVALID', 'the JWT provider needs either keys or jwks_url');
  }
  if (jwksUrl === undefined) return createStaticKeys(keys ?? []);
  return createRemoteKeys({
    url: jwksUrl,
    algorithms: parseAlgorithms(options.algorithms),
    cooldownMs: jwksCooldownMs,
    maxAgeMs: jwksMaxAgeMs,
    maxStaleMs: jwksMaxStaleMs,
    timeoutMs,
  });
}

function parseAlgorithms(given: readonly string[] | undefined): readonly JwtAlgorithm[] {
  const known = Object.keys(JWT_ALGORITHMS).filter(isJwtAlgorithm);
  if (given === undefined) return known.filter(isPublicKeyAlgorithm);
  return given.map((name) => {
    if (isJwtAlgorithm(name)) return name;
    throw new SekishoError('CONFIG_INVALID', `unknown JWT algorithm ${JSON.stringify(name)}; known are ${known.join(', ')}`);
  });
}

function toList(value: string | readonly string[]): string[] {
  return typeof value === 'string' ? [value] : [...value];
}
