import * as node from 'node:crypto';
import { toArrayBuffer, toBytes } from './bytes.ts';

const ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha384', 'sha512', 'sha512_224', 'sha512_256'] as const;

/** Node's name of a hash: `sha512_256` and `sha512-256` are the same. */
function algorithm(name: unknown): string {
  const text = String(name).toLowerCase().replace('-', '_');
  if (!ALGORITHMS.includes(text as (typeof ALGORITHMS)[number]))
    throw new Error(`invalid hash algorithm: ${String(name)} (one of ${ALGORITHMS.join(', ')})`);
  return text.replace('_', '-');
}

/** A digest in the asked encoding; an ArrayBuffer when none (or an unknown one) is asked for. */
function encode(digest: Buffer, encoding: unknown): string | ArrayBuffer {
  switch (encoding) {
    case 'hex':
      return digest.toString('hex');
    case 'base64':
    case 'b64':
      return digest.toString('base64');
    case 'base64raw':
    case 'b64raw':
      return digest.toString('base64').replace(/=+$/, '');
    case 'base64url':
    case 'b64url':
      return digest.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
    case 'base64rawurl':
    case 'b64rawurl':
      return digest.toString('base64url');
    default:
      return toArrayBuffer(new Uint8Array(digest));
  }
}

interface Hasher {
  update(value: unknown): Hasher;
  digest(encoding?: string): string | ArrayBuffer;
}

function hasher(hash: node.Hash | node.Hmac): Hasher {
  const self: Hasher = {
    update(value) {
      hash.update(toBytes(value));
      return self;
    },
    digest: (encoding) => encode(hash.digest(), encoding),
  };
  return self;
}

function randomInt(first: number, second?: number): number {
  return second === undefined ? node.randomInt(first) : node.randomInt(first, second);
}

function randomBytes(size: number): ArrayBuffer {
  if (!Number.isInteger(size) || size < 1) throw new RangeError('invalid size');
  return toArrayBuffer(new Uint8Array(node.randomBytes(size)));
}

const oneShot = Object.fromEntries(
  ALGORITHMS.map((name) => [
    name,
    (value: unknown, encoding?: string) => encode(node.createHash(algorithm(name)).update(toBytes(value)).digest(), encoding),
  ]),
);

/** `dgate/crypto`. */
export const cryptoModule = {
  ...oneShot,
  createHash: (name: string) => hasher(node.createHash(algorithm(name))),
  createHmac: (name: string, key: unknown) => hasher(node.createHmac(algorithm(name), toBytes(key))),
  hmac: (name: string, key: unknown, value: unknown, encoding?: string) =>
    encode(node.createHmac(algorithm(name), toBytes(key)).update(toBytes(value)).digest(), encoding),
  hexEncode: (value: unknown) => toBytes(value).toString('hex'),
  getHashes: () => [...ALGORITHMS],
  randomBytes,
  randomInt,
  randomUUID: () => node.randomUUID(),
  timingSafeEqual: (a: unknown, b: unknown) => {
    const [left, right] = [toBytes(a), toBytes(b)];
    return left.byteLength === right.byteLength && node.timingSafeEqual(left, right);
  },
  createSign: (name: string) => node.createSign(name),
  createVerify: (name: string) => node.createVerify(name),
};

const MAX_ITERATIONS = 2_000_000;

function bounded<T extends (...args: never[]) => unknown>(work: T): T {
  return ((...args: never[]) => {
    if ((args[2] as unknown as number) > MAX_ITERATIONS)
      throw new RangeError(`at most ${MAX_ITERATIONS} iterations: native code cannot be interrupted`);
    return work(...args);
  }) as T;
}

/** `node:crypto`, without what cannot be interrupted for long, loads native code or changes the whole process. */
export const nodeCryptoModule = {
  createHash: node.createHash,
  createHmac: node.createHmac,
  createCipheriv: node.createCipheriv,
  createDecipheriv: node.createDecipheriv,
  createSign: node.createSign,
  createVerify: node.createVerify,
  createSecretKey: node.createSecretKey,
  createPublicKey: node.createPublicKey,
  createPrivateKey: node.createPrivateKey,
  sign: node.sign,
  verify: node.verify,
  hash: node.hash,
  hkdfSync: node.hkdfSync,
  pbkdf2Sync: bounded(node.pbkdf2Sync),
  pbkdf2: bounded(node.pbkdf2),
  scryptSync: node.scryptSync,
  randomBytes: node.randomBytes,
  randomInt: node.randomInt,
  randomUUID: node.randomUUID,
  randomFillSync: node.randomFillSync,
  getRandomValues: (array: Uint8Array) => node.webcrypto.getRandomValues(array),
  timingSafeEqual: node.timingSafeEqual,
  getHashes: node.getHashes,
  getCiphers: node.getCiphers,
  webcrypto: node.webcrypto,
  subtle: node.webcrypto.subtle,
  constants: node.constants,
};
