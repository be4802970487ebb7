import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type DatabaseSubject, onEveryDatabase } from '../../test/support/databases.ts';
import { type EtcdServers, startEtcd } from '../../test/support/etcd.ts';
import { type Changes, changesOf, expectedKeys, openEtcd, presentKeys, SYNC_SCHEMAS, syncType } from '../../test/support/sync.ts';
import { until } from '../../test/support/until.ts';
import type { Etcd } from '../etcd/types.ts';
import { TRUE } from '../schema/filter.ts';
import type { Database } from '../sql/types.ts';
import { createSync, type Sync, type SyncOptions } from './sync.ts';
import type { RunEvent } from './types.ts';

const NET = syncType('net');
/** Nobody loses an office here because the machine is busy; who leaves gives it up at once. */
const TTL_MS = 30_000;
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

const open: { readonly sync: Sync; readonly client: Etcd }[] = [];
let names = 0;
/** A node of its own, with its own connection to etcd. */
async function startNode(options: Partial<SyncOptions>): Promise<Sync> {
  const client = openEtcd(servers.endpoints);
  const runEvent: RunEvent = () => Promise.resolve({});
  const sync = await createSync({ etcd: client, node: `node-${(names += 1)}`, runEvent, ttlMs: TTL_MS, pollMs: 60_000, ...options });
  open.push({ sync, client });
  return sync;
}
async function closeNodes(): Promise<void> {
  for (const { sync, client } of open.splice(0)) {
    await sync.close();
    await client.close();
  }
}
afterEach(closeNodes);

