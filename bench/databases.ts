import type { Database } from '../src/sql/types.ts';
import { startMariadb } from '../test/support/mariadb.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { createTempFolder } from '../test/support/temp.ts';

export type Kind = Database['kind'];

/** A server of a database, or a folder for its files. */
export interface DatabaseServer extends AsyncDisposable {
  readonly kind: Kind;
  /** As it is called in the results. */
  readonly title: string;
  /** Makes an empty database and gives its connection. */
  createDatabase(): Promise<string>;
}

/** Starts a server on the load core, or none for SQLite, which works in the process of the server that is measured. */
export async function startDatabase(kind: Kind): Promise<DatabaseServer> {
  if (kind === 'sqlite3') return openFolder();
  const server = await (kind === 'postgresql' ? startPostgres() : startMariadb());
  return {
    kind,
    title: kind === 'postgresql' ? 'PostgreSQL' : 'MariaDB',
    createDatabase: () => server.createDatabase(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

function openFolder(): DatabaseServer {
  const folder = createTempFolder('sekisho-bench-');
  let count = 0;
  return {
    kind: 'sqlite3',
    title: 'SQLite',
    createDatabase: async () => `${folder.path}/${(count += 1)}.db`,
    [Symbol.asyncDispose]: async () => folder.remove(),
  };
}
