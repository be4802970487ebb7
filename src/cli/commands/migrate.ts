import { resolve } from 'node:path';
import { nearest } from '../../lib/nearest.ts';
import { dialectOf } from '../../sql/dialect-of.ts';
import { type MigrateCommand, migrationStatus, migrationVersion, migrate as runMigrations } from '../../sql/migrations/migrate.ts';
import { createMigration, initMigration, planMigration } from '../../sql/migrations/write-migration.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { MIGRATE_WORDS } from '../migrate-words.ts';
import { type ModelSettings, readConfiguredSchemas, readModelSettings } from '../read-schemas.ts';
import { needDatabase, withDatabase } from '../with-database.ts';

interface Migration extends CommandContext {
  readonly model: ModelSettings;
  /** Folder of the migration files. */
  readonly dir: string;
}

type MigrateRun = (migration: Migration) => Promise<number>;

const RUNS: Readonly<Record<(typeof MIGRATE_WORDS)[number], MigrateRun>> = {
  init,
  create,
  up: (migration) => run(migration, 'up', optionalVersion(migration)),
  'up-to': (migration) => run(migration, 'up', neededVersion(migration, 'up-to')),
  'up-by-one': (migration) => run(migration, 'up-by-one', noVersion(migration)),
  down: (migration) => run(migration, 'down', optionalVersion(migration)),
  'down-to': (migration) => run(migration, 'down', neededVersion(migration, 'down-to')),
  redo: (migration) => run(migration, 'redo', noVersion(migration)),
  status,
  version,
  plan,
};

/** `migrate WORD …`: writes migrations of the configured database, carries them out, and tells how far they are. */
export async function migrate(context: CommandContext): Promise<number> {
  const [word = '', ...words] = context.words;
  const known = MIGRATE_WORDS.find((one) => one === word);
  if (known === undefined) {
    const meant = nearest(word, MIGRATE_WORDS);
    throw usageFailure(`migrate: found '${word}', allowed is one of ${MIGRATE_WORDS.join(', ')}${meant ? `; did you mean ${meant}?` : ''}`);
  }
  const model = readModelSettings(context);
  const dir = resolve(model.folder, needDatabase(model).migrations);
  return await RUNS[known]({ ...context, words, model, dir });
}

async function init(migration: Migration): Promise<number> {
  const { words, model, dir, io } = migration;
  const [name = 'init_schema'] = atMost(words, 1);
  const { schemas } = readConfiguredSchemas(model, 2);
  const { cascadeDelete } = needDatabase(model);
  const path = await withDatabase(migration, async (database) =>
    initMigration({ dir, name }, { dialect: await dialectOf(database), schemas, cascadeDelete }),
  );
  io.out(`${path}\n`);
  return 0;
}

async function create(migration: Migration): Promise<number> {
  const { words, dir, io } = migration;
  const [name] = atMost(words, 1);
  if (name === undefined) throw usageFailure('migrate create needs a name, for example: sekisho migrate create add_colours');
  io.out(`${await withDatabase(migration, () => Promise.resolve(createMigration({ dir, name })))}\n`);
  return 0;
}

async function run(migration: Migration, command: MigrateCommand, to: number | undefined): Promise<number> {
  const { dir, io } = migration;
  const count = await withDatabase(migration, (database) =>
    runMigrations({
      database,
      dir,
      command,
      ...(to !== undefined && { to }),
      onMigration: ({ file, direction }) => io.out(`${direction.padEnd(4)}  ${file}\n`),
    }),
  );
  if (count === 0) io.out('nothing to do\n');
  return 0;
}

async function status(migration: Migration): Promise<number> {
  const { words, dir, print } = migration;
  atMost(words, 0);
  const rows = await withDatabase(migration, (database) => migrationStatus(database, dir));
  await print(
    rows.map(({ file, appliedAt }) => ({ applied: appliedAt ?? 'pending', file })),
    'table',
  );
  return 0;
}

async function version(migration: Migration): Promise<number> {
  atMost(migration.words, 0);
  migration.io.out(`${await withDatabase(migration, (database) => migrationVersion(database))}\n`);
  return 0;
}

/** Prints the SQL that would bring the tables to the schemas, or writes it as a migration of the given name. Exit code 1 when something is left that SQL of this kind can't do. */
async function plan(migration: Migration): Promise<number> {
  const { words, flags, model, dir, io } = migration;
  const [name] = atMost(words, 1);
  const { schemas } = readConfiguredSchemas(model, 2);
  const { cascadeDelete } = needDatabase(model);
  const allowDestructive = flags['allow-destructive'] === true;
  const { steps, problems, text, up, down } = await withDatabase(migration, (database) =>
    planMigration({ database, schemas, cascadeDelete, allowDestructive }),
  );
  for (const problem of problems) io.err(`warning: ${problem}\n`);
  for (const { what } of steps) io.err(`${what}\n`);
  if (steps.length === 0) io.err('the tables are as the schemas want them\n');
  else if (name === undefined) io.out(text);
  else io.out(`${createMigration({ dir, name }, up, down)}\n`);
  return problems.length > 0 ? 1 : 0;
}

function optionalVersion({ words }: Migration): number | undefined {
  const [text] = atMost(words, 1);
  return text === undefined ? undefined : parseVersion(text);
}

function neededVersion({ words }: Migration, word: string): number {
  const [text] = atMost(words, 1);
  if (text === undefined) throw usageFailure(`migrate ${word} needs the number of a version; sekisho migrate status lists them`);
  return parseVersion(text);
}

function noVersion({ words }: Migration): undefined {
  atMost(words, 0);
}

function parseVersion(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usageFailure(`'${text}' is no version: expected the number that the name of a migration begins with`);
}

function atMost(words: readonly string[], count: number): readonly string[] {
  if (words.length > count) throw usageFailure(`too many words: ${words.slice(count).join(' ')}`);
  return words;
}
