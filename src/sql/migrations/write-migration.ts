import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SekishoError } from '../../lib/errors.ts';
import type { SchemaSet } from '../../schema/types.ts';
import type { Ask, Dialect } from '../dialect.ts';
import { dialectOf } from '../dialect-of.ts';
import { type PlanStep, planSchema, type SchemaPlan } from '../schema-plan.ts';
import { createRecordTable, RECORD_TABLE, readRecord, recordStatements, undoRecordStatements } from '../table-record.ts';
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
  const { up, down } = toStatements(dialect, plan.steps);
  return createMigration(target, up, down);
}

export interface PlanOptions {
  readonly database: Database;
  readonly schemas: SchemaSet;
  readonly cascadeDelete: boolean;
  /** Drop columns that have no property any more and tables of ours that have no schema, and narrow what schemas narrowed. */
  readonly allowDestructive: boolean;
}

/** A plan with its statements, as a migration has them. */
export interface MigrationPlan extends SchemaPlan {
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** The text of the migration. */
  readonly text: string;
}

/** What separates the tables of a database from its schemas, with the text of the migration that would close the gap. Nothing is changed. */
export async function planMigration(options: PlanOptions): Promise<MigrationPlan> {
  const { database, schemas, cascadeDelete, allowDestructive } = options;
  const dialect = await dialectOf(database);
  const ask: Ask = (sql, parameters) => database.reader.query(sql, parameters);
  const tables = await dialect.readTables(ask);
  const destructive = allowDestructive ? { destructive: { ours: tables.has(RECORD_TABLE) ? await readRecord(dialect, ask) : [] } } : {};
  const plan = planSchema({ dialect, resources: ownTypes(schemas), tables, cascadeDelete, ...destructive });
  // Not for a file: foreign keys can't be put aside in its transaction.
  const rebuilds = plan.rebuilds.map(({ what }) => `${what}: SQLite must make the table anew, which auto_migrate does at start`);
  const { up, down } = toStatements(dialect, plan.steps);
  return { ...plan, problems: [...plan.problems, ...rebuilds], up, down, text: toGooseFile(up, down) };
}

/** The statements of a migration forth and back, with those that keep the record of our tables. */
function toStatements(dialect: Dialect, steps: readonly PlanStep[]): { readonly up: readonly string[]; readonly down: readonly string[] } {
  const up = steps.flatMap(({ sql, change }) => {
    const { before, after } = recordStatements(dialect, change);
    return [...before, sql, ...after];
  });
  const down = steps.toReversed().flatMap(({ undo, change }) => {
    if (undo === undefined) return [];
    const { before, after } = undoRecordStatements(dialect, change);
    return [...before, undo, ...after];
  });
  const isRecorded = steps.some(({ change }) => change !== undefined);
  return { up: isRecorded ? [createRecordTable(dialect), ...up] : up, down };
}

function ownTypes(schemas: SchemaSet): SchemaSet['resources'] {
  return new Map([...schemas.resources].filter(([, type]) => !type.isMeta));
}
