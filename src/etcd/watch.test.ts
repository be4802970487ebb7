import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EtcdServers, startEtcd, useEtcd } from '../../test/support/etcd.ts';
import { startTcpFaultProxy } from '../../test/support/tcp-fault-proxy.ts';
import { until } from '../../test/support/until.ts';
import { createEtcd } from './client.ts';
import type { Etcd, WatchOptions } from './types.ts';

let servers: EtcdServers;
let etcd: Etcd;
let count = 0;
const prefixOf = (): string => `/w${(count += 1)}/`;
const portOf = (endpoint: string | undefined): number => Number(new URL(endpoint ?? '').port);

before(async () => {
  servers = await startEtcd();
  etcd = createEtcd({ endpoints: servers.endpoints, timeoutMs: 10_000 });
});
after(async () => {
  await etcd.close();
  await servers[Symbol.asyncDispose]();
});

/** Writes down everything that a watch tells. */
function record(client: Etcd, options: Pick<WatchOptions, 'prefix'> & Partial<WatchOptions>) {
  const told: string[] = [];
  const links: boolean[] = [];
  const watch = client.watch({
    onList: (list) =>
      void told.push(`list ${list.kvs.map((kv) => `${kv.key.slice(options.prefix.length)}=${kv.value.toString()}`).join(' ')}`.trim()),
    onEvents: (events) =>
      void told.push(...events.map(({ type, kv }) => `${type} ${kv.key.slice(options.prefix.length)}=${kv.value.toString()}`)),
    onConnected: (connected) => void links.push(connected),
    ...options,
  });
  return { watch, told, links };
}

test('a watch lists, then tells what comes after the list', async () => {
  const prefix = prefixOf();
  await etcd.put(`${prefix}a`, '1');
  const { watch, told } = record(etcd, { prefix });
  await watch.ready;
  await etcd.put(`${prefix}a`, '2');
  await etcd.put(`${prefix.slice(0, -1)}-beside`, 'x');
  await etcd.delete({ key: `${prefix}a` });
  await until('three calls', () => told.length === 3);
  assert.deepEqual(told, ['list a=1', 'put a=2', 'delete a=']);
  await watch.close();
  await etcd.put(`${prefix}a`, '3');
  assert.equal(told.length, 3);
});

test('events come in whole transactions', async () => {
  const prefix = prefixOf();
  const calls: { revision: number; keys: string[] }[] = [];
  const watch = etcd.watch({
    prefix,
    onList: () => undefined,
    onEvents(events, revision) {
      calls.push({ revision, keys: events.map(({ kv }) => kv.key) });
    },
  });
  await watch.ready;
  const { revision } = await etcd.txn({
    success: [{ put: { key: `${prefix}a`, value: 'new' } }, { put: { key: `${prefix}b`, value: 'b' } }],
  });
  await until('one call', () => calls.length === 1);
  assert.deepEqual(calls, [{ revision, keys: [`${prefix}a`, `${prefix}b`] }]);
  await watch.close();
});

test('handlers run one after another; a slow one holds back the stream, and nothing is lost', async () => {
  const prefix = prefixOf();
  let running = 0;
  let most = 0;
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const watch = etcd.watch({
    prefix,
    onList: () => undefined,
    async onEvents(events) {
      running += 1;
      most = Math.max(most, running);
      await gate.promise;
      seen.push(...events.map((event) => event.kv.key));
      running -= 1;
    },
  });
  await watch.ready;
  const keys = Array.from({ length: 200 }, (_, i) => `${prefix}${i}`);
  for (const key of keys) await etcd.put(key, Buffer.alloc(100_000));
  gate.resolve();
  await until('all of them', () => seen.length === keys.length);
  assert.deepEqual([seen, most], [keys, 1]);
  await watch.close();
});

test('large revisions are told whole, though etcd sends them in fragments', async () => {
  const prefix = prefixOf();
  const { revision: from } = await etcd.range({ key: prefix });
  const revisions: number[] = [];
  for (let i = 0; i < 4; i += 1) {
    const success = Array.from({ length: 10 }, (_, k) => ({ put: { key: `${prefix}${k}`, value: Buffer.alloc(140_000, i) } }));
    revisions.push((await etcd.txn({ success })).revision);
  }
  const told: number[] = [];
  const sizes: number[] = [];
  const watch = etcd.watch({
    prefix,
    fromRevision: from,
    onList: () => assert.fail('no list was needed'),
    onEvents(events) {
      told.push(...new Set(events.map((event) => event.kv.modRevision)));
      sizes.push(events.length);
    },
  });
  await until('all revisions', () => told.includes(revisions.at(-1) ?? 0));
  assert.deepEqual(told, revisions);
  assert.ok(
    sizes.every((size) => size % 10 === 0),
    'a part of a revision was told',
  );
  await watch.close();
});

