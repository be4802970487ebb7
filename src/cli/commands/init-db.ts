import type { SchemaSet } from '../../schema/types.ts';
import { toDatabaseOptions } from '../../sql/database-options.ts';
import type { DatabaseOptions } from '../../sql/open-database.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { toGivenDatabase } from '../given-database.ts';
import { type ModelSettings, readConfiguredSchemas, readModelSettings, readSchemaFiles } from '../read-schemas.ts';
import { rejectWords } from '../reject-words.ts';
import { needDatabase, tellingFailures, useDatabase } from '../with-database.ts';

/** What is to be made, and where. */
interface Task {
  readonly database: DatabaseOptions;
  readonly schemas: SchemaSet;
  readonly cascadeDelete: boolean;
}

/** `init-db`: makes the tables of schemas, and adds what is missing to those that are there. Nothing is dropped without --drop-on-create. */
export async function initDb(context: CommandContext): Promise<number> {
  const { words, flags, io } = context;
  rejectWords(words);
  const { database, schemas, cascadeDelete } = toTask(context);
  const options = { autoMigrate: true, cascadeDelete, dropFirst: flags['drop-on-create'] === true };
  await tellingFailures(() => useDatabase(database, io, (opened) => opened.prepare(schemas, options)));
  io.out('DB is initialized\n');
  return 0;
}

/** What the flags leave out is that of the configuration. */
function toTask(context: CommandContext): Task {
  const { flags, io } = context;
  const connection = flagText(flags, 'database');
  const type = flagText(flags, 'database-type');
  if (type !== undefined && connection === undefined) throw usageFailure('--database-type needs --database CONNECTION');
  const files = namedFiles(context);
  const isComplete = connection !== undefined && files.length > 0;
  const model: ModelSettings | undefined = isComplete && !context.given.has('config') ? undefined : readModelSettings(context);
  const configured = model?.settings.database;
  const legacyTableNames = configured?.legacy ?? true;
  const database =
    connection === undefined && model !== undefined
      ? toDatabaseOptions(needDatabase(model), model.folder)
      : toGivenDatabase(connection ?? '', type, io.cwd);
  const { schemas } =
    files.length === 0 && model !== undefined
      ? readConfiguredSchemas(model, 2)
      : readSchemaFiles(files, { cwd: io.cwd, exit: 2, legacyTableNames });
  return { database, schemas, cascadeDelete: flags.cascade === true || configured?.cascadeDelete === true };
}

/** Gohan has three flags for them. */
function namedFiles({ flags }: CommandContext): readonly string[] {
  const several = flagText(flags, 'multiple-schemas')?.split(';') ?? [];
  return [flagText(flags, 'meta'), flagText(flags, 'schema'), ...several].flatMap((file) => {
    const name = file?.trim() ?? '';
    return name === '' ? [] : [name];
  });
}
