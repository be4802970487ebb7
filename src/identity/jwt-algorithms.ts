import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { SekishoError } from '../lib/errors.ts';

interface AlgorithmRow {
  /** As node:crypto names the type of key. */
  readonly keyType: 'secret' | 'rsa' | 'ec' | 'ed25519';
  readonly curve?: string;
  /** The shortest secret (RFC 7518 section 3.2). */
  readonly minBytes?: number;
}

/** Signature algorithms that tokens may have, each bound to one type of key (RFC 7518 section 3, RFC 8037). */
export const JWT_ALGORITHMS = {
  HS256: { keyType: 'secret', minBytes: 32 },
  HS384: { keyType: 'secret', minBytes: 48 },
  HS512: { keyType: 'secret', minBytes: 64 },
  RS256: { keyType: 'rsa' },
  RS384: { keyType: 'rsa' },
  RS512: { keyType: 'rsa' },
  PS256: { keyType: 'rsa' },
  PS384: { keyType: 'rsa' },
  PS512: { keyType: 'rsa' },
  ES256: { keyType: 'ec', curve: 'prime256v1' },
  ES384: { keyType: 'ec', curve: 'secp384r1' },
  ES512: { keyType: 'ec', curve: 'secp521r1' },
  EdDSA: { keyType: 'ed25519' },
} as const satisfies Readonly<Record<string, AlgorithmRow>>;

export type JwtAlgorithm = keyof typeof JWT_ALGORITHMS;

const MIN_RSA_BITS = 2048;

export function isJwtAlgorithm(text: string): text is JwtAlgorithm {
  return Object.hasOwn(JWT_ALGORITHMS, text);
}

/** Whether the key that checks a signature is public, so that it may come from a JWKS. */
export function isPublicKeyAlgorithm(algorithm: JwtAlgorithm): boolean {
  return JWT_ALGORITHMS[algorithm].keyType !== 'secret';
}

/** Reads the key for one algorithm: a PEM public key or certificate, or the secret as text. CONFIG_INVALID when it is none or of another type: a public key must never serve as a secret. */
export function readJwtKey(algorithm: JwtAlgorithm, text: string, name: string): KeyObject {
  const row: AlgorithmRow = JWT_ALGORITHMS[algorithm];
  if (row.keyType === 'secret') return readSecret(algorithm, row.minBytes ?? 0, text, name);
  let key: KeyObject;
  try {
    key = createPublicKey(text);
  } catch (error) {
    throw invalid(name, 'is not a public key or certificate in PEM form', error);
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type !== row.keyType) throw invalid(name, `is a key of type ${type ?? 'unknown'}, but ${algorithm} needs ${row.keyType}`);
  if (row.curve !== undefined && details?.namedCurve !== row.curve) {
    throw invalid(name, `is on the curve ${details?.namedCurve ?? 'unknown'}, but ${algorithm} needs ${row.curve}`);
  }
  if (type === 'rsa' && (details?.modulusLength ?? 0) < MIN_RSA_BITS) {
    throw invalid(name, `has ${details?.modulusLength ?? 0} bits; RSA keys need at least ${MIN_RSA_BITS}`);
  }
  return key;
}

function readSecret(algorithm: JwtAlgorithm, minBytes: number, text: string, name: string): KeyObject {
  if (text.includes('-----BEGIN ')) throw invalid(name, `is a key in PEM form, but ${algorithm} needs a shared secret`);
  const bytes = Buffer.byteLength(text);
  if (bytes < minBytes) throw invalid(name, `has ${bytes} bytes; ${algorithm} needs a secret of at least ${minBytes}`);
  return createSecretKey(text, 'utf8');
}

function invalid(name: string, problem: string, cause?: unknown): SekishoError {
  return new SekishoError('CONFIG_INVALID', `the JWT key ${name} ${problem}`, { cause });
}