test('a watch that begins at a revision gets what came since, or a list when that is compacted', async () => {
  const prefix = prefixOf();
  const from = await etcd.put(`${prefix}a`, '1');
  await etcd.put(`${prefix}a`, '2');
  const first = record(etcd, { prefix, fromRevision: from });
  await first.watch.ready;
  await until('the event', () => first.told.length === 1);
  assert.deepEqual(first.told, ['put a=2']);
  await first.watch.close();
  const { revision } = await etcd.range({ key: prefix });
  await etcd.put(`${prefix}a`, '3');
  await etcd.cluster.compact(revision + 1);
  const second = record(etcd, { prefix, fromRevision: from });
  await second.watch.ready;
  assert.deepEqual(second.told, ['list a=3']);
  await second.watch.close();
  const third = record(etcd, { prefix, fromRevision: revision + 1_000_000 });
  await third.watch.ready;
  assert.deepEqual(third.told, ['list a=3'], 'a revision that the cluster does not know: it was restored');
  await third.watch.close();
});

test('after a cut there is a new list, with what happened meanwhile, also when that is compacted', async (t) => {
  const prefix = prefixOf();
  await using proxy = await startTcpFaultProxy(portOf(servers.endpoints[0]));
  const client = useEtcd(t, { endpoints: [`127.0.0.1:${proxy.port}`], timeoutMs: 10_000 });
  await etcd.put(`${prefix}a`, '1');
  await etcd.put(`${prefix}b`, '1');
  const { watch, told, links } = record(client, { prefix });
  await watch.ready;
  await until('the stream', () => links.length === 1);
  await proxy.refuse();
  await until('the cut is told', () => links.length === 2);
  await etcd.delete({ key: `${prefix}b` });
  const revision = await etcd.put(`${prefix}a`, '2');
  await etcd.cluster.compact(revision);
  await proxy.accept();
  await until('the new stream', () => links.length === 3);
  await etcd.put(`${prefix}a`, '3');
  await until('the event', () => told.includes('put a=3'));
  assert.deepEqual(told, ['list a=1 b=1', 'list a=2', 'put a=3']);
  assert.deepEqual(links, [true, false, true]);
  await watch.close();
});

test('a list comes every relistMs, and what it has is not told again', async () => {
  const prefix = prefixOf();
  const { watch, told } = record(etcd, { prefix, relistMs: 100 });
  await watch.ready;
  for (let i = 0; i < 50; i += 1) await etcd.put(`${prefix}a`, String(i));
  await until('lists', () => told.filter((line) => line === 'list a=49').length >= 2);
  const values = told.map((line) => Number(line.split('=')[1] ?? -1));
  assert.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
    'time never went back',
  );
  const puts = told.filter((line) => line.startsWith('put'));
  assert.equal(new Set(puts).size, puts.length, 'no event twice');
  await watch.close();
});

test('a stream that is silent because it is dead is left', async (t) => {
  const prefix = prefixOf();
  await using proxy = await startTcpFaultProxy(portOf(servers.endpoints[0]));
  const client = useEtcd(t, { endpoints: [`127.0.0.1:${proxy.port}`], timeoutMs: 1500 });
  const { watch, told, links } = record(client, { prefix });
  await watch.ready;
  await until('the stream', () => links.length === 1);
  proxy.stall();
  await etcd.put(`${prefix}a`, '1');
  await until('the silence is noticed', () => links.length >= 2);
  proxy.flow();
  await until('the list', () => told.includes('list a=1'));
  await watch.close();
});

test('a handler that fails gets a whole list instead', async () => {
  const prefix = prefixOf();
  let failures = 0;
  const { watch, told, links } = record(etcd, {
    prefix,
    onEvents() {
      failures += 1;
      throw new Error('not now');
    },
  });
  await watch.ready;
  await until('the stream', () => links.length === 1);
  await etcd.put(`${prefix}a`, '1');
  await until('the list', () => told.includes('list a=1'));
  assert.equal(failures, 1);
  await watch.close();
});

test('a watch that is closed before its first list says so', async (t) => {
  const client = useEtcd(t, { endpoints: ['127.0.0.1:1'], timeoutMs: 200 });
  const { watch } = record(client, { prefix: prefixOf() });
  const ready = assert.rejects(watch.ready, { code: 'ETCD_UNAVAILABLE' });
  await client.close();
  await ready;
});
