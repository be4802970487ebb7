import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type DatabaseSubject, onEveryDatabase } from '../../test/support/databases.ts';
import { type EtcdServers, startEtcd } from '../../test/support/etcd.ts';
import { type Changes, changesOf, expectedKeys, openEtcd, presentKeys, SYNC_SCHEMAS, syncType } from '../../test/support/sync.ts';
import { until } from '../../test/support/until.ts';
import type { Etcd } from '../etcd/types.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { type EventLog, openEventLog } from '../sql/event-log.ts';
import { openDatabase } from '../sql/open-database.ts';
import type { Database } from '../sql/types.ts';
import { createEtcdSink } from './etcd-sink.ts';
import { layoutOf } from './layout.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import type { Fence, Sink } from './types.ts';
import { createWake, type Wake } from './wake.ts';

const NET = syncType('net');
const LEADER = '/test/leader';
let servers: EtcdServers;
let etcd: Etcd;
before(async () => {
  servers = await startEtcd({ quotaBytes: 64 * 1024 * 1024 });
  etcd = openEtcd(servers.endpoints);
});
after(async () => {
  await etcd.close();
  await servers[Symbol.asyncDispose]();
});

/** A publisher in an office that the test gives and takes away. */
interface Term {
  readonly publisher: Publisher;
  readonly wake: Wake;
  readonly fence: Fence;
  readonly done: Promise<void>;
  /** Ends it as the owner's clock does. */
  leave(): Promise<void>;
}

const open: Term[] = [];
afterEach(async () => {
  for (const term of open.splice(0)) await term.leave();
});

async function takeOffice(log: EventLog, wrap: (sink: Sink) => Sink = (sink) => sink): Promise<Term> {
  await etcd.delete({ key: LEADER });
  const term = await etcd.put(LEADER, 'me');
  const left = new AbortController();
  const fence: Fence = { compare: { key: LEADER, target: 'createRevision', result: '=', value: term }, lost: left.signal };
  const wake = createWake();
  const sink = wrap(createEtcdSink({ etcd, layout: () => layoutOf(SYNC_SCHEMAS) }));
  const publisher = createPublisher({ log, sink, wake, pollMs: 50, backoffMs: 200 });
  const done = publisher.run(fence);
  const leave = async (): Promise<void> => {
    left.abort();
    await done;
  };
  const office = { publisher, wake, fence, done, leave };
  open.push(office);
  return office;
}

function suite(subject: DatabaseSubject): void {
  let database: Database;
  let log: EventLog;
  let changes: Changes;
  const drained = () => until('the log is empty', async () => (await log.backlog()).count === 0);
  before(async () => {
    database = await subject.open(await subject.createConnection(), { count: 10, intervalMs: 5 });
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    log = await openEventLog(database);
    changes = changesOf(database);
  });
  after(async () => database.close());
  beforeEach(async () => {
    for (const prefix of ['/config/', '/v1/', '/state_watch/']) await etcd.delete({ prefix });
    await database.transaction(
      async (session) => {
        for (const table of ['ports', 'nets', 'vms', 'notes', 'events']) await session.query(`DELETE FROM ${table}`, []);
      },
      { isolation: 'READ COMMITTED' },
    );
  });

  test('what is committed is in etcd; what was deleted is not, cascades, state and monitoring included', async () => {
    await changes.create(NET, { id: 'a', name: 'one' });
    await changes.create(syncType('port'), { id: 'p', net_id: 'a' });
    await changes.create(syncType('vm'), { id: 'v', device_id: 'd' });
    await changes.create(syncType('note'), { id: 'n', name: 'text' });
    await changes.create(syncType('note'), { id: 'e', name: '' });
    await changes.create(syncType('quiet'), { id: 'q' });
    await changes.update(NET, 'a', { name: 'two' });
    const term = await takeOffice(log);
    await drained();
    assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
    const value = (await etcd.range({ key: '/config/v1/nets/a' })).kvs[0]?.value.toString() ?? '';
    assert.deepEqual(JSON.parse(value), { body: '{"id":"a","device_id":null,"name":"two","size":null}', version: 2 });
    assert.deepEqual([...(await presentKeys(etcd)).keys()].toSorted(), [
      '/config/dev/d/vm/v',
      '/config/v1/nets/a',
      '/config/v1/ports/p',
      '/v1/notes/n',
    ]);
    for (const key of ['/state_watch/state/v1/nets/a', '/state_watch/monitoring/v1/ports/p', '/state_watch/state/v1/nets/b'])
      await etcd.put(key, '{}');
    await changes.delete(NET, 'a');
    await changes.update(syncType('note'), 'n', { name: '' });
    term.wake.ring();
    await drained();
    assert.deepEqual([...(await presentKeys(etcd)).keys()], ['/config/dev/d/vm/v']);
    assert.equal((await etcd.range({ prefix: '/state_watch/' })).kvs.map(({ key }) => key).join(), '/state_watch/state/v1/nets/b');
    await term.leave();
  });

  test('a deposed leader writes nothing, and ends its term by itself', async () => {
    const term = await takeOffice(log);
    await etcd.put(LEADER, 'again');
    await changes.create(NET, { id: 'a' });
    await drained();
    await etcd.delete({ key: LEADER });
    await etcd.put(LEADER, 'somebody else');
    await changes.create(NET, { id: 'b' });
    term.wake.ring();
    await term.done;
    assert.deepEqual([...(await presentKeys(etcd)).keys()], ['/config/v1/nets/a']);
    assert.equal((await log.backlog()).count, 1);
    const next = await takeOffice(log);
    await drained();
    await next.leave();
  });

  test('rows that were delivered and not deleted are not delivered again', async () => {
    let fails = true;
    const broken: EventLog = { ...log, remove: (ids) => (fails ? Promise.reject(new Error('no')) : log.remove(ids)) };
    await changes.create(NET, { id: 'a', name: 'one' });
    await changes.update(NET, 'a', { name: 'two' });
    const first = await takeOffice(broken);
    const written = await until('it is delivered', async () => (await etcd.range({ key: '/config/v1/nets/a' })).kvs[0]);
    await first.leave();
    fails = false;
    await changes.update(NET, 'a', { name: 'three' });
    assert.equal((await log.backlog()).count, 3);
    const second = await takeOffice(log);
    await drained();
    await second.leave();
    const now = (await etcd.range({ key: '/config/v1/nets/a' })).kvs[0];
    assert.equal(now?.version, written.version + 1, 'one more write');
    assert.equal(second.publisher.status().delivered, 1);
  });

  test('somebody else who writes keys of resources is told of, and overwritten', async () => {
    const seen: Event[] = [];
    const stop = subscribe((event) => seen.push(event));
    await changes.create(NET, { id: 'a', name: 'one' });
    const term = await takeOffice(log);
    await drained();
    await etcd.put('/config/v1/nets/a', 'nonsense');
    await changes.update(NET, 'a', { name: 'two' });
    term.wake.ring();
    await drained();
    assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
    assert.deepEqual(
      seen.filter(({ type }) => type === 'sync.conflict'),
      [{ type: 'sync.conflict', keys: ['/config/v1/nets/a'] }],
    );
    stop();
    await term.leave();
  });

  test('a value that etcd does not take holds up its own resource only, until a smaller one takes its place', async () => {
    await changes.create(NET, { id: 'big', name: 'x'.repeat(2_000_000) });
    await changes.update(NET, 'big', { size: 1 });
    await changes.create(NET, { id: 'small' });
    const term = await takeOffice(log);
    await until('the small one is there', async () => (await presentKeys(etcd)).has('/config/v1/nets/small'));
    const [blocked] = await until('the big one is told of', () => {
      const list = term.publisher.status().blocked;
      return list.length > 0 && list;
    });
    assert.equal(blocked?.path, '/v1/nets/big');
    assert.equal(blocked?.error.code, 'SYNC_TOO_LARGE');
    assert.equal((await log.backlog()).count, 2);
    await changes.update(NET, 'big', { name: 'short' });
    await drained();
    assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
    assert.equal(term.publisher.status().blocked.length, 0);
    await term.leave();
  });
}

