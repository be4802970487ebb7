import type { KeyObject } from 'node:crypto';
import {
  type CryptoKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
} from 'jose';
import { SekishoError } from '../lib/errors.ts';
import { isPublicKeyAlgorithm, type JwtAlgorithm, readJwtKey } from './jwt-algorithms.ts';
import { readLimited } from './read-limited.ts';
import { parseServiceUrl } from './service-url.ts';

export interface JwtKeyOptions {
  readonly algorithm: JwtAlgorithm;
  /** PEM, or the secret of an HS algorithm. */
  readonly key: string;
  readonly kid?: string;
}

export interface JwksOptions {
  readonly url: string;
  readonly algorithms: readonly JwtAlgorithm[];
  /** Milliseconds for which a key that is not in the set does not make it be asked for again. */
  readonly cooldownMs: number;
  /** Milliseconds after which the set is asked for again. */
  readonly maxAgeMs: number;
  /** Milliseconds for which keys are used on while the service does not answer. */
  readonly maxStaleMs: number;
  readonly timeoutMs: number;
}

/** Finds the keys that may have signed a token. Rejects with jose's JWKSNoMatchingKey when there is none, IDENTITY_UNAVAILABLE when the keys can't be had. */
export interface JwtKeys {
  readonly algorithms: readonly string[];
  find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<readonly (KeyObject | CryptoKey)[]>;
  /** The same after none of those has signed the token: an issuer may use a name again. None when it was asked a moment ago. */
  findNewer(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<readonly (KeyObject | CryptoKey)[]>;
  close(): void;
}

const MAX_JWKS_BYTES = 1_048_576;
/** Every key that is tried costs a verification. */
const MAX_CANDIDATES = 16;
/** A set that could not be had is not asked for again so soon. */
const FAILURE_PAUSE_MS = 1000;

/** Keys from the configuration, each for one algorithm. */
export function createStaticKeys(options: readonly JwtKeyOptions[]): JwtKeys {
  const keys = options.map(({ algorithm, kid, key }, index) => ({
    algorithm,
    kid,
    key: readJwtKey(algorithm, key, kid ?? `keys[${index}]`),
  }));
  return {
    algorithms: [...new Set(keys.map(({ algorithm }) => algorithm))],
    find({ alg, kid }) {
      const found = keys.filter((key) => key.algorithm === alg && (kid === undefined || key.kid === undefined || key.kid === kid));
      return found.length > 0 ? Promise.resolve(found.map(({ key }) => key)) : Promise.reject(new errors.JWKSNoMatchingKey());
    },
    findNewer: () => Promise.resolve([]),
    close() {},
  };
}

/** Keys from a JWKS (RFC 7517 section 5), kept for a while; an unknown key makes it be fetched anew, so that issuers can rotate. */
export function createRemoteKeys(options: JwksOptions): JwtKeys {
  const { algorithms, maxStaleMs } = options;
  const url = parseServiceUrl(options.url, 'jwks_url');
  const secret = algorithms.find((algorithm) => !isPublicKeyAlgorithm(algorithm));
  if (secret !== undefined)
    throw new SekishoError('CONFIG_INVALID', `${secret} needs a shared secret, which no JWKS may hold; use algorithms with a public key`);
  const closing = new AbortController();
  const remote = createRemoteJWKSet(url, {
    cooldownDuration: options.cooldownMs,
    cacheMaxAge: options.maxAgeMs,
    timeoutDuration: options.timeoutMs,
    [customFetch]: async (target, { signal, headers, method }) => {
      const response = await fetch(target, { headers, method, redirect: 'error', signal: AbortSignal.any([signal, closing.signal]) });
      return new Response(await readLimited(response, MAX_JWKS_BYTES), { status: response.status });
    },
  });
  let freshUntil = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  const find = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<readonly CryptoKey[]> => {
    const isStale = !remote.fresh;
    if (isStale && Date.now() < failedAt + FAILURE_PAUSE_MS) return useOld(header, token);
    try {
      const found = await allKeys(() => remote(header, token));
      if (isStale || freshUntil === 0) freshUntil = Date.now() + options.maxAgeMs;
      return found;
    } catch (error) {
      if (isAboutKey(error)) throw error;
      failedAt = Date.now();
      return useOld(header, token, error);
    }
  };
  const useOld = (header: JWSHeaderParameters, token: FlattenedJWSInput, cause?: unknown): Promise<readonly CryptoKey[]> => {
    const old = remote.jwks();
    if (old !== undefined && Date.now() < freshUntil + maxStaleMs) return allKeys(() => createLocalJWKSet(old)(header, token));
    throw new SekishoError('IDENTITY_UNAVAILABLE', 'The keys of the token issuer could not be had; try again.', { cause });
  };
  return {
    algorithms,
    find,
    async findNewer(header, token) {
      if (remote.coolingDown || Date.now() < failedAt + FAILURE_PAUSE_MS) return [];
      try {
        await remote.reload();
        freshUntil = Date.now() + options.maxAgeMs;
        return await find(header, token);
      } catch {
        // What is known has judged the token already.
        failedAt = Date.now();
        return [];
      }
    },
    close: () => closing.abort(),
  };
}

/** The key that jose finds, or, for a token that names none, all that fit. */
async function allKeys(find: () => Promise<CryptoKey>): Promise<readonly CryptoKey[]> {
  try {
    return [await find()];
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    const found: CryptoKey[] = [];
    for await (const key of error) if (found.push(key) === MAX_CANDIDATES) break;
    return found;
  }
}

function isAboutKey(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JOSENotSupported || error instanceof errors.JWKInvalid;
}
