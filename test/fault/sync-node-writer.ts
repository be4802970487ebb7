import { createEtcd } from '../../src/etcd/client.ts';
import { subscribe } from '../../src/lib/event.ts';
import { type ChangesOptions, openChanges } from '../../src/sql/open-changes.ts';
import { openDatabase } from '../../src/sql/open-database.ts';
import type { Database } from '../../src/sql/types.ts';
import { createSync } from '../../src/sync/sync.ts';
import { SYNC_SCHEMAS } from '../support/sync.ts';

/** A node that delivers the event log when it leads; tells its terms, one per line, until it is killed or its input ends. */
const [kind, connection = '', endpoints = '', node = '', ttl, type] = process.argv.slice(2);

subscribe((event) => {
  if (event.type === 'sync.leader' && event.role === 'publisher')
    process.stdout.write(`${event.leads ? 'leads' : 'leaves'} ${event.term}\n`);
  if (event.type === 'sync.source') process.stdout.write(`source ${event.state}\n`);
  if (event.type === 'sync.failed') process.stdout.write(`failed ${event.error.code}\n`);
  if (event.type === 'error') process.stdout.write(`error ${event.error.code} ${event.where}\n`);
});
const retry = { count: 20, intervalMs: 5 };
const database = await openDatabase({ type: kind as Database['kind'], connection, maxOpenConnections: 4, retry });
for (;;) {
  try {
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    break;
  } catch (error) {
    // Writers that keep a file of SQLite busy for long.
    if ((error as { readonly code?: string }).code !== 'DATABASE_RETRY') throw error;
  }
}
const source =
  type === 'poll'
    ? undefined
    : await openChanges(database, {
        type: type as ChangesOptions['type'],
        connection,
        slot: 'sekisho',
        publication: 'sekisho',
        serverId: 0,
      });
const etcd = createEtcd({ endpoints: endpoints.split(','), timeoutMs: 1000 });
const sync = await createSync({
  etcd,
  models: { database, schemas: () => SYNC_SCHEMAS },
  node,
  runEvent: () => Promise.resolve({}),
  ttlMs: Number(ttl),
  pollMs: 500,
  backoffMs: 500,
  ...(source !== undefined && { source }),
});
process.stdout.write('up\n');
process.stdin.on('end', () => {
  void sync
    .close()
    .then(() => etcd.close())
    .then(() => database.close())
    .then(() => process.exit(0));
});
process.stdin.resume();
