import { createHash, timingSafeEqual } from 'node:crypto';
import { SekishoError } from '../lib/errors.ts';
import type { Identity } from '../lib/identity.ts';
import { refuse } from './refuse.ts';
import type { IdentityProvider } from './types.ts';

/** One API key: the key itself, or its SHA-256 so that the configuration holds no secret. */
export interface ApiKeyOptions {
  /** For logs and history: `key:<name>`. */
  readonly name: string;
  readonly key?: string;
  /** 64 hexadecimal digits. */
  readonly sha256?: string;
  readonly roles: readonly string[];
  readonly tenantId: string;
  readonly tenantName?: string;
  readonly domainId?: string;
  readonly domainName?: string;
  readonly scope?: Identity['scope'];
  /** Milliseconds since the epoch; absent: never. */
  readonly expiresAt?: number;
}

interface KnownKey {
  readonly digest: Buffer;
  readonly identity: Identity;
  readonly expiresAt: number;
}

const MIN_KEY_LENGTH = 16;

/** Keys of `X-API-Key`. Only digests are kept, and all are compared, in constant time. Throws CONFIG_INVALID for a key that can't be used. */
export function createApiKeyProvider(keys: readonly ApiKeyOptions[]): IdentityProvider {
  const known = keys.map(toKnownKey);
  const digests = new Set(known.map(({ digest }) => digest.toString('hex')));
  if (digests.size < known.length) throw new SekishoError('CONFIG_INVALID', 'two API keys are the same; each needs a key of its own');
  return {
    name: 'api-key',
    identify({ apiKey }) {
      if (apiKey === undefined) return Promise.resolve(undefined);
      const found = find(known, createHash('sha256').update(apiKey).digest());
      if (found === undefined) return Promise.resolve(refuse('unknown_key'));
      if (found.expiresAt <= Date.now()) return Promise.resolve(refuse('expired', 'The API key has expired.'));
      return Promise.resolve({ ok: true, identity: found.identity, validUntil: found.expiresAt });
    },
    close() {},
  };
}

function find(known: readonly KnownKey[], digest: Buffer): KnownKey | undefined {
  let found: KnownKey | undefined;
  for (const key of known) if (timingSafeEqual(key.digest, digest)) found = key;
  return found;
}

function toKnownKey(options: ApiKeyOptions): KnownKey {
  const {
    name,
    key,
    sha256,
    roles,
    tenantId,
    tenantName = tenantId,
    domainId = 'default',
    domainName = domainId,
    scope = 'tenant',
  } = options;
  if ((key === undefined) === (sha256 === undefined)) throw invalid(name, 'needs either key or sha256');
  if (key !== undefined && key.length < MIN_KEY_LENGTH)
    throw invalid(name, `has a key of ${key.length} characters; at least ${MIN_KEY_LENGTH} are needed`);
  if (sha256 !== undefined && !/^[0-9a-fA-F]{64}$/.test(sha256)) throw invalid(name, 'needs 64 hexadecimal digits as sha256');
  return {
    digest:
      sha256 === undefined
        ? createHash('sha256')
            .update(key ?? '')
            .digest()
        : Buffer.from(sha256, 'hex'),
    identity: { roles, tenantId, tenantName, domainId, domainName, scope, principal: `key:${name}` },
    expiresAt: options.expiresAt ?? Number.MAX_SAFE_INTEGER,
  };
}

function invalid(name: string, problem: string): SekishoError {
  return new SekishoError('CONFIG_INVALID', `the API key "${name}" ${problem}`);
}
