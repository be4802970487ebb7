import type { CommandContext } from '../command.ts';
import { readConfiguredSchemas, readModelSettings } from '../read-schemas.ts';
import { rejectWords } from '../reject-words.ts';
import { needDatabase, withDatabase } from '../with-database.ts';

/** `init-db`: makes the tables of the configured schemas, and adds what is missing to those that are there. Nothing is dropped. */
export async function initDb(context: CommandContext): Promise<number> {
  rejectWords(context.words);
  const model = readModelSettings(context);
  const { schemas } = readConfiguredSchemas(model, 2);
  const { cascadeDelete } = needDatabase(model);
  await withDatabase({ model, io: context.io }, (database) => database.prepare(schemas, { autoMigrate: true, cascadeDelete }));
  context.io.out('DB is initialized\n');
  return 0;
}
