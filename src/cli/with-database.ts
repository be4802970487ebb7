import { resolve } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { SekishoError } from '../lib/errors.ts';
import { parseSqliteConnection } from '../sql/connection-string.ts';
import { type DatabaseOptions, openDatabase } from '../sql/open-database.ts';
import type { Database } from '../sql/types.ts';
import { Failure, usageFailure } from './failure.ts';
import type { ModelSettings } from './read-schemas.ts';

type DatabaseSettings = NonNullable<Settings['database']>;

/** What the user wrote is at fault, not the database. */
const WRITTEN = ['CONFIG_INVALID', 'MIGRATION_INVALID', 'SCHEMA_INVALID'];

/** The section `database` of a configuration; a usage failure when there is none. */
export function needDatabase({ settings, path }: ModelSettings): DatabaseSettings {
  if (settings.database === undefined) throw usageFailure(`${path} has no section \`database\``);
  return settings.database;
}

/** Opens the database of a configuration, gives it to `work` and closes it. What goes wrong is a `Failure`. */
export async function withDatabase<T>(model: ModelSettings, work: (database: Database) => Promise<T>): Promise<T> {
  const options = toOptions(needDatabase(model), model.folder);
  return await tellingFailures(() => useDatabase(options, work));
}

/** Opens a database, gives it to `work` and closes it. Rejects with what went wrong. */
export async function useDatabase<T>(options: DatabaseOptions, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(options);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** Options of a database; the file of SQLite is beside the configuration, as for the server. */
export function toOptions({ type, connection, maxOpenConn, deadlockRetryTx }: DatabaseSettings, folder: string): DatabaseOptions {
  const file = type === 'sqlite3' ? parseSqliteConnection(connection) : ':memory:';
  return {
    type,
    connection: file === ':memory:' ? connection : resolve(folder, file),
    maxOpenConnections: maxOpenConn,
    retry: { count: deadlockRetryTx.count, intervalMs: deadlockRetryTx.intervalMsec },
  };
}

/** Makes expected errors a `Failure` that tells all of them. */
export async function tellingFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error;
    const lines = error.errors.map(({ pointer, detail }) => (pointer === '' ? detail : `${pointer}: ${detail}`));
    const others = lines.filter((line) => !error.message.includes(line));
    // Who runs the command has the credentials of the database: what it said is no secret here.
    const cause = error.cause instanceof Error ? [`caused by: ${error.cause.message}`] : [];
    throw new Failure(WRITTEN.includes(error.code) ? 2 : 1, [`sekisho: ${error.message} (${error.code})`, ...others, ...cause].join('\n'));
  }
}