function suite(subject: DatabaseSubject): void {
  let connection: string;
  let database: Database;
  let changes: Changes;
  const models = () => ({ database, schemas: () => SYNC_SCHEMAS });
  const isSame = async () => {
    try {
      assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
      return true;
    } catch {
      return false;
    }
  };
  const stateOf = async (id: string) =>
    await database.reader.fetch(NET, id, {
      filter: TRUE,
      embed: false,
      fields: ['config_version', 'state_version', 'state', 'state_error', 'state_monitoring'],
    });
  before(async () => {
    connection = await subject.createConnection();
    database = await subject.open(connection, { count: 10, intervalMs: 5 });
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    changes = changesOf(database);
  });
  after(async () => database.close());
  beforeEach(async () => {
    for (const prefix of ['/config/', '/v1/', '/state_watch/', '/watched/', '/gohan/']) await etcd.delete({ prefix });
    await database.transaction(
      async (session) => {
        for (const table of ['ports', 'nets', 'vms', 'notes', 'events']) await session.query(`DELETE FROM ${table}`, []);
      },
      { isolation: 'READ COMMITTED' },
    );
  });

  test('a commit of a node that does not lead reaches etcd at once', async () => {
    const first = await startNode({ models: models() });
    await until('the first leads', () => first.status().delivery?.isLeader);
    const elsewhere = await subject.open(connection, { count: 10, intervalMs: 5 });
    await elsewhere.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    const second = await startNode({ models: { database: elsewhere, schemas: () => SYNC_SCHEMAS } });
    await until('the second knows', () => second.status().delivery?.leader !== undefined);
    const { create, update } = changesOf(elsewhere);
    await create(NET, { id: 'a', name: 'one' });
    await until('it is there', isSame);
    assert.deepEqual(second.status().problems, []);
    assert.equal(second.status().delivery?.isLeader, false);
    const { sync, client } = open.shift() ?? assert.fail();
    await sync.close();
    await client.close();
    await until('the second leads', () => second.status().delivery?.isLeader);
    await update(NET, 'a', { name: 'two' });
    await until('it is there', isSame);
    await closeNodes();
    await elsewhere.close();
  });

  test('states come back by the rules of versions, with their events, and those are not lost that came while nobody listened', async () => {
    const calls: unknown[] = [];
    const runEvent: RunEvent = (environment, event, fields, options) => {
      calls.push([environment, event, fields['state'] ?? fields['monitoring'], options?.session !== undefined]);
      if (event === 'pre_state_update_in_transaction' && (fields['state'] as { readonly state: string }).state === 'refuse')
        return Promise.reject(new Error('no'));
      return Promise.resolve(event === 'pre_monitoring_update_in_transaction' ? { monitoring: 'changed' } : {});
    };
    await changes.create(NET, { id: 'a' });
    await changes.update(NET, 'a', { size: 1 });
    await etcd.put('/state_watch/state/v1/nets/a', JSON.stringify({ version: 1, error: '', state: 'half' }));
    const node = await startNode({ models: models(), runEvent });
    await until('it is stored', async () => (await stateOf('a'))?.['state_version'] === 1);
    assert.deepEqual(calls.splice(0), [
      ['net', 'pre_state_update_in_transaction', { version: 1, error: '', state: 'half' }, true],
      ['net', 'post_state_update_in_transaction', { version: 1, error: '', state: 'half' }, true],
    ]);
    await etcd.put('/state_watch/monitoring/v1/nets/a', JSON.stringify({ version: 1, monitoring: 'early' }));
    await etcd.put('/state_watch/state/v1/nets/a', JSON.stringify({ version: 0, state: 'old' }));
    await etcd.put('/state_watch/state/v1/nets/a', '{"state":"no version"}');
    await etcd.put('/state_watch/state/v1/nets/a', JSON.stringify({ version: 2, state: 'refuse' }));
    await etcd.put('/state_watch/state/v1/nets/b', JSON.stringify({ version: 2, state: 'nobody' }));
    await etcd.put('/state_watch/state/v1/ports/a', JSON.stringify({ version: 2, state: 'no versions' }));
    await etcd.put('/state_watch/state/v1/nets/a', JSON.stringify({ version: 2, error: 'e', state: 'done' }));
    await until('it is stored', async () => (await stateOf('a'))?.['state_version'] === 2);
    await etcd.put('/state_watch/state/v1/nets/a', JSON.stringify({ version: 2, state: 'again' }));
    await etcd.put('/state_watch/monitoring/v1/nets/a', JSON.stringify({ version: 2, monitoring: { x: 1 } }));
    await until('monitoring is stored', async () => (await stateOf('a'))?.['state_monitoring'] === 'changed');
    assert.deepEqual(await stateOf('a'), {
      config_version: 2,
      state_version: 2,
      state: 'done',
      state_error: 'e',
      state_monitoring: 'changed',
    });
    assert.deepEqual(
      calls.map((call) => (call as unknown[])[1]),
      [
        'pre_state_update_in_transaction',
        'pre_state_update_in_transaction',
        'post_state_update_in_transaction',
        'pre_monitoring_update_in_transaction',
        'post_monitoring_update_in_transaction',
      ],
    );
    assert.equal(node.status().reports?.isLeader, true);
  });

  test('a state is found by a key template', async () => {
    await changes.create(syncType('vm'), { id: 'v', device_id: 'd' });
    await changes.create(syncType('vm'), { id: 'w', device_id: null });
    await etcd.put('/state_watch/state/dev/d/vm/v', JSON.stringify({ version: 1, state: 'up' }));
    await etcd.put('/state_watch/state/dev//vm/w', JSON.stringify({ version: 1, state: 'down' }));
    await startNode({ models: models() });
    const states = async () =>
      (await database.reader.list(syncType('vm'), { filter: TRUE, embed: false, fields: ['id', 'state'] }))
        .map((row) => row['state'])
        .join();
    await until('they are stored', async () => (await states()) === 'up,down');
  });

  test('resync writes what etcd should hold, and removes what it should not; drift tells', async () => {
    await changes.create(NET, { id: 'a', name: 'one' });
    await changes.create(syncType('vm'), { id: 'v', device_id: 'd' });
    await changes.create(syncType('note'), { id: 'n', name: 'text' });
    const node = await startNode({ models: models() });
    await until('all is there', isSame);
    assert.deepEqual(
      { ...(await node.compare()), at: '' },
      { at: '', resources: 3, missing: 0, different: 0, orphaned: 0, foreign: 0, examples: [] },
    );
    await etcd.delete({ key: '/config/v1/nets/a' });
    await etcd.put('/config/dev/d/vm/v', '{"body":"{}","version":1}');
    await etcd.put('/config/v1/nets/ghost', '{"body":"{}","version":1}');
    await etcd.put('/v1/notes/ghost', 'x');
    await etcd.put('/config/v1/nets/a/below', 'of somebody else');
    const drift = await node.compare();
    assert.deepEqual([drift.missing, drift.different, drift.orphaned], [1, 1, 2]);
    assert.deepEqual(drift.examples.toSorted(), [
      'different /config/dev/d/vm/v',
      'missing /config/v1/nets/a',
      'orphaned /config/v1/nets/ghost',
      'orphaned /v1/notes/ghost',
    ]);
    await assert.rejects(node.resync(['nett']), { code: 'QUERY_INVALID', message: /did you mean net\?/ });
    const phases = new Set<string>();
    assert.deepEqual(await node.resync([], { onProgress: ({ phase }) => phases.add(phase) }), {
      written: 3,
      removed: 2,
      kept: 0,
      waiting: 0,
    });
    assert.deepEqual([...phases], ['write', 'deliver', 'clean']);
    assert.equal(await etcd.delete({ key: '/config/v1/nets/a/below' }), 1);
    assert.equal(await isSame(), true);
  });

  test('keys of schemas that are gone are told, and removed by a resync of everything, and nothing else is', async () => {
    await changes.create(NET, { id: 'a', name: 'one' });
    await changes.create(syncType('vm'), { id: 'v', device_id: 'd' });
    await changes.create(syncType('note'), { id: 'n', name: 'text' });
    const before = await startNode({ models: models() });
    await until('all is there', isSame);
    await etcd.put('/state_watch/state/v1/nets/a', JSON.stringify({ version: 1, state: 'up' }));
    await before.close();
    const present = new Map([...SYNC_SCHEMAS.resources].filter(([id]) => id !== 'net' && id !== 'vm' && id !== 'note'));
    const moved = { ...syncType('note'), metadata: { ...syncType('note').metadata, sync_key_template: '/moved/{{id}}' } };
    const schemas = { ...SYNC_SCHEMAS, resources: present.set('note', moved) };
    const strangers = ['/config/v1/nets/foreign', '/config/v1/nets/a/below', '/config/dev/d', '/config/elsewhere'];
    for (const key of strangers) await etcd.put(key, 'of somebody else');
    const after = await startNode({ models: { database, schemas: () => schemas } });
    const drift = await after.compare();
    assert.deepEqual([drift.missing, drift.different, drift.orphaned, drift.foreign], [1, 0, 3, 1]);
    assert.deepEqual(drift.examples.toSorted(), [
      'foreign /config/v1/nets/foreign',
      'missing /moved/n',
      'orphaned /config/dev/d/vm/v',
      'orphaned /config/v1/nets/a',
      'orphaned /v1/notes/n',
    ]);
    assert.deepEqual(await after.resync(['note']), { written: 1, removed: 0, kept: 0, waiting: 0 });
    assert.deepEqual(await after.resync([]), { written: 1, removed: 3, kept: 1, waiting: 0 });
    const keys = [];
    for (const prefix of ['/config/', '/v1/', '/moved/', '/state_watch/'])
      for await (const { kvs } of etcd.pages({ prefix })) keys.push(...kvs.map(({ key }) => key));
    assert.deepEqual(keys.toSorted(), [...strangers, '/moved/n'].toSorted());
    assert.equal((await after.compare()).orphaned, 0);
    await etcd.delete({ prefix: '/moved/' });
  });
}

