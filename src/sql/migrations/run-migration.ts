import { SekishoError } from '../../lib/errors.ts';
import type { Database, Session } from '../types.ts';
import type { Migration } from './goose-file.ts';
import type { VersionTable } from './version-table.ts';

export type Direction = 'up' | 'down';

const ISOLATION = { isolation: 'READ COMMITTED' } as const;

/**
 * Carries out one migration and notes its version. Where DDL can be undone, all in one transaction; else statement by statement, each noted, so that
 * a run that was killed goes on where it stood. Gives whether it was this node that did it. MIGRATION_FAILED names the statement that was refused.
 */
export async function runMigration(
  database: Database,
  versions: VersionTable,
  migration: Migration,
  direction: Direction,
): Promise<boolean> {
  const isAtomic = migration.isTransactional && database.kind !== 'mysql';
  const note = (session: Session): Promise<void> =>
    direction === 'up' ? versions.add(session, migration.version) : versions.remove(session, migration.version);
  const statements = migration[direction];
  if (!isAtomic) {
    await runStepwise(database, versions, migration, direction);
    await database.transaction(async (session) => {
      await note(session);
      await versions.setProgress(session, undefined);
    }, ISOLATION);
    return true;
  }
  return await database.transaction(async (session) => {
    // SQLite's lock is this transaction: another node may have been here meanwhile.
    if ((await versions.applied(session)).has(migration.version) === (direction === 'up')) return false;
    for (const [index, statement] of statements.entries()) {
      await attempt(migration, direction, index, () => session.query(statement, []));
    }
    await note(session);
    return true;
  }, ISOLATION);
}

async function runStepwise(database: Database, versions: VersionTable, migration: Migration, direction: Direction): Promise<void> {
  const progress = await database.transaction((session) => versions.progress(session), ISOLATION);
  const isResumed = progress?.version === migration.version && progress.direction === direction;
  const start = isResumed ? progress.done : 0;
  for (const [index, statement] of migration[direction].entries()) {
    if (index < start) continue;
    const note = (session: Session, done: number) => versions.setProgress(session, { version: migration.version, direction, done });
    // Noted before, since DDL commits by itself, and together with what can be undone.
    await database.transaction((session) => note(session, index), ISOLATION);
    const run = (): Promise<unknown> =>
      database.transaction(async (session) => {
        await session.query(statement, []);
        await note(session, index + 1);
      }, ISOLATION);
    await attempt(migration, direction, index, async () => {
      try {
        await run();
      } catch (error) {
        // Of the statement at which a run was killed it is not known whether it was carried out.
        if (!(isResumed && index === start && isDone(error))) throw error;
      }
    });
  }
}

/** MySQL's numbers for: table, column, key, constraint is there already; table, column, key is not there any more. */
const DONE_CODES = new Set([1050, 1060, 1061, 1022, 1826, 1005, 1051, 1091, 1054, 1068, 3822]);

function isDone(error: unknown): boolean {
  const cause = error instanceof SekishoError ? error.cause : error;
  if (!(cause instanceof Error)) return false;
  if ('errno' in cause && typeof cause.errno === 'number') return DONE_CODES.has(cause.errno);
  return /already exists|duplicate column|does not exist|no such (?:table|column|index)/i.test(cause.message);
}

async function attempt(migration: Migration, direction: Direction, index: number, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    const cause = error instanceof SekishoError && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SekishoError('MIGRATION_FAILED', `${migration.file}: ${direction} statement ${index + 1}: ${reason}`, { cause: error });
  }
}
