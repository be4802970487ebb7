import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EtcdServers, startEtcd } from '../../test/support/etcd.ts';
import { createEtcd } from './client.ts';
import type { Compare, Etcd, RangeResult } from './types.ts';

let servers: EtcdServers;
let etcd: Etcd;
let count = 0;
/** A prefix of its own for each test. */
const prefixOf = (): string => `/t${(count += 1)}/`;
const keysOf = (result: RangeResult): string[] => result.kvs.map((kv) => kv.key);

before(async () => {
  servers = await startEtcd();
  etcd = createEtcd({ endpoints: servers.endpoints });
});
after(async () => {
  await etcd.close();
  await servers[Symbol.asyncDispose]();
});

test('what is put is read, with its revisions and bytes', async () => {
  const key = `${prefixOf()}schlüssel`;
  const value = Buffer.from([0, 255, 10, 13, 128]);
  const revision = await etcd.put(key, value);
  const [kv] = (await etcd.range({ key })).kvs;
  assert.deepEqual(kv, { key, value, createRevision: revision, modRevision: revision, version: 1, lease: '0' });
  await etcd.put(key, 'two');
  const [changed] = (await etcd.range({ key })).kvs;
  assert.equal(changed?.version, 2);
  assert.equal(changed?.createRevision, revision);
  assert.deepEqual((await etcd.range({ key, revision })).kvs[0]?.value, value);
});

test('views of one client share its connections, each with a bound of its own, and are closed by themselves', async (t) => {
  const p = prefixOf();
  const client = createEtcd({ endpoints: servers.endpoints });
  t.after(() => client.close());
  const view = client.withTimeout(1500);
  const seen: string[] = [];
  const watch = view.watch({ prefix: p, keysOnly: true, onList: (list) => void seen.push(...keysOf(list)), onEvents: () => undefined });
  await watch.ready;
  const lease = await view.lease(10_000);
  await view.put(`${p}a`, '1', { lease: lease.id });
  await view.close();
  assert.equal((await client.range({ key: `${p}a` })).count, 0, 'its lease is gone');
  await client.put(`${p}b`, '2');
  assert.equal((await client.withTimeout(1500).range({ prefix: p })).count, 1);
});

test('keys of an interval are deleted in one operation', async () => {
  const p = prefixOf();
  for (const name of ['1', '2', '3', '4']) await etcd.put(p + name, name);
  assert.equal(await etcd.delete({ key: `${p}1`, end: `${p}3` }), 2);
  const success = [{ delete: { key: `${p}3`, end: `${p}4` } }];
  assert.deepEqual((await etcd.txn({ success })).responses, [{ type: 'delete', deleted: 1, previous: [] }]);
  assert.deepEqual(keysOf(await etcd.range({ prefix: p })), [`${p}4`]);
});

test('a range is one key, or a prefix and nothing beside it', async () => {
  const p = prefixOf();
  for (const name of ['a', 'b/1', 'b/2', 'b0', 'c\u{10ffff}']) await etcd.put(p + name, name);
  assert.deepEqual(keysOf(await etcd.range({ prefix: `${p}b/` })), [`${p}b/1`, `${p}b/2`]);
  assert.deepEqual(keysOf(await etcd.range({ key: `${p}b` })), []);
  assert.deepEqual(keysOf(await etcd.range({ prefix: `${p}c\u{10ffff}` })), [`${p}c\u{10ffff}`]);
  assert.deepEqual(keysOf(await etcd.range({ prefix: p, after: `${p}b/1` })), [`${p}b/2`, `${p}b0`, `${p}c\u{10ffff}`]);
  const limited = await etcd.range({ prefix: p, limit: 2 });
  assert.deepEqual([limited.kvs.length, limited.count, limited.more], [2, 5, true]);
  assert.deepEqual(await etcd.range({ prefix: p, countOnly: true }).then(({ kvs, count: n }) => [kvs.length, n]), [0, 5]);
  assert.equal((await etcd.range({ prefix: p, keysOnly: true })).kvs[0]?.value.length, 0);
  assert.equal((await etcd.range({ prefix: p, serializable: true })).count, 5);
  assert.ok((await etcd.range({ prefix: '' })).count >= 5);
  assert.equal(await etcd.delete({ key: `${p}a` }), 1);
  assert.equal(await etcd.delete({ prefix: p }), 4);
});

test('pages are one view, whatever is written between them', async () => {
  const p = prefixOf();
  for (let i = 0; i < 25; i += 1) await etcd.put(`${p}${String(i).padStart(2, '0')}`, 'first');
  const keys: string[] = [];
  const revisions = new Set<number>();
  for await (const page of etcd.pages({ prefix: p, limit: 10 })) {
    keys.push(...keysOf(page));
    revisions.add(page.revision);
    assert.ok(page.kvs.every((kv) => kv.value.toString() === 'first'));
    await etcd.put(`${p}24`, 'second');
    await etcd.put(`${p}99`, 'new');
  }
  assert.equal(keys.length, 25);
  assert.deepEqual(keys, keys.toSorted());
  assert.equal(revisions.size, 1);
});

test('pages of what is compacted fail, and so does a revision of the future', async () => {
  const p = prefixOf();
  const old = await etcd.put(`${p}a`, '1');
  const now = await etcd.put(`${p}a`, '2');
  await etcd.cluster.compact(now);
  await assert.rejects(etcd.range({ key: `${p}a`, revision: old }), { code: 'ETCD_COMPACTED' });
  await assert.rejects(etcd.range({ key: `${p}a`, revision: now + 1_000_000 }), { code: 'ETCD_FAILED' });
});

