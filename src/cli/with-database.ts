import { resolve } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { SekishoError } from '../lib/errors.ts';
import { parseSqliteConnection } from '../sql/connection-string.ts';
import { openDatabase } from '../sql/open-database.ts';
import type { Database } from '../sql/types.ts';
import { Failure, usageFailure } from './failure.ts';
import type { ModelSettings } from './read-schemas.ts';

export type DatabaseSettings = NonNullable<Settings['database']>;

/** What the user wrote is at fault, not the database. */
const WRITTEN = ['CONFIG_INVALID', 'MIGRATION_INVALID', 'SCHEMA_INVALID'];

/** The section `database` of a configuration; a usage failure when there is none. */
export function needDatabase({ settings, path }: ModelSettings): DatabaseSettings {
  if (settings.database === undefined) throw usageFailure(`${path} has no section \`database\``);
  return settings.database;
}

/** Opens the database of a configuration, gives it to `work` and closes it. What goes wrong is a `Failure`. */
export async function withDatabase<T>(model: ModelSettings, work: (database: Database) => Promise<T>): Promise<T> {
  const { type, connection, maxOpenConn, deadlockRetryTx } = needDatabase(model);
  // A file is beside the configuration, as for the server.
  const file = type === 'sqlite3' ? parseSqliteConnection(connection) : ':memory:';
  try {
    const database = await openDatabase({
      type,
      connection: file === ':memory:' ? connection : resolve(model.folder, file),
      maxOpenConnections: maxOpenConn,
      retry: { count: deadlockRetryTx.count, intervalMs: deadlockRetryTx.intervalMsec },
    });
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error;
    const lines = error.errors.map(({ pointer, detail }) => (pointer === '' ? detail : `${pointer}: ${detail}`));
    const others = lines.filter((line) => !error.message.includes(line));
    throw new Failure(WRITTEN.includes(error.code) ? 2 : 1, [`sekisho: ${error.message} (${error.code})`, ...others].join('\n'));
  }
}
