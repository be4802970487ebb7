import { createHash, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { type JWTPayload, jwtVerify } from 'jose';
import { SekishoError } from '../lib/errors.ts';
import type { Authenticator } from './auth.ts';
import { headerValue } from './fields.ts';
import type { JwtAuthOptions } from './types.ts';

/** Verified tokens that are remembered; the oldest goes first. */
const MAX_CACHED = 1000;
/** A token is verified again after so long even if it lives longer. */
const MAX_CACHE_MS = 300_000;

/** RFC 7518 section 3.4, in the names of node:crypto. */
const CURVES: Readonly<Record<string, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

interface CachedToken {
  readonly principal: string;
  readonly untilMs: number;
}

/** JSON Web Tokens (RFC 7519), signed with the configured algorithm and no other; `exp` and `nbf` are kept. */
export function createJwtAuth(options: JwtAuthOptions): Authenticator {
  const key = readKey(options);
  const headerName = options.headerName ?? 'Authorization';
  const checks = {
    algorithms: [options.algorithm],
    ...(options.issuer !== undefined && { issuer: options.issuer }),
    ...(options.audience !== undefined && { audience: options.audience }),
  };
  const cache = new Map<string, CachedToken>();
  const verify = async (token: string, digest: string): Promise<string | undefined> => {
    try {
      const { payload } = await jwtVerify(token, key, checks);
      const principal = toPrincipal(payload);
      remember(cache, digest, {
        principal,
        untilMs: Math.min(Date.now() + MAX_CACHE_MS, (payload.exp ?? Number.POSITIVE_INFINITY) * 1000),
      });
      return principal;
    } catch {
      return undefined;
    }
  };
  return {
    challenge: 'Bearer realm="Sekisho Admin API"',
    identify(exchange) {
      const token = /^(?:bearer +)?([A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+) *$/i.exec(
        headerValue(exchange.headers, headerName) ?? '',
      )?.[1];
      if (token === undefined) return undefined;
      // Its digest, so that memory dumps hold no tokens.
      const digest = createHash('sha256').update(token).digest('base64');
      const cached = cache.get(digest);
      if (cached !== undefined && cached.untilMs > Date.now()) return cached.principal;
      cache.delete(digest);
      return verify(token, digest);
    },
  };
}

function remember(cache: Map<string, CachedToken>, digest: string, token: CachedToken): void {
  if (cache.size >= MAX_CACHED) cache.delete(cache.keys().next().value ?? '');
  cache.set(digest, token);
}

/** `jwt:<sub>`, of bounded length and printable. */
function toPrincipal(payload: JWTPayload): string {
  const subject = typeof payload.sub === 'string' ? payload.sub : '';
  return `jwt:${subject.replace(/[^\x20-\x7e]/g, '?').slice(0, 128)}`;
}

function readKey(options: JwtAuthOptions): KeyObject {
  const text = options.key;
  if (options.algorithm.startsWith('HS')) {
    if (text === '') throw invalid('key', 'is empty');
    return createSecretKey(text, 'utf8');
  }
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (error) {
    throw invalid('public_key', 'is not a public key or certificate in PEM form', error);
  }
  const wanted = options.algorithm.startsWith('ES') ? 'ec' : 'rsa';
  if (key.asymmetricKeyType !== wanted && !(wanted === 'rsa' && key.asymmetricKeyType === 'rsa-pss')) {
    throw invalid('public_key', `is a key of type ${key.asymmetricKeyType ?? 'unknown'}, but ${options.algorithm} needs ${wanted}`);
  }
  const curve = CURVES[options.algorithm];
  const found = key.asymmetricKeyDetails?.namedCurve;
  if (curve !== undefined && found !== curve)
    throw invalid('public_key', `is on the curve ${found ?? 'unknown'}, but ${options.algorithm} needs ${curve}`);
  return key;
}

function invalid(field: string, problem: string, cause?: unknown): SekishoError {
  return new SekishoError('CONFIG_INVALID', `admin.jwt_auth.${field} ${problem}`, { cause });
}
