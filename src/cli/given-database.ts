import { toAbsolute } from '../sql/database-options.ts';
import type { DatabaseOptions } from '../sql/open-database.ts';
import { DATABASE_TYPES } from './flags.ts';

const CONNECTIONS = 10;
const RETRY = { count: 5, intervalMs: 20 };

/** Options of a database that the command line names; without its type the connection tells. Files of SQLite are looked for in `cwd`. */
export function toGivenDatabase(connection: string, type: string | undefined, cwd: string): DatabaseOptions {
  const kind = DATABASE_TYPES.find((known) => known === type) ?? typeOf(connection);
  return { type: kind, connection: toAbsolute(kind, connection, cwd), maxOpenConnections: CONNECTIONS, retry: RETRY };
}

function typeOf(connection: string): DatabaseOptions['type'] {
  if (/^postgres(?:ql)?:/.test(connection)) return 'postgresql';
  return /^(?:mysql|mariadb):|@(?:tcp|unix)\(/.test(connection) ? 'mysql' : 'sqlite3';
}
