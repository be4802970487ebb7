import { toInitResources } from './init-resources.ts';
import type { Problems } from './problems.ts';
import type { SectionValue } from './setting.ts';
import type { Settings } from './settings.ts';
import type { SETTINGS } from './settings-table.ts';
import { readTextFile } from './text-file.ts';

type Table = SectionValue<typeof SETTINGS>;
type Admin = NonNullable<Table['admin']>;

const LEVELS: readonly Table['logLevel'][] = ['debug', 'info', 'warn', 'error', 'fatal'];

/** The settings of a table that was read without complaint: alternatives become one value, `init_resources` becomes entities, `node_id` falls back to the environment. */
export function resolveSettings(table: Table, env: NodeJS.ProcessEnv, problems: Problems): Settings {
  const { proxy, admin, ...rest } = table;
  const { initResources, consoleLogLevel, ...plainProxy } = proxy;
  return {
    ...rest,
    nodeId: table.nodeId || env['DGATE_NODE_ID'] || env['HOST'] || '',
    proxy: {
      ...plainProxy,
      consoleLogLevel: resolveConsoleLevel(consoleLogLevel, table.logLevel, problems),
      ...(initResources && { initResources: toInitResources(initResources, problems.placeOf) }),
    },
    ...(admin && { admin: resolveAdmin(admin) }),
  };
}

function resolveConsoleLevel(wanted: Table['logLevel'] | undefined, logLevel: Table['logLevel'], problems: Problems): Table['logLevel'] {
  if (wanted === undefined) return logLevel;
  if (LEVELS.indexOf(wanted) >= LEVELS.indexOf(logLevel)) return wanted;
  problems.warn('proxy.console_log_level', `found ${wanted}, which is below \`log_level\`; ${logLevel} is used`);
  return logLevel;
}

function resolveAdmin(admin: Admin): Admin {
  const { keyAuth, jwtAuth } = admin;
  return {
    ...admin,
    ...(keyAuth && { keyAuth: { ...keyAuth, keys: [...new Set([...keyAuth.keys, ...(keyAuth.key === undefined ? [] : [keyAuth.key])])] } }),
    ...(jwtAuth && { jwtAuth: resolveJwt(jwtAuth) }),
  };
}

function resolveJwt(jwt: NonNullable<Admin['jwtAuth']>): NonNullable<Admin['jwtAuth']> {
  const key = jwt.key ?? jwt.secret ?? (jwt.secretFile === undefined ? undefined : readTextFile(jwt.secretFile));
  const publicKey = jwt.publicKey ?? (jwt.publicKeyFile === undefined ? undefined : readTextFile(jwt.publicKeyFile));
  return { ...jwt, ...(key !== undefined && { key }), ...(publicKey !== undefined && { publicKey }) };
}
