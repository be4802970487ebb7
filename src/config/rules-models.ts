import { isLoopback } from '../lib/loopback.ts';
import type { Draft } from './draft.ts';
import type { Problems } from './problems.ts';
import type { SectionValue } from './setting.ts';
import type { SETTINGS } from './settings-table.ts';

/** Reports what data models lack, and identities that anybody could take on. */
export function checkModels(settings: NonNullable<Draft<SectionValue<typeof SETTINGS>>>, problems: Problems): void {
  const { schemas, database, keystone, identity, proxy, workers } = settings;
  if (schemas === undefined || schemas.length === 0) return;
  if (database === undefined)
    problems.report('database', 'is missing; `schemas` need a database, for example `{ type: sqlite3, connection: ./data.db }`');
  if (database?.type === 'sqlite3' && database.connection === ':memory:' && typeof workers === 'number' && workers > 0)
    problems.report(
      'workers',
      `found ${workers} beside a database in memory, which only one process can have; expected 0, or a file in \`database.connection\``,
    );
  if (keystone?.fake === true && proxy?.host !== undefined && !isLoopback(proxy.host)) {
    problems.report(
      'keystone.fake',
      `found true while \`proxy.host\` is ${JSON.stringify(proxy.host)}: anybody could be admin; expected \`proxy.host: 127.0.0.1\`, or real identities`,
    );
  }
  const isKeystoneUsed = keystone?.useKeystone === true && (keystone.fake || keystone.authUrl !== undefined);
  if (!isKeystoneUsed && !identity?.jwt?.length && !identity?.apiKeys?.length) {
    problems.report(
      'keystone',
      'tells nobody who calls; expected `auth_url`, or `fake: true` for development on this machine, or `identity.jwt` or `identity.api_keys`',
    );
  }
  if (keystone?.authUrl !== undefined && keystone.userName === undefined)
    problems.report('keystone.user_name', 'is missing; tokens are checked as this user');
  if (keystone?.authUrl !== undefined && !/^https?:\/\/.+\/v3\/?$/.test(keystone.authUrl)) {
    problems.report(
      'keystone.auth_url',
      `found ${JSON.stringify(keystone.authUrl)}, expected a URL that ends in /v3 (other versions of Keystone are gone)`,
    );
  }
}
