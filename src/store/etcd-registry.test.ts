import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEtcd, useEtcd } from '../../test/support/etcd.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import { until } from '../../test/support/until.ts';
import { parseEntity } from '../entity/parse-entity.ts';
import type { Change, Entities, EntityKind } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { createEtcdStore, type EtcdStoreOptions } from './etcd-store.ts';
import { createRegistry, type Registry, type RegistryOptions } from './registry.ts';

const by = { author: 'test' };
const servers = await startEtcd();
after(() => servers[Symbol.asyncDispose]());
let count = 0;

function put(kind: EntityKind, input: object): Change {
  return { op: 'put', kind, entity: parseEntity(kind, input, { defaultNamespace: 'default' }) } as Change;
}
const service = (name: string): Change => put('service', { name, urls: ['http://a'] });
const route = (name: string, extra: object = {}): Change => put('route', { name, paths: [`/${name}`], methods: ['GET'], ...extra });
const remove = (kind: EntityKind, name: string): Change => ({ op: 'delete', kind, namespace: 'default', name });

/** Nodes of a fleet of their own. */
function useFleet(t: TestContext) {
  count += 1;
  const prefix = `/registry/${count}`;
  const open = async (
    options: Partial<RegistryOptions<Entities>> = {},
    store: Partial<EtcdStoreOptions> = {},
  ): Promise<Registry<Entities>> => {
    const opened = await createEtcdStore({ etcd: { endpoints: servers.endpoints }, prefix, encryptionKey: '7'.repeat(64), ...store });
    const registry = await createRegistry<Entities>({ store: opened, build: async (next) => next, swap: () => undefined, ...options });
    t.after(async () => {
      await registry.close();
      await opened.close();
    });
    return registry;
  };
  return { prefix, open };
}

function assertWhole({ namespace, service: services, route: routes }: Entities): void {
  for (const each of routes.values()) {
    assert.ok(namespace.has(each.namespace), `${each.name} has its namespace`);
    assert.ok(each.service === undefined || services.has(`default/${each.service}`), `${each.name} has its service`);
  }
}

async function converge(nodes: readonly Registry<Entities>[]): Promise<void> {
  await until('all nodes serve the same', () => new Set(nodes.map((node) => `${node.revision()} ${node.hash()}`)).size === 1);
  for (const node of nodes) assert.deepEqual(sorted(node.entities()), sorted((nodes[0] ?? node).entities()));
}

const sorted = (entities: Entities) =>
  Object.entries(entities).map(([kind, map]) => [kind, [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))]);

test('nodes that write at once all get their turn, and end at one hash', async (t) => {
  const { open } = useFleet(t);
  const nodes = [await open(), await open(), await open()];
  await Promise.all(nodes.flatMap((node, n) => Array.from({ length: 15 }, (_, i) => node.apply([route(`r-${n}-${i}`)], by))));
  await converge(nodes);
  assert.equal(nodes[0]?.revision(), 45);
  assert.equal(nodes[0]?.entities().route.size, 45);
});

test('a node that takes longer to build is not outrun for ever', async (t) => {
  const { open } = useFleet(t);
  const rivals = [await open(), await open()];
  // Each of their changes takes a few milliseconds.
  const slow = await open({ build: (next) => sleep(30, next) });
  const over = new AbortController();
  const write = async (node: Registry<Entities>, name: string): Promise<void> => {
    for (let i = 0; !over.signal.aborted; i += 1) await node.apply([route(name, { paths: [`/${name}/${i}`] })], by);
  };
  const writing = rivals.map((node, i) => write(node, `rival-${i}`));
  for (let i = 0; i < 5; i += 1) await slow.apply([route(`slow-${i}`)], by);
  over.abort();
  await Promise.all(writing);
  await converge([...rivals, slow]);
});

test('no route is left without its service, though another node deletes it meanwhile', async (t) => {
  const { open } = useFleet(t);
  const nodes = [await open(), await open()];
  const [a, b] = nodes;
  assert.ok(a !== undefined && b !== undefined);
  let [kept, refused] = [0, 0];
  for (let i = 0; i < 25; i += 1) {
    await a.apply([service('s')], by);
    await converge(nodes);
    const results = await Promise.allSettled([a.apply([remove('service', 's')], by), b.apply([route(`r${i}`, { service: 's' })], by)]);
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      const { reason } = result as { readonly reason: unknown };
      assert.ok(reason instanceof SekishoError && ['ENTITY_IN_USE', 'ENTITY_REFERENCE'].includes(reason.code), String(reason));
      refused += 1;
    }
    await converge(nodes);
    nodes.forEach((node) => assertWhole(node.entities()));
    for (const node of nodes) assert.deepEqual(node.rejected(), []);
    if (a.entities().route.size > 0) {
      kept += 1;
      await b.apply([remove('route', `r${i}`)], by);
    }
  }
  assert.equal(refused, 25, 'one of the two is refused each time');
  t.diagnostic(`${kept} of 25 times the route won`);
});

