import { SekishoError } from '../lib/errors.ts';
import { type ApiKeyOptions, createApiKeyProvider } from './api-key.ts';
import { createFakeProvider } from './fake.ts';
import { createFakeTenants } from './fake-tenants.ts';
import { createJwtProvider, type JwtProviderOptions } from './jwt.ts';
import { createKeystoneProvider } from './keystone.ts';
import { createKeystoneSession, type KeystoneOptions } from './keystone-session.ts';
import { createKeystoneTenants } from './keystone-tenants.ts';
import type { TenantDirectory } from './tenant-directory.ts';
import type { IdentityProvider } from './types.ts';

export interface ProviderOptions {
  /** `keystone.use_keystone: false` was written. */
  readonly isKeystoneOff?: boolean;
  /** Development tokens instead of a Keystone. */
  readonly isFake?: boolean;
  /** Whether every listener that serves models is on loopback. */
  readonly isLoopback: boolean;
  readonly keystone?: KeystoneOptions;
  readonly jwt?: readonly JwtProviderOptions[];
  readonly apiKeys?: readonly ApiKeyOptions[];
}

/** What the configuration tells about callers. */
export interface ConfiguredProviders {
  /** In the order in which they are asked. */
  readonly providers: readonly IdentityProvider[];
  /** Undefined when nothing configured knows tenants: tokens and keys tell their own only. */
  readonly tenants: TenantDirectory | undefined;
}

/**
 * Makes the configured providers, and the directory of tenants that one of them has. Throws CONFIG_INVALID: when nothing can identify anybody (Gohan meant
 * `use_keystone: false` to make everybody an admin), and for development tokens on a listener that others reach.
 */
export function createProviders(options: ProviderOptions): ConfiguredProviders {
  const { isFake = false, isLoopback, keystone, jwt = [], apiKeys = [] } = options;
  if (isFake && !isLoopback) {
    throw new SekishoError(
      'CONFIG_INVALID',
      'keystone.fake is for development: its tokens are known to everybody, and this listener can be reached from other machines. Listen on 127.0.0.1, or configure a real identity provider',
    );
  }
  if (!isFake && keystone === undefined && jwt.length === 0 && apiKeys.length === 0) {
    throw new SekishoError('CONFIG_INVALID', options.isKeystoneOff ? KEYSTONE_OFF : NOBODY_KNOWN);
  }
  const others = [...(apiKeys.length > 0 ? [createApiKeyProvider(apiKeys)] : []), ...jwt.map(createJwtProvider)];
  if (isFake) return { providers: [...others, createFakeProvider()], tenants: createFakeTenants() };
  if (keystone === undefined) return { providers: others, tenants: undefined };
  const session = createKeystoneSession(keystone);
  return { providers: [...others, createKeystoneProvider(session, keystone)], tenants: createKeystoneTenants(session, keystone) };
}

const WAYS = 'Configure JWT, API keys or Keystone; for development on this machine, use keystone: { use_keystone: true, fake: true }';
const KEYSTONE_OFF = `keystone.use_keystone is false and nothing else tells who calls. Gohan made every caller an admin then; Sekisho does not. ${WAYS}`;
const NOBODY_KNOWN = `schemas are served, but nothing tells who calls. ${WAYS}`;