onEveryDatabase(suite);

test('watched keys are shared by the nodes, told in order, and taken up where they were left', async () => {
  for (const prefix of ['/watched/', '/gohan/']) await etcd.delete({ prefix });
  await etcd.put('/watched/a/old', '{}');
  const told: string[] = [];
  const runEvent =
    (node: string): RunEvent =>
    (environment, event, { action, key, data }) => {
      assert.equal(event, 'notification');
      told.push(`${node} ${environment} ${String(action)} ${String(key)} ${JSON.stringify(data)}`);
      return key === '/watched/b/bad' ? Promise.reject(new Error('handler')) : Promise.resolve({});
    };
  const watch = { keys: ['/watched/a/', '/watched/b/'], events: ['watched/a/x', 'watched'] };
  const one = await startNode({ node: 'one', watch, runEvent: runEvent('one') });
  await until('one has both', () => one.status().watch.every(({ isOurs }) => isOurs));
  await etcd.put('/watched/a/x1', '{"n":1}');
  await etcd.put('/watched/a/y', 'no object');
  await etcd.delete({ key: '/watched/a/x1' });
  await until('three are told', () => told.length === 3);
  assert.deepEqual(told.splice(0), [
    'one sync://watched/a/x set /watched/a/x1 {"n":1}',
    'one sync://watched set /watched/a/y {}',
    'one sync://watched/a/x delete /watched/a/x1 {}',
  ]);
  const two = await startNode({ node: 'two', watch, runEvent: runEvent('two') });
  await until('they share', () => one.status().watch[0]?.isOurs === true && two.status().watch[1]?.isOurs === true);
  await etcd.put('/watched/a/1', '{}');
  await etcd.put('/watched/b/bad', '{}');
  await etcd.put('/watched/b/2', '{}');
  await until('three are told', () => told.length === 3);
  assert.deepEqual(told.splice(0).toSorted(), [
    'one sync://watched set /watched/a/1 {}',
    'two sync://watched set /watched/b/2 {}',
    'two sync://watched set /watched/b/bad {}',
  ]);
  await closeNodes();
  await etcd.put('/watched/a/away', '{"n":2}');
  await etcd.delete({ key: '/watched/a/old' });
  await startNode({ node: 'three', watch, runEvent: runEvent('three') });
  await until('both are told', () => told.length === 2);
  assert.deepEqual(told.splice(0), ['three sync://watched set /watched/a/away {"n":2}', 'three sync://watched delete /watched/a/old {}']);
  await closeNodes();
  await etcd.put('/watched/a/away', '{"n":3}');
  await etcd.put('/watched/a/away', '{"n":4}');
  await etcd.cluster.compact((await etcd.range({ key: 'x' })).revision);
  await startNode({ node: 'four', watch, runEvent: runEvent('four') });
  await until('the newest is told', () => told.length === 1);
  assert.deepEqual(told, ['four sync://watched set /watched/a/away {"n":4}']);
});