test('every kind of comparison holds and fails as it says', async () => {
  const key = `${prefixOf()}k`;
  const lease = await etcd.lease(30_000);
  const first = await etcd.put(key, 'one');
  const second = await etcd.put(key, 'two', { lease: lease.id });
  const cases: readonly (readonly [Compare, boolean])[] = [
    [{ key, target: 'createRevision', result: '=', value: first }, true],
    [{ key, target: 'createRevision', result: '=', value: 0 }, false],
    [{ key, target: 'createRevision', result: '!=', value: first }, false],
    [{ key, target: 'modRevision', result: '=', value: second }, true],
    [{ key, target: 'modRevision', result: '<', value: second }, false],
    [{ key, target: 'modRevision', result: '<', value: second + 1 }, true],
    [{ key, target: 'modRevision', result: '>', value: first }, true],
    [{ key, target: 'version', result: '=', value: 2 }, true],
    [{ key, target: 'version', result: '>', value: 2 }, false],
    [{ key, target: 'value', result: '=', value: 'two' }, true],
    [{ key, target: 'value', result: '=', value: Buffer.from('one') }, false],
    [{ key, target: 'value', result: '!=', value: 'one' }, true],
    [{ key, target: 'lease', result: '=', value: lease.id }, true],
    [{ key, target: 'lease', result: '=', value: '0' }, false],
    [{ key: `${key}-absent`, target: 'createRevision', result: '=', value: 0 }, true],
  ];
  for (const [compare, holds] of cases) {
    const { succeeded } = await etcd.txn({ compare: [compare], success: [] });
    assert.equal(succeeded, holds, JSON.stringify(compare));
  }
  const both = await etcd.txn({ compare: cases.slice(0, 2).map(([compare]) => compare), success: [] });
  assert.equal(both.succeeded, false, 'all of them must hold');
  await lease.close();
});

test('a transaction does all of one branch, and answers each operation', async () => {
  const p = prefixOf();
  await etcd.put(`${p}a`, 'old');
  await etcd.put(`${p}gone/1`, 'x');
  const result = await etcd.txn({
    compare: [{ key: `${p}a`, target: 'version', result: '=', value: 1 }],
    success: [
      { put: { key: `${p}a`, value: 'new', prevKv: true } },
      { put: { key: `${p}b`, value: 'b' } },
      { range: { prefix: p } },
      { delete: { prefix: `${p}gone/`, prevKv: true } },
    ],
    failure: [{ put: { key: `${p}failed`, value: '' } }],
  });
  assert.equal(result.succeeded, true);
  const [put, plain, range, removed] = result.responses;
  assert.ok(put?.type === 'put' && put.previous?.value.toString() === 'old');
  assert.ok(plain?.type === 'put' && plain.previous === undefined);
  assert.ok(range?.type === 'range');
  assert.deepEqual(keysOf(range.result), [`${p}a`, `${p}b`, `${p}gone/1`]);
  assert.ok(removed?.type === 'delete' && removed.deleted === 1 && removed.previous[0]?.key === `${p}gone/1`);
  const kvs = (await etcd.range({ prefix: p })).kvs;
  assert.deepEqual([...new Set(kvs.map((kv) => kv.modRevision))], [result.revision]);
  const other = await etcd.txn({
    compare: [{ key: `${p}a`, target: 'version', result: '=', value: 1 }],
    success: [],
    failure: [{ range: { key: `${p}a` } }],
  });
  assert.equal(other.succeeded, false);
  assert.equal(other.responses.length, 1);
});

test('what is too large for etcd is told from what failed', async () => {
  const p = prefixOf();
  await assert.rejects(etcd.put(`${p}big`, Buffer.alloc(2_000_000)), { code: 'ETCD_TOO_LARGE' });
  const success = Array.from({ length: 129 }, (_, i) => ({ put: { key: `${p}${i}`, value: '' } }));
  await assert.rejects(etcd.txn({ success }), { code: 'ETCD_TOO_LARGE', message: /too many operations/ });
  await etcd.txn({ success: success.slice(0, 128) });
  assert.equal((await etcd.range({ prefix: p })).count, 128);
  await assert.rejects(etcd.put('', 'x'), { code: 'ETCD_FAILED', message: /key is not provided/ });
});

test('an aborted call ends at once, a write that was not sent says so, and the client goes on', async () => {
  const aborted = AbortSignal.abort(new Error('enough'));
  await assert.rejects(etcd.range({ key: 'a' }, aborted), /enough/);
  const later = new AbortController();
  const call = etcd.txn({ success: [] }, later.signal);
  later.abort(new Error('enough'));
  await assert.rejects(call, { code: 'ETCD_UNAVAILABLE', message: /was not sent/ });
  await etcd.range({ key: 'a' });
});

test('many calls at once share a bounded number of connections', async () => {
  const p = prefixOf();
  await Promise.all(Array.from({ length: 500 }, (_, i) => etcd.put(`${p}${i}`, String(i))));
  assert.equal((await etcd.range({ prefix: p, countOnly: true })).count, 500);
});

test('a closed client says so', async () => {
  const other = createEtcd({ endpoints: servers.endpoints });
  await other.range({ key: 'a' });
  await other.close();
  await assert.rejects(other.range({ key: 'a' }), { code: 'ETCD_UNAVAILABLE', message: /closed/ });
});

test('endpoints that are none are refused', () => {
  for (const endpoints of [[], ['ftp://a:1'], ['http://a:1/path'], ['http://user@a:1'], ['http://']]) {
    assert.throws(() => createEtcd({ endpoints }), { code: 'CONFIG_INVALID' }, String(endpoints));
  }
});
