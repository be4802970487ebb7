import { isLoopback } from '../lib/loopback.ts';
import type { Draft } from './draft.ts';
import type { Problems } from './problems.ts';
import type { SectionValue } from './setting.ts';
import type { SETTINGS } from './settings-table.ts';

/** Reports what data models lack, and identities that anybody could take on. */
export function checkModels(settings: NonNullable<Draft<SectionValue<typeof SETTINGS>>>, problems: Problems): void {
  const { schemas, database, keystone, proxy } = settings;
  if (schemas === undefined || schemas.length === 0) return;
  if (database === undefined)
    problems.report('database', 'is missing; `schemas` need a database, for example `{ type: sqlite3, connection: ./data.db }`');
  const isOpen = keystone?.fake === true || keystone?.useKeystone === false;
  if (isOpen && proxy?.host !== undefined && !isLoopback(proxy.host)) {
    const key = keystone?.fake === true ? 'keystone.fake' : 'keystone.use_keystone';
    problems.report(
      key,
      `found ${keystone?.fake === true} while \`proxy.host\` is ${JSON.stringify(proxy.host)}: anybody could be admin; expected \`proxy.host: 127.0.0.1\`, or real identities`,
    );
  }
  if (keystone?.authUrl !== undefined && !/^https?:\/\/.+\/v3\/?$/.test(keystone.authUrl)) {
    problems.report(
      'keystone.auth_url',
      `found ${JSON.stringify(keystone.authUrl)}, expected a URL that ends in /v3 (other versions of Keystone are gone)`,
    );
  }
}
