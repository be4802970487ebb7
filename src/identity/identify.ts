import { hash } from 'node:crypto';
import { SekishoError } from '../lib/errors.ts';
import type { Identity } from '../lib/identity.ts';
import { createExpiringCache } from './expiring-cache.ts';
import { IdentityError } from './identity-error.ts';
import type { IdentityReason } from './reasons.ts';
import { refuse } from './refuse.ts';
import type { Credentials, Identification, IdentityProvider } from './types.ts';

/** Who asks without credentials. */
export const ANONYMOUS: Identity = {
  roles: ['Nobody'],
  tenantId: 'nobody',
  tenantName: 'nobody',
  domainId: 'nobody',
  domainName: 'nobody',
  scope: 'tenant',
  principal: 'nobody',
};

export interface IdentifierOptions {
  /** Identities that are remembered, by a digest of their credentials. */
  readonly cacheSize?: number;
  /** Milliseconds after which credentials are checked again, however long they are valid: a revocation is noticed so late. */
  readonly maxCacheMs?: number;
  /** Milliseconds for which a refusal is remembered. */
  readonly refusalMs?: number;
  readonly maxCredentialBytes?: number;
  /** Different credentials that are checked at a time; more get IDENTITY_UNAVAILABLE. */
  readonly maxPending?: number;
  /** Who asks without credentials where that is permitted. */
  readonly anonymous?: Identity;
}

/** Finds out who makes a request. */
export interface Identifier {
  /**
   * The caller by the first credentials that are given: token, bearer, API key. Credentials that are given must be valid, also where none
   * are needed. Rejects with an `IdentityError` (IDENTITY_REQUIRED), or IDENTITY_UNAVAILABLE when nobody could be asked.
   */
  identify(credentials: Credentials, mayBeAnonymous?: boolean): Promise<Identity>;
  close(): void;
}

const DEFAULTS = { cacheSize: 10_000, maxCacheMs: 900_000, refusalMs: 2000, maxCredentialBytes: 16_384, maxPending: 1000 };
/** Visible ASCII: everything else is no token and no key, and may not be sent on in a header. */
const READABLE = /^[\x21-\x7e]+$/;

/** Makes the front of the providers, which are asked in order; the first that knows the credentials decides. It closes them too. */
export function createIdentifier(providers: readonly IdentityProvider[], options: IdentifierOptions = {}): Identifier {
  const { cacheSize, maxCacheMs, refusalMs, maxCredentialBytes, maxPending } = { ...DEFAULTS, ...options };
  const known = createExpiringCache<Identity>(cacheSize);
  // Apart from the identities, so that a flood of wrong tokens pushes none of them out.
  const refused = createExpiringCache<IdentityError>(Math.min(cacheSize, 1000));
  const pending = new Map<string, Promise<Identity>>();

  const ask = async (credentials: Credentials, key: string): Promise<Identity> => {
    const found = await askAll(providers, credentials);
    const now = Date.now();
    if (found.ok) {
      known.set(key, found.identity, Math.min(found.validUntil, now + maxCacheMs));
      return found.identity;
    }
    const error = new IdentityError(found.reason, found.detail);
    refused.set(key, error, now + refusalMs);
    throw error;
  };

  return {
    async identify(given, mayBeAnonymous = false) {
      const credentials = firstOf(given);
      if (credentials === undefined) {
        if (mayBeAnonymous) return options.anonymous ?? ANONYMOUS;
        throw new IdentityError('missing');
      }
      const [kind, text] = toText(credentials);
      if (text.length > maxCredentialBytes) throw new IdentityError('oversized');
      if (!READABLE.test(text)) throw new IdentityError('malformed');
      // A digest, so that memory dumps hold no tokens.
      const key = hash('sha256', `${kind} ${text}`, 'base64');
      const remembered = known.get(key);
      if (remembered !== undefined) return remembered;
      const error = refused.get(key);
      if (error !== undefined) throw error;
      const underWay = pending.get(key);
      if (underWay !== undefined) return underWay;
      if (pending.size >= maxPending)
        throw new SekishoError('IDENTITY_UNAVAILABLE', 'too many credentials are being checked at the same time');
      const asked = ask(credentials, key).finally(() => pending.delete(key));
      pending.set(key, asked);
      return asked;
    },
    close() {
      for (const provider of providers) provider.close();
      known.clear();
      refused.clear();
    },
  };
}

function firstOf({ token, bearer, apiKey }: Credentials): Credentials | undefined {
  if (token) return { token, bearer: undefined, apiKey: undefined };
  if (bearer) return { token: undefined, bearer, apiKey: undefined };
  return apiKey ? { token: undefined, bearer: undefined, apiKey } : undefined;
}

function toText({ token, bearer, apiKey }: Credentials): readonly [kind: string, text: string] {
  // A token means the same in either header.
  return apiKey === undefined ? ['token', token ?? bearer ?? ''] : ['key', apiKey];
}

/**
 * The first yes. Else, a provider that could not be asked might have said yes, so that its failure comes before the others' no; of several
 * refusals the one that says more than "unknown" is told.
 */
async function askAll(providers: readonly IdentityProvider[], credentials: Credentials): Promise<Identification> {
  let refusal: (Identification & { readonly ok: false }) | undefined;
  let failure: unknown;
  for (const provider of providers) {
    try {
      const found = await provider.identify(credentials);
      if (found?.ok) return found;
      if (found !== undefined && (refusal === undefined || isVague(refusal.reason))) refusal = found;
    } catch (error) {
      failure ??= error;
    }
  }
  if (failure !== undefined && (refusal === undefined || isVague(refusal.reason))) throw toUnavailable(failure);
  return refusal ?? refuse('malformed');
}

function isVague(reason: string): boolean {
  return (['unknown_token', 'unknown_key', 'malformed'] satisfies IdentityReason[]).some((vague) => vague === reason);
}

function toUnavailable(failure: unknown): SekishoError {
  if (failure instanceof SekishoError) return failure;
  return new SekishoError('IDENTITY_UNAVAILABLE', 'The identity service could not be asked; try again.', { cause: failure });
}
