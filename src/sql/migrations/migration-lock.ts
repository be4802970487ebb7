import { SekishoError } from '../../lib/errors.ts';
import { MYSQL_LOCK, MYSQL_LOCK_TIMEOUT_S } from '../mysql-database.ts';
import { POSTGRES_LOCK } from '../postgres-database.ts';
import type { Database } from '../types.ts';

const ISOLATION = { isolation: 'READ COMMITTED' } as const;

/**
 * Runs work while no other node migrates this database. A connection of its own holds the lock, so it goes when this process does; `work` uses others.
 * SQLite has one writer and no such lock: there each migration is one transaction.
 */
export async function withMigrationLock<T>(database: Database, work: () => Promise<T>): Promise<T> {
  if (database.kind === 'sqlite3') return await work();
  return await database.transaction(async (session) => {
    if (database.kind === 'postgresql') {
      await session.query(`SELECT pg_advisory_xact_lock(${POSTGRES_LOCK})`, []);
      return await work();
    }
    const [row] = await session.query(`SELECT GET_LOCK('${MYSQL_LOCK}', ${MYSQL_LOCK_TIMEOUT_S}) AS got`, []);
    if (Number(row?.['got']) !== 1) throw new SekishoError('DATABASE_RETRY', 'another node has been migrating the tables for too long');
    try {
      return await work();
    } finally {
      await session.query(`SELECT RELEASE_LOCK('${MYSQL_LOCK}')`, []);
    }
  }, ISOLATION);
}
