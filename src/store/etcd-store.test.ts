import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { post, startEtcd, useEtcd } from '../../test/support/etcd.ts';
import { startTcpFaultProxy } from '../../test/support/tcp-fault-proxy.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import { until } from '../../test/support/until.ts';
import type { Change } from '../entity/types.ts';
import type { Etcd, KeyValue } from '../etcd/types.ts';
import { type ErrorCode, SekishoError } from '../lib/errors.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { createEtcdStore, type EtcdStoreOptions } from './etcd-store.ts';
import type { Store, StoreUpdate } from './types.ts';

const by = { author: 'test' };
const KEY = '7'.repeat(64);
const servers = await startEtcd();
after(() => servers[Symbol.asyncDispose]());
const folder = createTempFolder('sekisho-etcd-store-');
after(() => folder.remove());
let count = 0;

const namespace = (name: string): Change => ({ op: 'put', kind: 'namespace', entity: { name } });
const secret = (name: string, data: string): Change => ({ op: 'put', kind: 'secret', entity: { name, namespace: 'a', data } });
const module = (name: string, payload: string): Change => ({
  op: 'put',
  kind: 'module',
  entity: { name, namespace: 'a', moduleType: 'javascript', payload },
});
const collection = (schema: unknown): Change => ({
  op: 'put',
  kind: 'collection',
  entity: { name: 'c', namespace: 'a', schema, visibility: 'public', type: 'document' },
});
const remove = (kind: 'namespace' | 'collection', name: string): Change => ({ op: 'delete', kind, namespace: 'a', name });

function fails(code: ErrorCode, text = /./): (error: unknown) => boolean {
  return (error) => error instanceof SekishoError && error.code === code && text.test(error.message);
}

/** A fleet of its own: every `open` is another node of it. */
function useFleet(t: TestContext, shared: Partial<EtcdStoreOptions> = {}) {
  count += 1;
  const prefix = `/test/${count}`;
  const nodes: Store[] = [];
  t.after(() => Promise.all(nodes.map((node) => node.close())));
  const open = async (own: Partial<EtcdStoreOptions> = {}): Promise<Store> => {
    const store = await createEtcdStore({ etcd: { endpoints: servers.endpoints }, prefix, encryptionKey: KEY, ...shared, ...own });
    nodes.push(store);
    return store;
  };
  return { prefix, open, newDir: () => join(folder.path, `${count}-${nodes.length}`) };
}

function follow(store: Store): readonly StoreUpdate[] {
  const updates: StoreUpdate[] = [];
  store.watch(0, (update) => void updates.push(update));
  return updates;
}

function useEvents(t: TestContext): readonly Event[] {
  const events: Event[] = [];
  t.after(subscribe((event) => void events.push(event)));
  return events;
}

async function readAll(etcd: Etcd, prefix: string): Promise<readonly KeyValue[]> {
  const kvs: KeyValue[] = [];
  for await (const page of etcd.pages({ prefix })) kvs.push(...page.kvs);
  return kvs;
}

const hashOf = async (store: Store): Promise<string> => (await store.load()).hash;

test('what one node stores, the others know: entities, secrets, documents, history', async (t) => {
  const { open } = useFleet(t);
  const [a, b] = [await open(), await open()];
  const seen = follow(b);
  await a.put([namespace('a'), secret('s', 'hush'), collection({})], { author: 'basic:ann' });
  await until('the other node knows', () => seen.length === 1);
  assert.deepEqual((await b.load()).entities, (await a.load()).entities);
  assert.equal(await hashOf(b), await hashOf(a));
  await a.documents.put('a', 'c', 'd', { n: 1 });
  assert.deepEqual((await b.documents.get('a', 'c', 'd'))?.data, { n: 1 });
  assert.deepEqual(await b.history({ limit: 5 }), await a.history({ limit: 5 }));
  const late = await open();
  assert.deepEqual(await late.load(), await a.load());
});

