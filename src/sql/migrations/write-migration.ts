import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SekishoError } from '../../lib/errors.ts';
import type { SchemaSet } from '../../schema/types.ts';
import type { Ask, Dialect } from '../dialect.ts';
import { dialectOf } from '../dialect-of.ts';
import { planSchema, type SchemaPlan } from '../schema-plan.ts';
import type { Database } from '../types.ts';
import { toGooseFile } from './goose-file.ts';

export interface NewMigration {
  readonly dir: string;
  /** Goes into the file's name; other characters than letters, digits and `_` become `_`. */
  readonly name: string;
  /** Whose time is the version. */
  readonly now?: Date;
}

/** Writes `<timestamp>_<name>.sql` with these statements, or empty sections for somebody to fill, and gives its path. */
export function createMigration(
  { dir, name, now = new Date() }: NewMigration,
  up: readonly string[] = [],
  down: readonly string[] = [],
): string {
  const version = now.toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const words = name.replaceAll(/\W+/g, '_').replaceAll(/^_+|_+$/g, '');
  if (words === '') throw new SekishoError('MIGRATION_INVALID', 'a migration needs a name of letters, digits and _');
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `${version}_${words}.sql`);
  writeFileSync(path, toGooseFile(up, down), { flag: 'wx' });
  return path;
}

/** Writes the migration that makes all tables of the schemas in an empty database of that dialect; Gohan's own schemas are left out. */
export function initMigration(
  target: NewMigration,
  options: { readonly dialect: Dialect; readonly schemas: SchemaSet; readonly cascadeDelete: boolean },
): string {
  const { dialect, schemas, cascadeDelete } = options;
  const plan = planSchema({ dialect, resources: ownTypes(schemas), tables: new Map(), cascadeDelete });
  const tables = plan.steps.map((step) => step.undo).filter((undo) => undo !== undefined);
  return createMigration(
    target,
    plan.steps.map((step) => step.sql),
    tables.toReversed(),
  );
}

export interface PlanOptions {
  readonly database: Database;
  readonly schemas: SchemaSet;
  readonly cascadeDelete: boolean;
  /** Drop columns that have no property any more. */
  readonly allowDestructive: boolean;
}

/** What separates the tables of a database from its schemas, with the text of the migration that would close the gap. Nothing is changed. */
export async function planMigration(options: PlanOptions): Promise<SchemaPlan & { readonly text: string }> {
  const { database, schemas, cascadeDelete, allowDestructive } = options;
  const dialect = await dialectOf(database);
  const ask: Ask = (sql, parameters) => database.reader.query(sql, parameters);
  const tables = await dialect.readTables(ask);
  const plan = planSchema({ dialect, resources: ownTypes(schemas), tables, cascadeDelete, allowDestructive });
  // Not for a file: foreign keys can't be put aside in its transaction.
  const rebuilds = plan.rebuilds.map(({ what }) => `${what}: SQLite must make the table anew, which auto_migrate does at start`);
  const undo = plan.steps.map((step) => step.undo).filter((sql) => sql !== undefined);
  return {
    ...plan,
    problems: [...plan.problems, ...rebuilds],
    text: toGooseFile(
      plan.steps.map((step) => step.sql),
      undo.toReversed(),
    ),
  };
}

function ownTypes(schemas: SchemaSet): SchemaSet['resources'] {
  return new Map([...schemas.resources].filter(([, type]) => !type.isMeta));
}