test('an expected revision is the same for all nodes', async (t) => {
  const { open } = useFleet(t);
  const nodes = [await open(), await open()];
  const results = await Promise.allSettled(nodes.map((node, i) => node.apply([route(`r${i}`)], { ...by, expect: 0 })));
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
  await converge(nodes);
});

test('what does not build on one node is kept out there, entity by entity, and the rest is served; also from the last good state', async (t) => {
  const folder = createTempFolder('sekisho-registry-');
  t.after(() => folder.remove());
  const { open } = useFleet(t);
  const olderBuild = async (next: Entities): Promise<Entities> => {
    for (const { name, paths } of next.route.values())
      if (paths[0]?.startsWith('/new') === true)
        throw new SekishoError('ENTITY_INVALID', `route ${name}: paths like this are not known here`);
    return next;
  };
  const node = await open();
  const older = await open({ build: olderBuild }, { dir: folder.path });
  await node.apply([service('s'), route('r1'), route('new', { service: 's' })], by);
  await node.apply([route('r2')], by);
  await until('served', () => older.revision() === 2 && older.entities().route.has('default/r2'));
  assert.deepEqual([...older.entities().route.keys()], ['default/r1', 'default/r2']);
  assert.deepEqual(
    older.rejected().map(({ kind, name }) => `${kind} ${name}`),
    ['route new'],
  );
  assert.equal(older.hash(), node.hash());
  // What it does not serve is stored all the same: a change that breaks it for others is refused by the state that all share.
  await assert.rejects(
    node.apply([remove('service', 's')], by),
    (error) => error instanceof SekishoError && error.code === 'ENTITY_IN_USE',
  );
  await older.apply([route('r3')], by);
  await converge([node, await open()]);
  await until('written to the disk', async () => {
    const away = { etcd: { endpoints: ['http://127.0.0.1:1'] }, dir: folder.path, timeoutMs: 200, startTimeoutMs: 1 };
    const again = await open({ build: olderBuild }, away).catch(() => undefined);
    assert.ok(again === undefined || again.rejected().length === 1);
    return again?.entities().route.size === 3;
  });
});

test('a store that was changed beneath a node is served as it is now', async (t) => {
  const { open, prefix } = useFleet(t);
  const base = [route('base')];
  const node = await open({ base });
  await node.apply([route('a'), route('b'), remove('route', 'base')], by);
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  for (const name of ['a', 'base']) await etcd.delete({ key: `${prefix}/store/entities/route/default/${name}` });
  await until('served', () => !node.entities().route.has('default/a'));
  await node.apply([route('c')], by);
  assert.ok(node.entities().route.has('default/c'));
  const late = await open({ base });
  await until('the same is served', () => late.entities().route.size === node.entities().route.size);
});

test('changes that wait go into one transaction, each with its revision, its record and its own refusal', async (t) => {
  const { open, prefix } = useFleet(t);
  const node = await open();
  const other = await open();
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  await node.apply([service('s')], by);
  const before = (await etcd.range({ key: `${prefix}/store/state` })).kvs[0]?.version ?? 0;
  const names = Array.from({ length: 60 }, (_, i) => `r${i}`);
  const results = await Promise.allSettled(
    names.map((name, i) => node.apply([route(name, { service: i === 45 ? 'nope' : 's' })], { author: `user${i}` })),
  );
  const revisions = results.map((result) => (result.status === 'fulfilled' ? result.value.revision : result.reason));
  const refused = revisions.splice(45, 1)[0] as unknown;
  assert.ok(refused instanceof SekishoError && refused.code === 'ENTITY_REFERENCE', String(refused));
  assert.deepEqual(
    revisions,
    Array.from({ length: 59 }, (_, i) => i + 2),
  );
  const after = (await etcd.range({ key: `${prefix}/store/state` })).kvs[0]?.version ?? 0;
  assert.ok(after - before <= 32, `${after - before} transactions`);
  const history = (await node.history({ limit: 100 })).toReversed();
  assert.deepEqual(
    history.slice(1).map(({ author, changes }) => `${author} ${changes.map(({ name }) => name).join()}`),
    names.filter((name) => name !== 'r45').map((name) => `user${name.slice(1)} ${name}`),
  );
  await converge([node, other]);
  assert.equal(node.hash(), history.at(-1)?.hash);
});

test('with etcd away, changes that wait are refused together, not one after the other', async (t) => {
  await using away = await startEtcd();
  const { open } = useFleet(t);
  const node = await open({}, { etcd: { endpoints: away.endpoints }, timeoutMs: 1000 });
  await node.apply([service('s')], by);
  away.members[0]?.pause();
  const startedAt = performance.now();
  const results = await Promise.allSettled(
    Array.from({ length: 80 }, (_, i) => node.apply([route(`r${i}`)], i % 2 === 0 ? by : { ...by, expect: 1 })),
  );
  const elapsedMs = performance.now() - startedAt;
  assert.ok(results.every(({ status }) => status === 'rejected'));
  assert.ok(elapsedMs < 30_000, `${elapsedMs} ms`);
  away.members[0]?.resume();
  await until('changes are taken', () => node.apply([service('t')], by).then(Boolean, () => false));
});
