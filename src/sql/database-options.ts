import { resolve } from 'node:path';
import { parseSqliteConnection } from './connection-string.ts';
import type { DatabaseOptions } from './open-database.ts';

/** What opening a database takes of the section `database` of a configuration. */
export interface DatabaseSection {
  readonly type: DatabaseOptions['type'];
  readonly connection: string;
  readonly maxOpenConn: number;
  readonly connectionWaitMs: number;
  readonly deadlockRetryTx: { readonly count: number; readonly intervalMsec: number };
}

/** Options of a configured database. Relative files of SQLite are beside the configuration, as in Gohan. */
export function toDatabaseOptions(section: DatabaseSection, folder: string): DatabaseOptions {
  return {
    type: section.type,
    connection: toAbsolute(section.type, section.connection, folder),
    maxOpenConnections: section.maxOpenConn,
    maxWaitMs: section.connectionWaitMs,
    retry: { count: section.deadlockRetryTx.count, intervalMs: section.deadlockRetryTx.intervalMsec },
  };
}

/** A connection whose file, when it is one of SQLite, is found from every folder. */
export function toAbsolute(type: DatabaseOptions['type'], connection: string, folder: string): string {
  const file = type === 'sqlite3' ? parseSqliteConnection(connection) : ':memory:';
  return file === ':memory:' ? connection : resolve(folder, file);
}
