import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { onEveryDatabase } from '../../test/support/databases.ts';
import { type EtcdServers, startEtcd } from '../../test/support/etcd.ts';
import { type Changes, changesOf, expectedKeys, openEtcd, presentKeys, SYNC_SCHEMAS, syncType } from '../../test/support/sync.ts';
import { until } from '../../test/support/until.ts';
import type { Etcd } from '../etcd/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { openEventLog } from '../sql/event-log.ts';
import type { Database } from '../sql/types.ts';
import { createSync } from './sync.ts';

const RUNS = Number(process.env['SEKISHO_SYNC_RUNS'] ?? 40);

type Operation =
  | { readonly kind: 'create' | 'update'; readonly type: string; readonly id: string; readonly name: string; readonly device: string }
  | { readonly kind: 'delete'; readonly type: string; readonly id: string };

const word = fc.constantFrom('a', 'b', 'c');
const typeId = fc.constantFrom('net', 'port', 'vm', 'note', 'quiet');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('create' as const, 'update' as const),
    type: typeId,
    id: word,
    name: fc.constantFrom('', 'x', 'ä"{}'),
    device: word,
  }),
  fc.record({ kind: fc.constant('delete' as const), type: typeId, id: word }),
);

async function apply(changes: Changes, operation_: Operation): Promise<void> {
  const type = syncType(operation_.type);
  if (operation_.kind === 'delete') {
    await changes.delete(type, operation_.id);
    return;
  }
  const { id, name, device } = operation_;
  const values = { name, device_id: device };
  try {
    if (operation_.kind === 'update') await changes.update(type, id, values);
    else await changes.create(type, { id, ...values, ...(type.id === 'port' && { net_id: device }) });
  } catch (error) {
    // It is there already, or its network is not.
    if (!(error instanceof SekishoError) || !['RESOURCE_CONFLICT', 'RESOURCE_REFERENCE'].includes(error.code)) throw error;
  }
}

onEveryDatabase((subject) => {
  let servers: EtcdServers;
  let etcd: Etcd;
  let database: Database;
  before(async () => {
    servers = await startEtcd();
    etcd = openEtcd(servers.endpoints);
    database = await subject.open(await subject.createConnection(), { count: 30, intervalMs: 2 });
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
  });
  after(async () => {
    await database.close();
    await etcd.close();
    await servers[Symbol.asyncDispose]();
  });

  test('whatever is done by several writers, etcd holds in the end what the database holds', async () => {
    const changes = changesOf(database);
    const log = await openEventLog(database);
    const models = { database, schemas: () => SYNC_SCHEMAS };
    const start = (node: string) => createSync({ etcd, models, node, runEvent: () => Promise.resolve({}), ttlMs: 2000, pollMs: 500 });
    const lists = fc.array(fc.array(operation, { maxLength: 25 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(lists, fc.boolean(), async (writers, isRestarted) => {
        const first = await start('first');
        const done = Promise.all(
          writers.map(async (operations) => {
            for (const one of operations) await apply(changes, one);
          }),
        );
        if (isRestarted) await first.close();
        const second = isRestarted ? await start('second') : first;
        await done;
        await until('the log is delivered', async () => (await log.backlog()).count === 0);
        const drift = await second.compare();
        await second.close();
        assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
        assert.deepEqual([drift.missing, drift.different, drift.orphaned], [0, 0, 0]);
      }),
      { numRuns: RUNS },
    );
  });
});
