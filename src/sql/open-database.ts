import { parseMysqlConnection, parsePostgresConnection, parseSqliteConnection } from './connection-string.ts';
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
  /** `database.deadlock_retry_tx`. */
  readonly retry: RetryOptions;
}

/** Opens a database. DATABASE_LOST when its server can't be reached, DATABASE_FAILED when it refuses, CONFIG_INVALID for a malformed connection. */
export async function openDatabase({ type, connection, maxOpenConnections, retry }: DatabaseOptions): Promise<Database> {
  switch (type) {
    case 'sqlite3':
      return openSqliteDatabase(parseSqliteConnection(connection), retry);
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