test('cron jobs run on one node, tell of their last run everywhere, and do not overlap', async () => {
  await etcd.delete({ prefix: '/gohan/' });
  const runs: string[] = [];
  const release = Promise.withResolvers<void>();
  const runEvent =
    (node: string): RunEvent =>
    async (environment, _event, fields, options) => {
      runs.push(`${node} ${environment} ${String(fields['path'])}`);
      if (environment === 'cron://fails') throw new Error('handler');
      if (environment === 'cron://slow')
        await Promise.race([release.promise, new Promise((resolve) => options?.signal?.addEventListener('abort', resolve))]);
      return {};
    };
  const cron = [
    { path: 'cron://quick', timing: '* * * * * *' },
    { path: 'cron://fails', timing: '@every 1s' },
    { path: 'cron://slow', timing: '* * * * * *' },
  ];
  const one = await startNode({ node: 'one', cron, runEvent: runEvent('one') });
  const two = await startNode({ node: 'two', cron, runEvent: runEvent('two') });
  const statusOf = async (node: Sync, path: string) => (await node.cron()).find((status) => status.path === path);
  await until('quick ran twice', () => runs.filter((run) => run.includes('quick')).length >= 2);
  const leader = runs[0]?.split(' ')[0] === 'one' ? one : two;
  const other = leader === one ? two : one;
  await until('the other node knows', async () => (await statusOf(other, 'cron://fails'))?.last?.outcome === 'failed');
  await until('a tick of the slow one is left out', async () => ((await statusOf(leader, 'cron://slow'))?.skipped ?? 0) > 0);
  assert.equal(new Set(runs.map((run) => run.split(' ')[0])).size, 1);
  assert.equal(runs.filter((run) => run.includes('slow')).length, 1);
  const quick = await statusOf(other, 'cron://quick');
  assert.equal(quick?.last?.outcome, 'ok');
  assert.ok(quick?.next !== undefined && Date.parse(quick.next) > Date.now() - 1000);
  release.resolve();
});

test('without etcd a node runs its cron jobs alone, and compares nothing', async () => {
  let runs = 0;
  const runEvent: RunEvent = () => Promise.resolve({ state: (runs += 1) });
  const sync = await createSync({ node: 'alone', runEvent, cron: [{ path: 'cron://a', timing: '@every 1s' }] });
  await until('it ran', () => runs > 0);
  await assert.rejects(sync.compare(), { code: 'SYNC_NO_ETCD', message: /names no `(?:etcd|schemas)`/ });
  assert.deepEqual(sync.status(), { delivery: undefined, reports: undefined, watch: [], problems: [] });
  await sync.close();
  await assert.rejects(createSync({ node: 'x', runEvent, cron: [{ path: 'cron://a', timing: 'often' }] }), { code: 'CONFIG_INVALID' });
  await assert.rejects(createSync({ node: 'x', runEvent, cron: [{ path: 'cron://a', timing: '@every 1ms' }] }), { code: 'CONFIG_INVALID' });
});
