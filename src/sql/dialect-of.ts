import type { Dialect } from './dialect.ts';
import { dialectOfMysql } from './dialect-mysql.ts';
import { POSTGRES } from './dialect-postgres.ts';
import { SQLITE } from './dialect-sqlite.ts';
import type { Database } from './types.ts';

/** The dialect of an open database. */
export async function dialectOf(database: Database): Promise<Dialect> {
  if (database.kind !== 'mysql') return database.kind === 'sqlite3' ? SQLITE : POSTGRES;
  const [row] = await database.reader.query('SELECT VERSION() AS version', []);
  return dialectOfMysql(String(row?.['version']));
}
