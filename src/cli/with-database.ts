import type { Settings } from '../config/settings.ts';
import { SekishoError } from '../lib/errors.ts';
import { subscribe } from '../lib/event.ts';
import { toDatabaseOptions } from '../sql/database-options.ts';
import { type DatabaseOptions, openDatabase } from '../sql/open-database.ts';
import type { Database } from '../sql/types.ts';
import { Failure, usageFailure } from './failure.ts';
import type { CliIo } from './io.ts';
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
export async function withDatabase<T>(
  { model, io }: { readonly model: ModelSettings; readonly io: CliIo },
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const options = toDatabaseOptions(needDatabase(model), model.folder);
  return await tellingFailures(() => useDatabase(options, io, work));
}

/** Opens a database, telling on stderr when it is waited for, gives it to `work` and closes it. Rejects with what went wrong. */
export async function useDatabase<T>(options: DatabaseOptions, io: CliIo, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openTelling(options, io);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function openTelling(options: DatabaseOptions, io: CliIo): Promise<Database> {
  const unsubscribe = subscribe((event) => {
    if (event.type !== 'database.waiting') return;
    io.err(`waiting for ${event.place}: ${event.reason}; for ${Math.ceil(event.leftMs / 1000)} s more\n`);
  });
  try {
    return await openDatabase(options);
  } finally {
    unsubscribe();
  }
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
    const cause = error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : undefined;
    const told = cause === undefined || error.message.includes(cause) ? [] : [`caused by: ${cause}`];
    throw new Failure(WRITTEN.includes(error.code) ? 2 : 1, [`sekisho: ${error.message} (${error.code})`, ...others, ...told].join('\n'));
  }
}
