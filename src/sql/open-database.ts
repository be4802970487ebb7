import { awaitServer } from './await-server.ts';
import { parseMysqlConnection, parsePostgresConnection, parseSqliteConnection, toPlace } from './connection-string.ts';
import { openMysqlDatabase } from './mysql-database.ts';
import { openPostgresDatabase } from './postgres-database.ts';
import type { RetryOptions } from './retry.ts';
import { openSqliteDatabase } from './sqlite-database.ts';
import type { Database } from './types.ts';

export interface DatabaseOptions {
  readonly type: Database['kind'];
  /** A URL, or Gohan's form: see `connection-string.ts`. */
  readonly connection: string;
  readonly maxOpenConnections: number;
  /** How long a server that does not answer yet is waited for; default 0: not at all. */
  readonly maxWaitMs?: number;
  /** `database.deadlock_retry_tx`. */
  readonly retry: RetryOptions;
}

/**
 * Opens a database. DATABASE_LOST when its server can't be reached (in time), DATABASE_REFUSED when it does not let us in, DATABASE_FAILED for a file that
 * can't be opened, CONFIG_INVALID for a malformed connection.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { type, connection, maxWaitMs = 0, retry } = options;
  if (type === 'sqlite3') return openSqliteDatabase(parseSqliteConnection(connection), retry);
  return await awaitServer(() => connect(type, options), { place: toPlace(type, connection), maxWaitMs });
}

async function connect(type: 'mysql' | 'postgresql', { connection, maxOpenConnections, retry }: DatabaseOptions): Promise<Database> {
  switch (type) {
    case 'mysql':
      return await openMysqlDatabase({ address: parseMysqlConnection(connection), maxOpenConnections, retry });
    case 'postgresql': {
      const database = openPostgresDatabase({ connectionString: parsePostgresConnection(connection), maxOpenConnections, retry });
      try {
        await database.reader.query('SELECT 1', []);
        return database;
      } catch (error) {
        await database.close();
        throw error;
      }
    }
  }
}
