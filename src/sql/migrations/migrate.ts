import { SekishoError } from '../../lib/errors.ts';
import { dialectOf } from '../dialect-of.ts';
import type { Database } from '../types.ts';
import type { Migration } from './goose-file.ts';
import { withMigrationLock } from './migration-lock.ts';
import { readMigrations } from './read-folder.ts';
import { type Direction, runMigration } from './run-migration.ts';
import { createVersionTable, type VersionTable } from './version-table.ts';

export type MigrateCommand = 'up' | 'up-by-one' | 'down' | 'redo';

export interface MigrateOptions {
  readonly database: Database;
  /** Folder of the migration files. */
  readonly dir: string;
  readonly command: MigrateCommand;
  /** With `up` and `down`: the last version to take, or the one to go back to. */
  readonly to?: number;
  /** Told of each migration that was carried out. */
  readonly onMigration?: (migration: { readonly file: string; readonly version: number; readonly direction: Direction }) => void;
}

/** One row of `migrate status`. */
export interface MigrationStatus {
  readonly version: number;
  readonly file: string;
  /** Since when it is in force; undefined while it is pending. */
  readonly appliedAt: string | undefined;
}

/**
 * Carries out migrations: `up` all that are pending, `up-by-one` the first of them, `down` takes the last one back (or all after `to`), `redo` takes it
 * back and forth. Gives how many steps were taken. One node at a time; killed anywhere, the same command goes on from there.
 */
export async function migrate(options: MigrateOptions): Promise<number> {
  const { database, dir } = options;
  const migrations = readMigrations(dir);
  const versions = createVersionTable(await dialectOf(database));
  return await withMigrationLock(database, async () => {
    await database.transaction((session) => versions.create(session), { isolation: 'READ COMMITTED' });
    let count = 0;
    for (const { migration, direction } of await chooseSteps(options, migrations, versions)) {
      if (!(await runMigration(database, versions, migration, direction))) continue;
      options.onMigration?.({ file: migration.file, version: migration.version, direction });
      count += 1;
    }
    return count;
  });
}

/** Every migration of the folder, and whether it is in force. */
export async function migrationStatus(database: Database, dir: string): Promise<readonly MigrationStatus[]> {
  const applied = await readApplied(database);
  return readMigrations(dir).map(({ version, file }) => ({ version, file, appliedAt: applied.get(version) }));
}

/** The highest version in force; 0 before the first. */
export async function migrationVersion(database: Database): Promise<number> {
  return [...(await readApplied(database)).keys()].at(-1) ?? 0;
}

async function readApplied(database: Database): Promise<ReadonlyMap<number, string>> {
  const versions = createVersionTable(await dialectOf(database));
  await database.transaction((session) => versions.create(session), { isolation: 'READ COMMITTED' });
  return await versions.applied(database.reader);
}

interface Step {
  readonly migration: Migration;
  readonly direction: Direction;
}

async function chooseSteps(options: MigrateOptions, migrations: readonly Migration[], versions: VersionTable): Promise<readonly Step[]> {
  const applied = await versions.applied(options.database.reader);
  const half = await versions.progress(options.database.reader);
  const { to } = options;
  if (options.command === 'up' || options.command === 'up-by-one') {
    const pending = migrations.filter(({ version }) => !applied.has(version) && (to === undefined || version <= to));
    return pending.slice(0, options.command === 'up' ? undefined : 1).map((migration) => ({ migration, direction: 'up' }));
  }
  const last = [...applied.keys()].toReversed();
  const chosen = options.command === 'down' && to !== undefined ? last.filter((version) => version > to) : last.slice(0, 1);
  // A redo that was killed after its first half has only the second one left to do.
  const isHalfRedone = options.command === 'redo' && half?.direction === 'up';
  const redone = isHalfRedone ? [half.version] : chosen;
  const found = redone.map((version) => migrations.find((migration) => migration.version === version) ?? missing(version, options.dir));
  return found.flatMap((migration): Step[] => {
    const down: Step[] = isHalfRedone ? [] : [{ migration, direction: 'down' }];
    return options.command === 'redo' ? [...down, { migration, direction: 'up' }] : down;
  });
}

function missing(version: number, dir: string): never {
  throw new SekishoError('MIGRATION_INVALID', `version ${version} is in force, but ${dir} has no file of it`);
}
