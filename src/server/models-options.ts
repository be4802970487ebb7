import { resolve } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { createFakeProvider } from '../identity/fake.ts';
import type { IdentityProvider } from '../identity/types.ts';
import { VERSION } from '../lib/version.ts';
import type { ResourceApiOptions } from '../resource/api.ts';
import { parseSqliteConnection } from '../sql/connection-string.ts';
import type { DatabaseOptions } from '../sql/open-database.ts';

/** Which setting feeds which option of the data models. */

type DatabaseSettings = NonNullable<Settings['database']>;

/** Relative files are beside the configuration, as in Gohan. */
export function toDatabaseOptions(database: DatabaseSettings, folder: string): DatabaseOptions {
  const file = database.type === 'sqlite3' ? parseSqliteConnection(database.connection) : ':memory:';
  return {
    type: database.type,
    connection: file === ':memory:' ? database.connection : resolve(folder, file),
    maxOpenConnections: database.maxOpenConn,
    retry: { count: database.deadlockRetryTx.count, intervalMs: database.deadlockRetryTx.intervalMsec },
  };
}

export function toPrepareOptions(database: DatabaseSettings): { readonly autoMigrate: boolean; readonly cascadeDelete: boolean } {
  return { autoMigrate: database.autoMigrate && !database.noInit, cascadeDelete: database.cascadeDelete };
}

export function toIdentityProviders({ keystone }: Settings): readonly IdentityProvider[] {
  return keystone.fake ? [createFakeProvider()] : [];
}

export function toResourceApiOptions(
  settings: Settings,
): Pick<ResourceApiOptions, 'about' | 'cors' | 'hasFakeLogin' | 'limits' | 'secret'> {
  const { api, keystone, cors, appVersion, database } = settings;
  return {
    about: { version: VERSION, appVersion },
    cors,
    hasFakeLogin: keystone.fake,
    limits: { maxBodyBytes: api.maxBodyBytes, maxPageSize: api.maxPageSize },
    // The same on every node and after a restart; it only keys tags and page tokens.
    secret: `${database?.type}:${database?.connection}`,
  };
}
