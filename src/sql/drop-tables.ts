import type { SchemaSet } from '../schema/types.ts';
import type { Dialect } from './dialect.ts';
import type { Executor } from './executor.ts';

/**
 * Drops the tables of a set that are there, but for those of Gohan's own schemas, whatever refers to what among them. The executor of SQLite has foreign keys off. A table of others that
 * refers to one of them makes PostgreSQL refuse.
 */
export async function dropTables(
  { kind, quote }: Dialect,
  executor: Executor,
  schemas: SchemaSet,
  present: ReadonlyMap<string, unknown>,
): Promise<void> {
  const own = [...schemas.resources.values()].filter(({ isMeta }) => !isMeta);
  const tables = [...new Set(own.map(({ table }) => table))].filter((table) => present.has(table));
  if (tables.length === 0) return;
  if (kind === 'sqlite3') {
    for (const table of tables) await executor.records(`DROP TABLE ${quote(table)}`, []);
    return;
  }
  if (kind === 'mysql') await executor.records('SET SESSION foreign_key_checks = 0', []);
  await executor.records(`DROP TABLE ${tables.map(quote).join(', ')}`, []);
  if (kind === 'mysql') await executor.records('SET SESSION foreign_key_checks = 1', []);
}
