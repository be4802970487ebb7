import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startEtcd } from '../../test/support/etcd.ts';
import { emptyEntities } from '../entity/entity-key.ts';
import type { Change } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { createEtcdStore } from './etcd-store.ts';
import { createFileStore } from './file-store.ts';
import { createMemoryStore } from './memory-store.ts';
import { createThreadedFileStore } from './threaded-file-store.ts';
import type { Store, StoreUpdate } from './types.ts';

const namespace = (name: string): Change => ({ op: 'put', kind: 'namespace', entity: { name } });
const secret = (name: string, data: string): Change => ({ op: 'put', kind: 'secret', entity: { name, namespace: 'a', data } });
const collection = (schema: unknown): Change => ({
  op: 'put',
  kind: 'collection',
  entity: { name: 'c', namespace: 'a', schema, visibility: 'public', type: 'document' },
});
const remove = (kind: 'namespace' | 'collection', name: string): Change => ({ op: 'delete', kind, namespace: 'a', name });
const by = { author: 'test' };

function code(expected: string): (error: unknown) => boolean {
  return (error) => error instanceof SekishoError && error.code === expected;
}

/** Resolves with the first `count` updates after `from`. */
function collect(store: Store, from: number, count: number): Promise<readonly StoreUpdate[]> {
  return new Promise((resolve) => {
    const updates: StoreUpdate[] = [];
    const stop = store.watch(from, (update) => {
      updates.push(update);
      if (updates.length < count) return;
      stop();
      resolve(updates);
    });
  });
}

