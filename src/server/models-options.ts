import type { Settings } from '../config/settings.ts';
import { isJwtAlgorithm, JWT_ALGORITHMS, type JwtAlgorithm } from '../identity/jwt-algorithms.ts';
import type { ProviderOptions } from '../identity/providers.ts';
import { SekishoError } from '../lib/errors.ts';
import { isLoopback } from '../lib/loopback.ts';
import { VERSION } from '../lib/version.ts';
import type { ResourceApiOptions } from '../resource/api.ts';

/** Which setting feeds which option of the data models. */

export function toPrepareOptions(
  settings: Settings,
  { autoMigrate, noInit, cascadeDelete }: NonNullable<Settings['database']>,
): { readonly autoMigrate: boolean; readonly cascadeDelete: boolean; readonly eventLog: boolean } {
  return { autoMigrate: autoMigrate && !noInit, cascadeDelete, eventLog: settings.eventLog === 'on' };
}

export function toProviderOptions({ keystone, identity, proxy }: Settings): ProviderOptions {
  const { useKeystone, fake, authUrl, userName, password, domainName, tenantName, useAuthCache, cacheTtlMs } = keystone;
  return {
    isKeystoneOff: !useKeystone,
    isFake: useKeystone && fake,
    isLoopback: isLoopback(proxy.host),
    ...(useKeystone &&
      authUrl !== undefined && {
        keystone: {
          authUrl,
          userName: userName ?? '',
          password: password ?? '',
          domainName,
          tenantName,
          useCache: useAuthCache,
          cacheTtlMs,
        },
      }),
    jwt: identity.jwt.map(({ issuer, audience, keys, algorithms, ...rest }) => ({
      ...rest,
      ...(issuer.length > 0 && { issuer }),
      ...(audience.length > 0 && { audience }),
      ...(keys.length > 0 && { keys: keys.map((key) => ({ ...key, algorithm: toJwtAlgorithm(key.algorithm) })) }),
      ...(algorithms.length > 0 && { algorithms }),
    })),
    apiKeys: identity.apiKeys,
  };
}

function toJwtAlgorithm(name: string): JwtAlgorithm {
  if (isJwtAlgorithm(name)) return name;
  throw new SekishoError(
    'CONFIG_INVALID',
    `identity.jwt: ${name} is no algorithm; expected one of ${Object.keys(JWT_ALGORITHMS).join(', ')}`,
  );
}

export function toResourceApiOptions(
  settings: Settings,
): Pick<ResourceApiOptions, 'about' | 'cors' | 'hasFakeLogin' | 'limits' | 'maxOpenConnections' | 'secret'> {
  const { api, keystone, cors, appVersion, database } = settings;
  return {
    about: { version: VERSION, appVersion },
    ...(database !== undefined && { maxOpenConnections: database.maxOpenConn }),
    cors,
    hasFakeLogin: keystone.useKeystone && keystone.fake,
    limits: { maxBodyBytes: api.maxBodyBytes, maxPageSize: api.maxPageSize, exactCountLimit: api.exactCountLimit },
    // The same on every node and after a restart; it only keys tags and page tokens.
    secret: `${database?.type}:${database?.connection}`,
  };
}
