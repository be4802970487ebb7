import { after, before, describe } from 'node:test';
import { loadSchemas } from '../../src/schema/load-schemas.ts';
import type { SchemaSet } from '../../src/schema/types.ts';
import { openDatabase } from '../../src/sql/open-database.ts';
import type { RetryOptions } from '../../src/sql/retry.ts';
import type { Database } from '../../src/sql/types.ts';
import { startMariadb } from './mariadb.ts';
import { startPostgres } from './postgres.ts';
import { createTempFolder } from './temp.ts';

/** One kind of database under test: a server of its own, and empty databases on it. */
export interface DatabaseSubject {
  readonly kind: Database['kind'];
  /** The connection of a new, empty database. */
  createConnection(): Promise<string>;
  /** Opens a connection; the test closes it. */
  open(connection: string, retry?: RetryOptions): Promise<Database>;
}

const STARTERS: Readonly<Record<Database['kind'], () => Promise<{ createDatabase(): Promise<string>; stop(): Promise<void> }>>> = {
  async sqlite3() {
    const folder = createTempFolder('sekisho-sqlite-');
    let count = 0;
    return {
      async createDatabase() {
        count += 1;
        return `${folder.path}/${count}.db`;
      },
      stop: async () => folder.remove(),
    };
  },
  postgresql: () => startPostgres(),
  mysql: () => startMariadb(),
};

/** Describes `body` once for each kind of database, on servers that are started before and stopped after it. */
export function onEveryDatabase(body: (subject: DatabaseSubject) => void): void {
  for (const kind of ['sqlite3', 'postgresql', 'mysql'] as const) {
    describe(kind, () => {
      let server: Awaited<ReturnType<(typeof STARTERS)[typeof kind]>> | undefined;
      before(async () => {
        server = await STARTERS[kind]();
      });
      after(async () => server?.stop());
      body({
        kind,
        async createConnection() {
          if (server === undefined) throw new Error('the server is not started');
          return await server.createDatabase();
        },
        open: (connection, retry = { count: 0, intervalMs: 5 }) => openDatabase({ type: kind, connection, maxOpenConnections: 8, retry }),
      });
    });
  }
}

/** The schemas of a YAML text. */
export function schemasOf(text: string): SchemaSet {
  using folder = createTempFolder('sekisho-schema-');
  const file = folder.write('schemas.yaml', text);
  return loadSchemas([file], { cwd: folder.path, legacyTableNames: true });
}
