import type { ChangeSource } from './change-source.ts';
import { createPostgresChanges } from './postgres-changes.ts';
import type { Database } from './types.ts';

/** `sync_source` of a configuration, with the connection of its database. */
export interface ChangesOptions {
  readonly type: ChangeSource['name'];
  readonly connection: string;
  readonly slot: string;
  readonly publication: string;
  readonly serverId: number;
}

/** The replication of an open and prepared database. SYNC_SOURCE when its server is not set up for it. */
export async function openChanges(database: Database, options: ChangesOptions): Promise<ChangeSource> {
  const source = await create(database, options);
  await source.check();
  return source;
}

async function create(database: Database, options: ChangesOptions): Promise<ChangeSource> {
  if (options.type === 'postgres_replication') return createPostgresChanges({ ...options, database });
  // Only who reads binary logs loads what reads them.
  const { createMysqlChanges } = await import('./mysql-changes.ts');
  return createMysqlChanges({ ...options, database });
}