/** What every store has to do. `open` gives a new, empty store; `historyLimit` is passed on. */
function testStoreContract(name: string, open: (options: { readonly historyLimit?: number }) => Store | Promise<Store>): void {
  const contract = (title: string, body: (store: Store) => Promise<void>, options: { readonly historyLimit?: number } = {}): void => {
    test(`${name}: ${title}`, async () => {
      const store = await open(options);
      try {
        await body(store);
      } finally {
        await store.close();
      }
    });
  };

  contract('is empty at first', async (store) => {
    assert.deepEqual(await store.load(), { entities: emptyEntities(), revision: 0, hash: '0000000000000000', masked: [] });
    assert.deepEqual(await store.history({ limit: 10 }), []);
  });

  contract('holds what was put, replaces and deletes', async (store) => {
    await store.put([namespace('a'), secret('s', 'one')], by);
    await store.put([secret('s', 'two')], by);
    const { entities, revision } = await store.load();
    assert.equal(revision, 2);
    assert.deepEqual([...entities.secret], [['a/s', { name: 's', namespace: 'a', data: 'two' }]]);
    await store.put([{ op: 'delete', kind: 'secret', namespace: 'a', name: 's' }], by);
    assert.equal((await store.load()).entities.secret.size, 0);
    assert.equal(entities.secret.size, 1, 'what was handed out does not change');
  });

  contract('refuses a change that expects another revision, and stores nothing of it', async (store) => {
    await store.put([namespace('a')], { ...by, expect: 0 });
    await assert.rejects(store.put([namespace('b')], { ...by, expect: 0 }), code('REVISION_MISMATCH'));
    assert.deepEqual([...(await store.load()).entities.namespace.keys()], ['a']);
    assert.equal((await store.history({ limit: 10 })).length, 1);
  });

  contract('keeps the deletions that mask something', async (store) => {
    await store.put([remove('namespace', 'x'), remove('namespace', 'y')], { ...by, isMask: (id) => id.name === 'x' });
    assert.deepEqual((await store.load()).masked, [{ kind: 'namespace', namespace: '', name: 'x' }]);
    await store.put([namespace('x')], by);
    assert.deepEqual((await store.load()).masked, []);
  });

  contract('tells watchers every update, own ones and those from before, in order', async (store) => {
    await store.put([namespace('n1')], by);
    await store.put([namespace('n2')], by);
    const all = collect(store, 0, 4);
    const late = collect(store, 1, 3);
    await Promise.all([store.put([namespace('n3')], by), store.put([namespace('n4')], by)]);
    assert.deepEqual(
      (await all).map((update) => update.revision),
      [1, 2, 3, 4],
    );
    assert.deepEqual(
      (await late).map((update) => update.revision),
      [2, 3, 4],
    );
    assert.deepEqual((await all)[0]?.changes, [namespace('n1')]);
    assert.equal((await all)[3]?.hash, (await store.load()).hash);
  });

  contract('tells watchers secrets, which the history hides', async (store) => {
    await store.put([namespace('a'), secret('s', 'hush')], by);
    await store.put([secret('s', 'hush2')], { author: 'basic:ann' });
    assert.deepEqual((await collect(store, 0, 1))[0]?.changes[1], secret('s', 'hush'));
    const [record] = await store.history({ limit: 1 });
    assert.equal(record?.author, 'basic:ann');
    assert.ok(!Number.isNaN(Date.parse(record?.at ?? '')));
    const shown = { name: 's', namespace: 'a', data: '**redacted**' };
    assert.deepEqual(record?.changes, [{ op: 'put', kind: 'secret', namespace: 'a', name: 's', after: shown, before: shown }]);
  });

  contract('goes on when a watcher throws or ends', async (store) => {
    store.watch(0, () => {
      throw new Error('watcher');
    });
    const stop = store.watch(0, () => assert.fail('was stopped'));
    stop();
    const seen = collect(store, 0, 1);
    await store.put([namespace('a')], by);
    assert.equal((await seen).length, 1);
  });

  contract('pages the history backwards', async (store) => {
    for (let i = 1; i <= 5; i += 1) await store.put([namespace(`n${i}`)], by);
    const page = await store.history({ limit: 2, before: 5 });
    assert.deepEqual(
      page.map((record) => record.revision),
      [4, 3],
    );
  });

  contract(
    'keeps so many records as it may, and refuses a watch from before them',
    async (store) => {
      for (let i = 1; i <= 5; i += 1) await store.put([namespace(`n${i}`)], by);
      assert.deepEqual(
        (await store.history({ limit: 10 })).map((record) => record.revision),
        [5, 4, 3],
      );
      assert.deepEqual(
        (await collect(store, 2, 3)).map((update) => update.revision),
        [3, 4, 5],
      );
      assert.throws(() => store.watch(1, () => {}), code('STORE_FAILED'));
    },
    { historyLimit: 3 },
  );

  contract('gives equal hashes to equal histories', async (store) => {
    const other = await open({});
    for (const change of [namespace('a'), secret('s', 'x')]) {
      await store.put([change], by);
      await other.put([change], { author: 'another' });
    }
    const { hash } = await store.load();
    assert.match(hash, /^[0-9a-f]{16}$/);
    assert.equal((await other.load()).hash, hash);
    await other.put([namespace('b')], by);
    assert.notEqual((await other.load()).hash, hash);
    await other.close();
  });

  contract('holds documents with their times', async ({ documents }) => {
    assert.equal(await documents.get('a', 'c', 'd'), undefined);
    const first = await documents.put('a', 'c', 'd', { n: 1 });
    assert.equal(first.createdAt, first.updatedAt);
    const second = await documents.put('a', 'c', 'd', { n: 2 });
    assert.equal(second.createdAt, first.createdAt);
    assert.deepEqual(await documents.get('a', 'c', 'd'), { ...second, data: { n: 2 } });
    assert.equal(await documents.delete('a', 'c', 'd'), true);
    assert.equal(await documents.delete('a', 'c', 'd'), false);
  });

  contract('lists documents by id, apart by namespace and collection', async ({ documents }) => {
    for (const id of ['b', 'a', 'é', 'c', '😀', '\uffee']) await documents.put('a', 'c', id, id);
    await documents.put('a/c', '', 'z', null);
    await documents.put('b', 'c', 'z', null);
    const ids = async (limit: number, offset: number) => (await documents.list('a', 'c', { limit, offset })).map((document) => document.id);
    assert.deepEqual(await ids(100, 0), ['a', 'b', 'c', 'é', '\uffee', '😀']);
    assert.deepEqual(await ids(2, 1), ['b', 'c']);
    assert.deepEqual(await ids(0, 0), []);
    assert.equal(await documents.count('a', 'c'), 6);
    assert.equal(await documents.deleteAll('a', 'c'), 6);
    assert.equal(await documents.count('b', 'c'), 1);
  });

  contract('does not let a collection with documents go or change its schema', async (store) => {
    await store.put([namespace('a'), collection({ type: 'object' })], by);
    await store.documents.put('a', 'c', 'd', {});
    await assert.rejects(store.put([remove('collection', 'c')], by), code('COLLECTION_NOT_EMPTY'));
    await assert.rejects(store.put([namespace('b'), collection({ type: 'string' })], by), code('COLLECTION_NOT_EMPTY'));
    assert.equal((await store.load()).entities.namespace.size, 1, 'nothing of the refused change is there');
    await store.put([collection({ type: 'object' })], by);
    await store.documents.delete('a', 'c', 'd');
    await store.put([remove('collection', 'c')], by);
  });
}

const folder = mkdtempSync(join(tmpdir(), 'sekisho-contract-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const newFolder = () => {
  count += 1;
  return join(folder, 'new', String(count));
};

testStoreContract('memory store', createMemoryStore);
testStoreContract('file store', (options) => createFileStore({ dir: newFolder(), ...options }));
testStoreContract('file store in a thread', (options) => createThreadedFileStore({ dir: newFolder(), ...options }));

const servers = await startEtcd();
after(() => servers[Symbol.asyncDispose]());
testStoreContract('etcd store', ({ historyLimit }) => {
  const dir = newFolder();
  const options = { etcd: { endpoints: servers.endpoints }, encryptionKey: '7'.repeat(64), dir, historyLimit };
  return createEtcdStore({ ...options, prefix: `/contract/${count}` });
});
