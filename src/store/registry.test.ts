import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { parseEntity } from '../entity/parse-entity.ts';
import type { Change, Entities, EntityKind } from '../entity/types.ts';
import { type ErrorCode, SekishoError } from '../lib/errors.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { createMemoryStore } from './memory-store.ts';
import { createRegistry, type Registry, type RegistryOptions } from './registry.ts';
import type { Store } from './types.ts';

/** What the tests build: the names of the routes, and how often it was discarded. */
interface Built {
  readonly routes: readonly string[];
  discarded: number;
}

const by = { author: 'test' };
let events: Event[] = [];
let unsubscribe: () => void;
beforeEach(() => {
  events = [];
  unsubscribe = subscribe((event) => events.push(event));
});
afterEach(() => unsubscribe());

function put(kind: EntityKind, input: object): Change {
  return { op: 'put', kind, entity: parseEntity(kind, input, { defaultNamespace: 'default' }) } as Change;
}

const route = (name: string, extra: object = {}): Change => put('route', { name, paths: [`/${name}`], methods: ['GET'], ...extra });
const module = (name: string, source: string): Change => put('module', { name, payload: Buffer.from(source).toString('base64') });
const remove = (kind: EntityKind, name: string): Change => ({ op: 'delete', kind, namespace: 'default', name });

function fails(code: ErrorCode, text = /./): (error: unknown) => boolean {
  return (error) => error instanceof SekishoError && error.code === code && text.test(error.message);
}

/** Refuses routes whose first module has the source `bad`, as the snapshot builder refuses a module that does not compile. */
async function build(next: Entities): Promise<Built> {
  await new Promise(setImmediate);
  for (const { name, namespace, modules } of next.route.values()) {
    const entry = next.module.get(`${namespace}/${modules?.[0]}`);
    if (entry !== undefined && Buffer.from(entry.payload, 'base64').toString() === 'bad')
      throw new SekishoError('MODULE_COMPILE', `route ${name}: does not compile`);
  }
  return { routes: [...next.route.values()].map(({ name }) => name), discarded: 0 };
}

interface Stand {
  readonly registry: Registry<Built>;
  readonly store: Store;
  readonly swaps: { readonly built: Built; readonly revision: number; readonly hash: string }[];
  readonly built: Built[];
}

async function stand(options: Partial<RegistryOptions<Built>> = {}): Promise<Stand> {
  const store = options.store ?? createMemoryStore();
  const swaps: Stand['swaps'] = [];
  const built: Built[] = [];
  const registry = await createRegistry<Built>({
    store,
    build: async (next) => {
      const result = await build(next);
      built.push(result);
      return result;
    },
    discard: (unused) => {
      unused.discarded += 1;
    },
    swap: (served, revision, hash) => void swaps.push({ built: served, revision, hash }),
    ...options,
  });
  return { registry, store, swaps, built };
}

test('serves the default namespace at once, without a change', async () => {
  const { registry, swaps } = await stand();
  assert.deepEqual([...registry.entities().namespace], [['default', { name: 'default', tags: ['default'] }]]);
  assert.equal(registry.changeCount(), 0);
  assert.equal(swaps.length, 1);
  await registry.close();
});

test('serves no default namespace when that is wanted, or when it was deleted before', async () => {
  const none = await stand({ createDefaultNamespace: false });
  assert.equal(none.registry.entities().namespace.size, 0);
  await none.registry.close();
  const { registry, store } = await stand();
  await registry.apply([remove('namespace', 'default')], by);
  await registry.close();
  const again = await stand({ store });
  assert.equal(again.registry.entities().namespace.size, 0);
  await again.registry.apply([put('namespace', { name: 'default' })], by);
  assert.deepEqual(again.registry.entities().namespace.get('default'), { name: 'default' });
  await again.registry.close();
});

test('a change is served, stored and in the history when it resolves', async () => {
  const { registry, store, swaps } = await stand();
  const { revision } = await registry.apply([route('r')], { author: 'basic:ann' });
  assert.equal(revision, 1);
  assert.deepEqual(swaps.at(-1)?.built.routes, ['r']);
  assert.equal(swaps.at(-1)?.revision, 1);
  assert.equal(swaps.at(-1)?.hash, (await store.load()).hash);
  assert.equal(registry.hash(), swaps.at(-1)?.hash);
  assert.equal((await registry.history({ limit: 1 }))[0]?.author, 'basic:ann');
  await registry.close();
});

test('a change that breaks a rule leaves no trace', async () => {
  const { registry, store, swaps, built } = await stand();
  await registry.apply([module('m', 'bad'), route('r')], by);
  const before = await store.load();
  const refused: readonly [Change[], ErrorCode][] = [
    [[route('x', { service: 'nope' })], 'ENTITY_REFERENCE'],
    [[remove('route', 'nope')], 'ENTITY_NOT_FOUND'],
    [[remove('namespace', 'default')], 'ENTITY_IN_USE'],
    [[route('x', { paths: ['/r'] })], 'ENTITY_CONFLICT'],
    [[route('y'), route('x', { modules: ['m'] })], 'MODULE_COMPILE'],
    [[put('collection', { name: 'c', schema: { type: 'nope' } })], 'ENTITY_INVALID'],
    [[put('domain', { name: 'd', patterns: ['x'], cert: 'x', key: 'y' })], 'ENTITY_INVALID'],
  ];
  for (const [changes, code] of refused) await assert.rejects(registry.apply(changes, by), fails(code));
  assert.deepEqual(await store.load(), before);
  assert.equal(swaps.length, 2);
  assert.equal(registry.revision(), 1);
  assert.ok(
    built.every(({ discarded }) => discarded === 0),
    'a refused build gave nothing to discard',
  );
  await registry.close();
});

