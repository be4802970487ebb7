/**
 * A node that migrates, to be killed: `migrating-node.ts KIND CONNECTION prepare|up PATH [COUNT]`. PATH is a schema file, or the folder of migrations.
 * With COUNT it kills itself after that many statements of SQLite, which has no connection that could be cut from outside.
 */
import { dirname } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { loadSchemas } from '../../src/schema/load-schemas.ts';
import { migrate } from '../../src/sql/migrations/migrate.ts';
import { openDatabase } from '../../src/sql/open-database.ts';
import type { Database } from '../../src/sql/types.ts';

const [kind = '', connection = '', work = '', path = '', count] = process.argv.slice(2);

function dieAfter(statements: number): void {
  let left = statements;
  const counted = <F extends (...words: never) => unknown>(run: F): F =>
    new Proxy(run, {
      apply(target, self, words) {
        const result: unknown = Reflect.apply(target, self, words);
        left -= 1;
        if (left === 0) process.kill(process.pid, 'SIGKILL');
        return result;
      },
    });
  DatabaseSync.prototype.exec = counted(DatabaseSync.prototype.exec);
  StatementSync.prototype.run = counted(StatementSync.prototype.run);
  StatementSync.prototype.all = counted(StatementSync.prototype.all);
}

if (count !== undefined) dieAfter(Number(count));
const database = await openDatabase({
  type: kind as Database['kind'],
  connection,
  maxOpenConnections: 4,
  retry: { count: 3, intervalMs: 5 },
});
if (work === 'up') await migrate({ database, dir: path, command: 'up' });
else
  await database.prepare(loadSchemas([path], { cwd: dirname(path), legacyTableNames: true }), { autoMigrate: true, cascadeDelete: false });
await database.close();
