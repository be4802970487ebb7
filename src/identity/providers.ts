import { SekishoError } from '../lib/errors.ts';
import { type ApiKeyOptions, createApiKeyProvider } from './api-key.ts';
import { createFakeProvider } from './fake.ts';
import { createJwtProvider, type JwtProviderOptions } from './jwt.ts';
import { createKeystoneProvider, type KeystoneOptions } from './keystone.ts';
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

/**
 * Makes the configured providers, in the order in which they are asked. Throws CONFIG_INVALID: when nothing can identify anybody (Gohan meant
 * `use_keystone: false` to make everybody an admin), and for development tokens on a listener that others reach.
 */
export function createProviders(options: ProviderOptions): readonly IdentityProvider[] {
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
  return [
    ...(apiKeys.length > 0 ? [createApiKeyProvider(apiKeys)] : []),
    ...jwt.map(createJwtProvider),
    ...(isFake ? [createFakeProvider()] : keystone === undefined ? [] : [createKeystoneProvider(keystone)]),
  ];
}

const WAYS = 'Configure JWT, API keys or Keystone; for development on this machine, use keystone: { use_keystone: true, fake: true }';
const KEYSTONE_OFF = `keystone.use_keystone is false and nothing else tells who calls. Gohan made every caller an admin then; Sekisho does not. ${WAYS}`;
const NOBODY_KNOWN = `schemas are served, but nothing tells who calls. ${WAYS}`;