test('two nodes that write at once: one of them is told, and knows why', async (t) => {
  const { open } = useFleet(t);
  const nodes = [await open(), await open(), await open()];
  const results = await Promise.allSettled(nodes.map((node, i) => node.put([namespace(`n${i}`)], { ...by, expect: 0 })));
  const refused = results.filter((result) => result.status === 'rejected');
  assert.equal(refused.length, 2);
  for (const { reason } of refused) assert.ok(fails('REVISION_MISMATCH')(reason), String(reason));
  for (const node of nodes) await until('the node knows', async () => (await node.load()).revision === 1);
  await Promise.all(nodes.map((node, i) => Promise.all([1, 2, 3, 4].map((k) => node.put([namespace(`n${i}-${k}`)], by)))));
  for (const node of nodes) await until('the node knows', async () => (await node.load()).revision === 13);
  const hashes = await Promise.all(nodes.map(hashOf));
  assert.equal(new Set(hashes).size, 1);
  assert.deepEqual(
    (await nodes[0]?.history({ limit: 100 }))?.map(({ revision }) => revision),
    Array.from({ length: 13 }, (_, i) => 13 - i),
  );
});

test('secrets are encrypted in etcd and on the disk', async (t) => {
  const { open, prefix, newDir } = useFleet(t);
  const dir = newDir();
  const store = await open({ dir });
  await store.put([namespace('a'), secret('s', 'canary')], by);
  await store.close();
  const kvs = await readAll(useEtcd(t, { endpoints: servers.endpoints }), prefix);
  const stored = kvs.map(({ value }) => value.toString()).join('\n');
  const kept = readFileSync(join(dir, 'last-good.snapshot'), 'utf8');
  assert.match(stored, /"data":"v1:/);
  assert.match(kept, /v1:/);
  for (const text of [stored, kept, Buffer.from(stored, 'base64').toString()]) assert.doesNotMatch(text, /canary/);
  await assert.rejects(open({ encryptionKey: '8'.repeat(64) }), fails('STORE_KEY', /all nodes need the same key/));
  await assert.rejects(open({ encryptionKey: undefined }), fails('STORE_KEY', /encryption_key/));
});

test('a change of thousands of entities is made as a whole, for all nodes, also when its writer ends amid it', async (t) => {
  const { open, prefix } = useFleet(t, { timeoutMs: 60_000 });
  const [a, b] = [await open(), await open()];
  const seen = follow(b);
  const names = Array.from({ length: 3000 }, (_, i) => `n${i}`);
  await a.put([namespace('old')], by);
  // Nobody tidies up while the operator's hand is on it: the entities are only in the parts.
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  await a.put([...names.map(namespace), remove('namespace', 'old')], by);
  await until('the other node knows', () => seen.length === 2);
  assert.equal(seen[1]?.changes.length, 3001);
  assert.equal((await b.load()).entities.namespace.size, 3000);
  await b.put([namespace('next')], by);
  const state = await etcd.range({ key: `${prefix}/store/state` });
  assert.doesNotMatch(state.kvs[0]?.value.toString() ?? '', /pending/);
  const late = await open();
  assert.deepEqual((await late.load()).entities, (await b.load()).entities);
  const [, big] = await late.history({ limit: 2 });
  assert.equal(big?.changes.length, 3001);
});

test('a pending change is known by who opens the store, and finished by who changes it next', async (t) => {
  const { open, prefix } = useFleet(t);
  const first = await open();
  const changes = Array.from({ length: 500 }, (_, i) => namespace(`n${i}`));
  await first.put([namespace('a')], by);
  await first.put(changes, by);
  await first.close();
  // As if the writer had been killed right after its transaction: no entity is at its key yet.
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  const stateKey = `${prefix}/store/state`;
  const state = JSON.parse((await etcd.range({ key: stateKey })).kvs[0]?.value.toString() ?? '') as object;
  const record = (await etcd.range({ prefix: `${prefix}/history/` })).kvs.at(-1)?.value.toString() ?? '';
  const { change, parts } = JSON.parse(record) as { readonly change: string; readonly parts: number };
  const entities = (await etcd.range({ prefix: `${prefix}/store/entities/` })).kvs.map(({ key }) => key);
  for (const key of entities.filter((key) => !key.endsWith('/a')).slice(0, 300)) await etcd.delete({ key });
  await etcd.put(stateKey, JSON.stringify({ ...state, pending: { change, parts } }));

  const [second, third] = [await open(), await open()];
  assert.equal((await second.load()).entities.namespace.size, 501);
  await Promise.all([second.put([namespace('x')], by), third.put([namespace('y')], by)]);
  const last = await open();
  assert.equal((await last.load()).entities.namespace.size, 503);
  assert.equal((await etcd.range({ prefix: `${prefix}/store/entities/`, countOnly: true })).count, 503);
});

test('values over 1 MiB are refused by name and size; those below are stored with their history', async (t) => {
  const { open } = useFleet(t);
  const store = await open();
  await store.put([namespace('a')], by);
  const large = randomBytes(780_000).toString('base64');
  await assert.rejects(
    store.put([namespace('b'), module('huge', large + large)], by),
    fails('STORE_TOO_LARGE', /the module huge is too large .* 1\.98 MiB \(\d+ bytes\), 1 MiB is allowed/),
  );
  assert.equal((await store.load()).revision, 1);
  await store.put([module('m', large)], by);
  await store.put([module('m', large.slice(4))], by);
  const late = await open();
  assert.equal((await late.load()).entities.module.get('a/m')?.payload, large.slice(4));
  const [record] = await late.history({ limit: 1 });
  assert.deepEqual(record?.changes[0]?.before, { name: 'm', namespace: 'a', moduleType: 'javascript', payload: large });
  await assert.rejects(store.documents.put('a', 'c', 'd', large + large), fails('STORE_TOO_LARGE', /document/));
});

test('no document comes into a collection that another node deletes or changes', async (t) => {
  const { open } = useFleet(t);
  const [a, b] = [await open(), await open()];
  for (let round = 0; round < 10; round += 1) {
    await a.put([namespace('a'), collection({ round })], by);
    const checked = (await a.load()).entities.collection.get('a/c');
    await until('the other node knows', async () => (await b.load()).revision === (await a.load()).revision);
    const puts = [0, 1, 2].map((i) => b.documents.put('a', 'c', `d${i}`, i, checked));
    const [changed, ...written] = await Promise.allSettled([a.put([collection({ round, next: true })], by), ...puts]);
    const stored = await a.documents.count('a', 'c');
    assert.equal(stored, written.filter(({ status }) => status === 'fulfilled').length);
    assert.ok(changed.status === 'rejected' || stored === 0, 'no document of the schema before');
    await b.documents.deleteAll('a', 'c');
    await a.put([remove('collection', 'c')], by);
    await until('the other node knows', async () => (await b.load()).revision === (await a.load()).revision);
    if (checked !== undefined) await b.documents.put('a', 'c', 'late', 1, checked);
    await b.documents.deleteAll('a', 'c');
  }
});

test('documents are paged as they were at one moment', async (t) => {
  const { documents } = await useFleet(t).open();
  const ids = Array.from({ length: 120 }, (_, i) => `d${String(i).padStart(3, '0')}`);
  await Promise.all(ids.map((id) => documents.put('a', 'c', id, id)));
  for (const [limit, offset] of [
    [10, 0],
    [10, 115],
    [200, 0],
    [5, 60],
    [5, 120],
    [5, 500],
  ] as const) {
    const page = await documents.list('a', 'c', { limit, offset });
    assert.deepEqual(
      page.map(({ id }) => id),
      ids.slice(offset, offset + limit),
    );
  }
  const now = await Promise.all(Array.from({ length: 20 }, (_, i) => documents.put('a', 'c', 'one', i)));
  assert.equal(new Set(now.map(({ createdAt }) => createdAt)).size, 1, 'one of them made it, the others replaced it');
});

test('etcd away: what is known stays, changes fail in time, and all goes on when it is back', async (t) => {
  const proxy = await startTcpFaultProxy(Number(new URL(servers.endpoints[0] ?? '').port));
  t.after(() => proxy[Symbol.asyncDispose]());
  const { open } = useFleet(t, { timeoutMs: 3000 });
  const [near, far] = [await open(), await open({ etcd: { endpoints: [`http://127.0.0.1:${proxy.port}`] } })];
  const events = useEvents(t);
  const seen = follow(far);
  await near.put([namespace('a')], by);
  await until('known', () => seen.length === 1);
  assert.equal(far.health().state, 'ok');
  proxy.stall();
  await until('noticed', () => far.health().state === 'unreachable');
  for (const call of [() => far.put([namespace('b')], by), () => far.documents.put('a', 'c', 'd', 1), () => far.history({ limit: 1 })]) {
    const startedAt = performance.now();
    await assert.rejects(call, fails('STORE_FAILED'));
    assert.ok(performance.now() - startedAt < 30_000);
  }
  await proxy.refuse();
  await near.put([namespace('c')], by);
  await near.put([remove('namespace', 'c'), namespace('d')], by);
  assert.equal((await far.load()).entities.namespace.size, 1);
  await proxy.accept();
  proxy.flow();
  await until('caught up', async () => (await hashOf(far)) === (await hashOf(near)));
  await until('noticed', () => far.health().state === 'ok');
  assert.equal(far.health().error, undefined);
  await far.put([namespace('e')], by);
  assert.ok(!(await near.load()).entities.namespace.has('c'));
  const states = events.filter((event) => event.type === 'store.health').map(({ state }) => state);
  assert.deepEqual(states, ['unreachable', 'ok']);
});

test('a node starts with the last good state when etcd is away, says so, and catches up', async (t) => {
  const { open, newDir } = useFleet(t, { timeoutMs: 5000 });
  const dir = newDir();
  const port = Number(new URL(servers.endpoints[0] ?? '').port);
  const first = await open({ dir });
  const large = Array.from({ length: 300 }, (_, i) => namespace(`n${i}`));
  await first.put([namespace('a'), secret('s', 'hush'), ...large], by);
  const known = await first.load();
  await first.close();
  const proxy = await startTcpFaultProxy(port);
  t.after(() => proxy[Symbol.asyncDispose]());
  await proxy.refuse();
  const far = { etcd: { endpoints: [`http://127.0.0.1:${proxy.port}`] }, dir };
  await assert.rejects(open({ ...far, dir: newDir(), startTimeoutMs: 300 }), fails('STORE_FAILED', /127\.0\.0\.1/));
  const store = await open(far);
  assert.deepEqual(await store.load(), known);
  assert.equal(store.health().state, 'stale');
  assert.match(store.health().error ?? '', /127\.0\.0\.1/);
  await assert.rejects(store.put([namespace('b')], by), fails('STORE_FAILED', /changes are refused, and revision 1 is served on/));
  const near = await open();
  await near.put([namespace('b')], by);
  const updates = [] as StoreUpdate[];
  store.watch(known.revision, (update) => void updates.push(update));
  await proxy.accept();
  await until('caught up', () => updates.length === 1);
  assert.deepEqual(updates[0]?.changes, [namespace('b')]);
  await until('told', () => store.health().state === 'ok');
  await store.put([namespace('c')], by);
});

test('a last good state that is damaged, of another key or of another fleet is told and ignored', async (t) => {
  const { open, newDir } = useFleet(t, { timeoutMs: 500, startTimeoutMs: 200 });
  const dir = newDir();
  const first = await open({ dir, timeoutMs: 10_000, startTimeoutMs: 60_000 });
  await first.put([namespace('a'), secret('s', 'hush')], by);
  await first.close();
  const path = join(dir, 'last-good.snapshot');
  const whole = readFileSync(path);
  const events = useEvents(t);
  const far = { etcd: { endpoints: ['http://127.0.0.1:1'] }, dir };
  const cases: [Buffer, Partial<EtcdStoreOptions>, RegExp][] = [
    [whole.subarray(0, whole.length >> 1), {}, /damaged/],
    [Buffer.alloc(0), {}, /damaged/],
    [whole, { encryptionKey: '8'.repeat(64) }, /another encryption key/],
    [whole, { prefix: '/other' }, /of the prefix/],
  ];
  for (let i = 0; i < 12; i += 1) {
    const flipped = Buffer.from(whole);
    const at = Math.floor((i / 12) * whole.length);
    flipped[at] = (flipped[at] ?? 0) ^ 4;
    cases.push([flipped, {}, /damaged/]);
  }
  for (const [bytes, own, reason] of cases) {
    writeFileSync(path, bytes);
    await assert.rejects(open({ ...far, ...own, startTimeoutMs: 1 }), fails('STORE_FAILED'));
    const told = events.findLast((event) => event.type === 'store.snapshot');
    assert.equal(told?.outcome, 'ignored');
    assert.match(told?.reason ?? '', reason);
  }
  writeFileSync(path, whole);
  assert.equal((await (await open(far)).load()).entities.namespace.size, 1);
});

test('an etcd that was restored to an older state is followed, and told', async (t) => {
  const other = await startEtcd();
  t.after(() => other[Symbol.asyncDispose]());
  const portOf = (endpoint: string | undefined) => Number(new URL(endpoint ?? '').port);
  const proxy = await startTcpFaultProxy(portOf(servers.endpoints[0]));
  t.after(() => proxy[Symbol.asyncDispose]());
  const { open, prefix } = useFleet(t, { timeoutMs: 5000 });
  const store = await open({ etcd: { endpoints: [`http://127.0.0.1:${proxy.port}`] } });
  await store.put([namespace('a'), namespace('b')], by);
  const [from, to] = [useEtcd(t, { endpoints: servers.endpoints }), useEtcd(t, { endpoints: other.endpoints })];
  const copy = await readAll(from, prefix);
  for (let i = 0; i < 5; i += 1) await store.put([remove('namespace', 'b'), namespace(`c${i}`)].slice(i === 0 ? 0 : 1), by);
  const events = useEvents(t);
  const updates: StoreUpdate[] = [];
  store.watch(6, (update) => void updates.push(update));
  for (const { key, value } of copy) await to.put(key, value);
  proxy.retarget(portOf(other.endpoints[0]));
  await until('followed', () => updates.length > 0);
  assert.equal(updates[0]?.isReset, true);
  assert.equal(updates[0]?.revision, 1);
  assert.deepEqual([...(await store.load()).entities.namespace.keys()].toSorted(), ['a', 'b']);
  const told = events.find((event) => event.type === 'store.reset');
  assert.deepEqual(told && [told.from, told.to, told.reason], [6, 1, 'etcd was restored to an older state']);
  await store.put([namespace('d')], by);
  assert.equal((await store.load()).revision, 2);

  await to.delete({ prefix });
  await until('noticed', () => store.health().state !== 'ok');
  assert.match(store.health().error ?? '', /etcd holds nothing beneath storage.prefix/);
  assert.equal((await store.load()).entities.namespace.size, 3, 'a mishap takes nothing away');
  await assert.rejects(store.put([namespace('e')], by), fails('STORE_FAILED', /restore etcd/));
});

test('keys that were changed by hand: what can be read is taken over, what is damaged is told, and the last good value stays', async (t) => {
  const { open, prefix } = useFleet(t);
  const store = await open();
  await store.put([namespace('a'), namespace('b'), namespace('c')], by);
  const events = useEvents(t);
  const updates: StoreUpdate[] = [];
  store.watch(1, (update) => void updates.push(update));
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  await etcd.put(`${prefix}/store/entities/namespace//a`, '{"body":{"name":"evil"}}');
  await etcd.put(`${prefix}/store/entities/plugin/x/y`, '{}');
  await etcd.delete({ key: `${prefix}/store/entities/namespace//b` });
  await until('told', () => updates.length === 1);
  assert.deepEqual(updates[0]?.changes, [{ op: 'delete', kind: 'namespace', namespace: '', name: 'b' }]);
  assert.deepEqual([...(await store.load()).entities.namespace.keys()].toSorted(), ['a', 'c']);
  assert.equal(events.filter(({ type }) => type === 'store.damaged').length, 2);
  assert.deepEqual([...(await (await open()).load()).entities.namespace.keys()], ['c']);
});

test('etcd that is full or denies says what helps', async (t) => {
  const full = await startEtcd({ quotaBytes: 2 * 1024 * 1024 });
  t.after(() => full[Symbol.asyncDispose]());
  const { open } = useFleet(t);
  const store = await open({ etcd: { endpoints: full.endpoints } });
  const fill = async () => {
    for (let i = 0; i < 200; i += 1) await store.put([namespace('a'), module('m', randomBytes(30_000).toString('base64'))], by);
  };
  await assert.rejects(fill(), fails('STORE_FAILED', /the database of etcd is full; compact and defragment/));
  assert.ok((await store.load()).entities.module.size > 0);

  const guarded = await startEtcd({ auth: true });
  t.after(() => guarded[Symbol.asyncDispose]());
  const { endpoints, username = '', password = '' } = guarded;
  await assert.rejects(open({ etcd: { endpoints, username, password: 'wrong' } }), fails('STORE_FAILED', /storage\.username/));
  const token = (await post(endpoints[0] ?? '', '/v3/auth/authenticate', { name: username, password })).token;
  await post(endpoints[0] ?? '', '/v3/auth/user/add', { name: 'ann', password: 'x' }, { token });
  await assert.rejects(open({ etcd: { endpoints, username: 'ann', password: 'x' } }), fails('STORE_FAILED', /storage\.username/));
  const allowed = await open({ etcd: { endpoints, username, password } });
  await allowed.put([namespace('a')], by);
});

test('the time of a change counts from its begin: a try that comes too late is refused and not stored', async (t) => {
  const { open } = useFleet(t, { timeoutMs: 60_000 });
  const store = await open();
  const begunAt = performance.now() - 60_000;
  await assert.rejects(store.put([namespace('a')], { ...by, begunAt }), fails('STORE_BUSY', /not stored/));
  assert.equal((await store.load()).revision, 0);
  await store.put([namespace('a')], { ...by, begunAt: performance.now() });
});
