import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { onEveryDatabase } from '../../test/support/databases.ts';
import { type EtcdServers, startEtcd } from '../../test/support/etcd.ts';
import { changesOf, openEtcd, SYNC_SCHEMAS, syncType } from '../../test/support/sync.ts';
import { until } from '../../test/support/until.ts';
import type { Etcd } from '../etcd/types.ts';
import { subscribe } from '../lib/event.ts';
import type { Database } from '../sql/types.ts';
import { createSync, type Sync } from './sync.ts';

/** What a gateway, this one or Gohan, writes of a resource. */
const written = (resource: unknown): string => JSON.stringify({ body: JSON.stringify(resource), version: 1 });

let servers: EtcdServers;
let etcd: Etcd;
before(async () => {
  servers = await startEtcd();
  etcd = openEtcd(servers.endpoints);
});
after(async () => {
  await etcd.close();
  await servers[Symbol.asyncDispose]();
});

async function keysOf(): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const prefix of ['/config/', '/old/', '/v1/', '/state_watch/'])
    for await (const { kvs } of etcd.pages({ prefix })) keys.push(...kvs.map(({ key }) => key));
  return keys.toSorted();
}

onEveryDatabase((subject) => {
  let database: Database;
  let node: Sync;
  before(async () => {
    database = await subject.open(await subject.createConnection(), { count: 10, intervalMs: 5 });
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    const { create } = changesOf(database);
    await create(syncType('net'), { id: 'a', name: 'one' });
    await create(syncType('vm'), { id: 'v', device_id: 'd' });
  });
  after(async () => {
    await node.close();
    await database.close();
  });
  beforeEach(async () => {
    await node?.close();
    for (const prefix of ['/config/', '/old/', '/v1/', '/state_watch/', '/gohan/']) await etcd.delete({ prefix });
    node = await createSync({
      etcd,
      models: { database, schemas: () => SYNC_SCHEMAS },
      node: 'node',
      runEvent: () => Promise.resolve({}),
      pollMs: 200,
      backoffMs: 200,
      driftIntervalMs: 0,
    });
    await until('it leads', () => node.status().delivery?.isLeader);
    await node.resync(['net', 'vm']);
  });

  test('keys that stand where a schema would have them without its template are removed when they hold its resources', async () => {
    // Written before the schema got its template, and before it got nosync, by a gateway that left no record of that.
    await etcd.put('/config/v1/vms/v', written({ id: 'v', device_id: 'd' }));
    await etcd.put('/config/v1/quiets/q', written({ id: 'q' }));
    await etcd.put('/state_watch/state/v1/vms/v', '{"version":1,"state":"up"}');
    const strangers = {
      '/config/v1/vms/x': 'of somebody else',
      '/config/v1/vms/y': written({ id: 'other' }),
      '/config/v1/vms/z': written('text'),
      '/config/v1/vms/v/below': written({ id: 'below' }),
      '/config/v1/others/o': written({ id: 'o' }),
    };
    for (const [key, value] of Object.entries(strangers)) await etcd.put(key, value);
    const rehearsal = await node.rehearse([]);
    assert.deepEqual([rehearsal.missing, rehearsal.different, rehearsal.orphaned, rehearsal.foreign], [0, 0, 2, 3]);
    assert.deepEqual(rehearsal.examples.toSorted(), [
      'foreign /config/v1/vms/x',
      'foreign /config/v1/vms/y',
      'foreign /config/v1/vms/z',
      'orphaned /config/v1/quiets/q',
      'orphaned /config/v1/vms/v',
    ]);
    assert.deepEqual(await node.resync(['vm']), { written: 1, removed: 0, kept: 0, waiting: 0 });
    assert.deepEqual(await node.resync([]), { written: 2, removed: 2, kept: 3, waiting: 0 });
    assert.deepEqual(await keysOf(), ['/config/dev/d/vm/v', '/config/v1/nets/a', ...Object.keys(strangers)].toSorted());
  });

  test('a template that the operator names is cleaned of what a gateway wrote, alone or with schemas', async () => {
    await etcd.put('/old/d/v', written({ id: 'v' }));
    await etcd.put('/old/d/w', 'of somebody else');
    await etcd.put('/old/d', written({ id: 'v' }));
    const rehearsal = await node.rehearse(['vm'], { former: ['/old/{{device_id}}/{{id}}'] });
    assert.deepEqual([rehearsal.resources, rehearsal.orphaned, rehearsal.foreign], [1, 1, 1]);
    assert.equal((await keysOf()).includes('/old/d/v'), true, 'a rehearsal removes nothing');
    const result = await node.resync(['vm'], { former: ['/old/{{device_id}}/{{id}}'] });
    assert.deepEqual(result, { written: 1, removed: 1, kept: 1, waiting: 0 });
    await etcd.put('/old/d/v', written({ id: 'v' }));
    assert.equal((await node.resync([], { former: ['/old/{{device_id}}/{{id}}'] })).removed, 1);
    assert.deepEqual(await keysOf(), ['/config/dev/d/vm/v', '/config/v1/nets/a', '/old/d', '/old/d/w']);
  });

  test('keys of a present resource are never former ones, whatever the operator names', async () => {
    const before = await keysOf();
    const result = await node.resync([], {
      former: ['/config/v1/nets/{{id}}', '/config/v1/{{schema}}/{{id}}', '/config/dev/{{a}}/vm/{{b}}'],
    });
    assert.deepEqual([result.removed, result.kept], [0, 0]);
    assert.deepEqual(await keysOf(), before);
  });

  test('a template that could be any key is refused', async () => {
    const cases = ['{{id}}', '/{{id}}', '/a{{id}}', 'old/{{id}}', '/old/all', '/gohan/cluster/{{id}}', '/state_watch/state/v1/{{id}}'];
    for (const template of cases) await assert.rejects(node.resync([], { former: [template] }), { code: 'QUERY_INVALID' }, template);
  });

  test('where a resource may stand, a value that no gateway writes is told and stays', async () => {
    await etcd.put('/config/v1/nets/b', 'of somebody else');
    await etcd.put('/config/v1/nets/c', written({ id: 'c' }));
    const drift = await node.compare();
    assert.deepEqual([drift.orphaned, drift.foreign], [1, 1]);
    assert.deepEqual(await node.resync([]), { written: 2, removed: 1, kept: 1, waiting: 0 });
    // A resource that comes to be there takes its place.
    await changesOf(database).create(syncType('net'), { id: 'b', name: 'two' });
    await until('it is there', async () => (await etcd.range({ key: '/config/v1/nets/b' })).kvs[0]?.value.toString().includes('two'));
    await changesOf(database).delete(syncType('net'), 'b');
    await until('it is gone', async () => (await etcd.range({ key: '/config/v1/nets/b' })).kvs.length === 0);
  });

  test('a gateway of another database removes nothing, and knows nothing of its former keys', async () => {
    await etcd.put('/gohan/cluster/layouts/old/{{id}}', JSON.stringify({ schema: 'old', plain: false, database: 'another' }));
    await etcd.put('/old/x', written({ id: 'x' }));
    const other = await subject.open(await subject.createConnection(), { count: 10, intervalMs: 5 });
    try {
      await other.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
      const models = { database: other, schemas: () => SYNC_SCHEMAS };
      const stranger = await createSync({ etcd, models, node: 'stranger', runEvent: () => Promise.resolve({}), delivers: false });
      try {
        const before = await keysOf();
        await assert.rejects(stranger.resync([]), { code: 'SYNC_OTHER_DATABASE', message: /nothing was removed; is `etcd` the right one/ });
        await assert.rejects(stranger.rehearse([]), { code: 'SYNC_OTHER_DATABASE' });
        assert.deepEqual(await keysOf(), before);
      } finally {
        await stranger.close();
      }
      // Whoever is to deliver from there says so by leading.
      await node.close();
      const warnings: string[] = [];
      const stop = subscribe((event) => {
        if (event.type === 'warning') warnings.push(event.text);
      });
      node = await createSync({ etcd, models, node: 'heir', runEvent: () => Promise.resolve({}), driftIntervalMs: 0, pollMs: 200 });
      await until('it is told', () => warnings.some((text) => /were delivered from another database until now/.test(text)));
      stop();
      assert.deepEqual(await node.resync([]), { written: 0, removed: 2, kept: 0, waiting: 0 });
      assert.deepEqual(await keysOf(), ['/old/x']);
    } finally {
      await node.close();
      await other.close();
    }
  });
});