onEveryDatabase(suite);

test('what failed is forgotten when nothing waits any more', async () => {
  let isUp = false;
  const log = {
    read: () => (isUp ? Promise.resolve([]) : Promise.reject(new Error('the database is away'))),
    remove: () => Promise.resolve(),
    find: () => Promise.resolve([]),
  };
  const sink: Sink = { name: 'none', publish: () => Promise.resolve({ delivered: [], refused: [] }) };
  const publisher = createPublisher({ log, sink, wake: createWake(), pollMs: 10, backoffMs: 20 });
  const over = new AbortController();
  const done = publisher.run({ compare: undefined, lost: over.signal });
  await until('it is told', () => publisher.status().lastError !== undefined);
  isUp = true;
  await until('it is forgotten', () => publisher.status().lastError === undefined);
  over.abort();
  await done;
});

test('an etcd that is full: changes wait, the reason is told, and they arrive when there is room', async () => {
  await using full = await startEtcd({ quotaBytes: 1024 * 1024 });
  const client = openEtcd(full.endpoints);
  const database = await openDatabase({
    type: 'sqlite3',
    connection: ':memory:',
    maxOpenConnections: 1,
    retry: { count: 0, intervalMs: 1 },
  });
  await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
  const log = await openEventLog(database);
  const over = new AbortController();
  const sink = createEtcdSink({ etcd: client, layout: () => layoutOf(SYNC_SCHEMAS) });
  const publisher = createPublisher({ log, sink, wake: createWake(), pollMs: 50, backoffMs: 200 });
  let done: Promise<void> | undefined;
  try {
    const fill = async (): Promise<boolean> => {
      await client.put('/fill', Buffer.alloc(400_000));
      return false;
    };
    await assert.rejects(until('it is full', fill), { code: 'ETCD_NO_SPACE' });
    await changesOf(database).create(NET, { id: 'a' });
    done = publisher.run({ compare: undefined, lost: over.signal });
    await until('the reason is told', () => publisher.status().lastError?.code === 'ETCD_NO_SPACE');
    assert.match(publisher.status().lastError?.message ?? '', /space exceeded; compact and defragment it, disarm the alarm NOSPACE/);
    assert.equal((await log.backlog()).count, 1);
    const { revision } = await client.range({ key: '/fill' });
    await client.cluster.compact(revision);
    await client.cluster.defragment(full.endpoints[0] ?? '');
    for (const alarm of await client.cluster.alarms()) await client.cluster.disarm(alarm);
    await until('it is delivered', async () => (await log.backlog()).count === 0);
    await until('all is well', () => publisher.status().lastError === undefined);
    assert.equal((await client.range({ key: '/config/v1/nets/a' })).count, 1);
  } finally {
    over.abort();
    await done;
    await client.close();
    await database.close();
  }
});