test('expected revisions and dry runs', async () => {
  const { registry, swaps, built } = await stand();
  await registry.apply([route('r')], { ...by, expect: 0 });
  await assert.rejects(registry.apply([route('s')], { ...by, expect: 0 }), fails('REVISION_MISMATCH', /revision 1.*expects 0/));
  assert.deepEqual(await registry.apply([route('s')], { ...by, dryRun: true }), { revision: 1, warnings: [] });
  assert.equal(built.at(-1)?.discarded, 1);
  assert.equal(swaps.length, 2);
  assert.equal(registry.entities().route.size, 1);
  await assert.rejects(registry.apply([route('s', { service: 'x' })], { ...by, dryRun: true }), fails('ENTITY_REFERENCE'));
  await registry.close();
});

test('changes that come at once are applied one after the other, each on the one before', async () => {
  const { registry, swaps } = await stand();
  const names = Array.from({ length: 50 }, (_, i) => `r${i}`);
  const results = await Promise.all(
    names.map(async (name) => {
      const { revision } = await registry.apply([route(name)], by);
      assert.ok(registry.entities().route.has(`default/${name}`), 'its own write is served');
      return revision;
    }),
  );
  assert.deepEqual(
    results,
    names.map((_, i) => i + 1),
  );
  assert.deepEqual(swaps.at(-1)?.built.routes.toSorted(), names.toSorted());
  const conflicts = await Promise.allSettled([
    registry.apply([route('a', { paths: ['/x'] })], by),
    registry.apply([route('b', { paths: ['/x'] })], by),
  ]);
  assert.deepEqual(
    conflicts.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  await registry.close();
});

test('the queue of changes has a bound, and closing refuses what waits', async () => {
  const { registry } = await stand({ maxWaiting: 2 });
  const running = registry.apply([route('a')], by);
  const waiting = registry.apply([route('b')], by);
  await assert.rejects(registry.apply([route('c')], by), fails('STORE_BUSY'));
  const closed = registry.close();
  await Promise.allSettled([running, waiting]);
  await closed;
  await assert.rejects(registry.apply([route('d')], by), fails('NOT_READY'));
});

test('a store that fails changes nothing that is served', async () => {
  const memory = createMemoryStore();
  const store: Store = { ...memory, put: async () => Promise.reject(new SekishoError('STORE_FAILED', 'disk')) };
  const { registry, swaps, built } = await stand({ store });
  await assert.rejects(registry.apply([route('r')], by), fails('STORE_FAILED'));
  assert.equal(swaps.length, 1);
  assert.equal(built.at(-1)?.discarded, 1);
  assert.equal(registry.entities().route.size, 0);
  await registry.close();
});

test('what does not build at the start is kept out and reported, the rest is served, and it comes in when it builds again', async () => {
  const store = createMemoryStore();
  const routes = Array.from({ length: 20 }, (_, i) => route(`r${i}`));
  await store.put(
    [
      put('namespace', { name: 'default' }),
      module('m', 'bad'),
      ...routes,
      route('broken', { modules: ['m'] }),
      route('dangling', { service: 'gone' }),
    ],
    by,
  );
  const { registry, swaps } = await stand({ store });
  assert.equal(swaps.length, 1);
  assert.equal(swaps[0]?.built.routes.length, 20);
  assert.deepEqual(
    registry.rejected().map(({ name, error }) => [name, error.code]),
    [
      ['dangling', 'ENTITY_REFERENCE'],
      ['broken', 'MODULE_COMPILE'],
    ],
  );
  assert.equal(events.filter(({ type }) => type === 'entity.rejected').length, 2);

  await registry.apply([module('m', 'good')], by);
  await registry.apply([], by);
  assert.deepEqual(
    registry.rejected().map(({ name }) => name),
    ['dangling'],
  );
  assert.ok(registry.entities().route.has('default/broken'));
  await registry.apply([remove('route', 'dangling')], by);
  assert.deepEqual(registry.rejected(), []);
  assert.equal((await store.load()).entities.route.size, 21);
  await registry.close();
});

test('changes of another writer are served, those that do not build are kept out, and the last good version serves on', async () => {
  const swaps: Built[] = [];
  const served = Promise.withResolvers<void>();
  const swap = (built: Built, revision: number) => {
    swaps.push(built);
    if (revision === 2) served.resolve();
  };
  const { registry, store } = await stand({ swap });
  await registry.apply([module('m', 'good'), route('r', { modules: ['m'] })], by);
  await store.put([module('m', 'bad'), route('other')], { author: 'elsewhere' });
  await served.promise;
  await registry.apply([], by);
  assert.deepEqual(swaps.at(-1)?.routes, ['r', 'other']);
  assert.deepEqual(
    registry.rejected().map(({ kind, name }) => [kind, name]),
    [['module', 'm']],
  );
  await registry.close();
});

test('a change that another writer outran is built anew on top of it', async () => {
  const memory = createMemoryStore();
  let outrun = true;
  const store: Store = {
    ...memory,
    async put(changes, options) {
      if (outrun) {
        outrun = false;
        await memory.put([route('theirs')], { author: 'elsewhere' });
      }
      return await memory.put(changes, options);
    },
  };
  const { registry, swaps } = await stand({ store });
  assert.equal((await registry.apply([route('ours')], by)).revision, 2);
  assert.deepEqual(swaps.at(-1)?.built.routes, ['theirs', 'ours']);
  await registry.close();
});

test('the base layer lies below what is stored and can be replaced', async () => {
  const base = [put('service', { name: 's', urls: ['http://a'] }), route('b', { service: 's' })];
  const { registry, store } = await stand({ base });
  assert.equal(registry.changeCount(), 0);
  await registry.apply([route('r', { service: 's' })], by);
  await registry.setBase([put('service', { name: 's', urls: ['http://b'] }), route('c')]);
  assert.deepEqual([...registry.entities().route.keys()], ['default/r', 'default/c']);
  assert.deepEqual(registry.entities().service.get('default/s')?.urls, ['http://b']);
  assert.equal(registry.revision(), 1);

  await assert.rejects(registry.setBase([route('c')]), fails('ENTITY_IN_USE'));
  await assert.rejects(
    registry.setBase([...base, route('d', { service: 'nope' })]),
    (error) => error instanceof SekishoError && error.errors[0]?.pointer === 'route/default/d/service',
  );
  assert.deepEqual(registry.entities().service.get('default/s')?.urls, ['http://b'], 'the last good layer serves on');

  await registry.apply([put('service', { name: 's', urls: ['http://stored'] }), remove('route', 'c')], by);
  await registry.setBase([...base, route('c')]);
  assert.deepEqual(registry.entities().service.get('default/s')?.urls, ['http://stored'], 'what is stored wins');
  assert.ok(!registry.entities().route.has('default/c'), 'so does a deletion');
  await registry.close();
  const again = await stand({ store, base: [...base, route('c')] });
  assert.deepEqual([...again.registry.entities().route.keys()].toSorted(), ['default/b', 'default/r']);
  await again.registry.close();
});

test('documents keep the schema of their collection', async () => {
  const { registry } = await stand();
  const { documents } = registry;
  const schema = {
    type: 'object',
    properties: { n: { type: 'integer', minimum: 1 }, s: { type: 'string' } },
    required: ['n'],
    additionalProperties: false,
  };
  await registry.apply([put('collection', { name: 'c', schema })], by);
  await assert.rejects(documents.put('default', 'c', 'd', { n: 0, s: 1, x: 1 }), (error) => {
    assert.ok(error instanceof SekishoError && error.code === 'DOCUMENT_INVALID');
    assert.deepEqual(error.errors.map(({ pointer }) => pointer).toSorted(), ['', '/n', '/s']);
    return true;
  });
  await documents.put('default', 'c', 'd', { n: 1 });
  assert.deepEqual(
    (await documents.list('default', 'c', { limit: 10, offset: 0 })).map(({ data }) => data),
    [{ n: 1 }],
  );
  await assert.rejects(documents.get('default', 'zz', 'd'), fails('ENTITY_NOT_FOUND', /collection not found: zz/));
  await assert.rejects(documents.get('zz', 'c', 'd'), fails('ENTITY_NOT_FOUND', /namespace not found: zz/));
  await assert.rejects(documents.put('default', 'c', '', { n: 1 }), fails('DOCUMENT_INVALID'));
  await assert.rejects(registry.apply([remove('collection', 'c')], by), fails('COLLECTION_NOT_EMPTY'));
  await assert.rejects(registry.apply([put('collection', { name: 'c', schema: {} })], by), fails('COLLECTION_NOT_EMPTY'));
  await registry.apply([put('collection', { name: 'c', schema, visibility: 'private' })], by);
  await documents.deleteAll('default', 'c');
  await registry.apply([remove('collection', 'c')], by);
  await registry.close();
});

test('no document is written into a collection while it is being deleted', async () => {
  const { registry, store } = await stand();
  await registry.apply([put('collection', { name: 'c' })], by);
  const writes = Array.from({ length: 20 }, async (_, i) => {
    for (let turn = 0; turn < i; turn += 1) await Promise.resolve();
    return await registry.documents.put('default', 'c', `d${i}`, i);
  });
  const [deletion, ...written] = await Promise.allSettled([registry.apply([remove('collection', 'c')], by), ...writes]);
  const count = await store.documents.count('default', 'c');
  assert.equal(count, written.filter(({ status }) => status === 'fulfilled').length);
  assert.ok(deletion?.status === 'rejected' || count === 0, 'no orphan');
  await registry.close();
});
