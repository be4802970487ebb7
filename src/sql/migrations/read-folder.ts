import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SekishoError } from '../../lib/errors.ts';
import { type Migration, parseGooseFile, toVersion } from './goose-file.ts';

/** The migrations of a folder in the order of their versions; none when there is no such folder. MIGRATION_INVALID for a broken file or a version that two have. */
export function readMigrations(dir: string): readonly Migration[] {
  if (!existsSync(dir)) return [];
  const files = readdirSync(dir).filter((file) => toVersion(file) !== undefined);
  const migrations = files
    .map((file) => parseGooseFile(file, readFileSync(join(dir, file), 'utf8')))
    .toSorted((a, b) => a.version - b.version);
  for (const [index, migration] of migrations.entries()) {
    const next = migrations[index + 1];
    if (next?.version === migration.version)
      throw new SekishoError('MIGRATION_INVALID', `${migration.file} and ${next.file} have the same version`);
  }
  return migrations;
}
