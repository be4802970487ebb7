import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startEtcd } from '../../test/support/etcd.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import { until } from '../../test/support/until.ts';
import type { Change, Document } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { createEtcdStore } from './etcd-store.ts';
import { createFileStore } from './file-store.ts';
import type { MovableStore } from './movable-store.ts';
import { moveStore } from './move-store.ts';

const by = { author: 'basic:ann' };
const servers = await startEtcd();
after(() => servers[Symbol.asyncDispose]());
const folder = createTempFolder('sekisho-move-');
after(() => folder.remove());
let count = 0;

const openFile = (): MovableStore => createFileStore({ dir: join(folder.path, String((count += 1))), historyLimit: 100 });
const openEtcd = (): Promise<MovableStore> =>
  createEtcdStore({
    etcd: { endpoints: servers.endpoints },
    prefix: `/move/${(count += 1)}`,
    encryptionKey: '7'.repeat(64),
    historyLimit: 100,
  });

const namespace = (name: string): Change => ({ op: 'put', kind: 'namespace', entity: { name } });
const collection: Change = { op: 'put', kind: 'collection', entity: { name: 'c', namespace: 'a', visibility: 'public', type: 'document' } };
const secret: Change = { op: 'put', kind: 'secret', entity: { name: 's', namespace: 'a', data: 'hush' } };
const module = (payload: string): Change => ({
  op: 'put',
  kind: 'module',
  entity: { name: 'm', namespace: 'a', moduleType: 'javascript', payload },
});
const remove = (name: string): Change => ({ op: 'delete', kind: 'namespace', namespace: '', name });

async function fill(store: MovableStore): Promise<void> {
  await store.put([namespace('a'), namespace('b'), collection, secret], by);
  const large = randomBytes(600_000).toString('base64');
  await store.put([module(large)], by);
  await store.put([module(large.slice(4))], by);
  for (let i = 0; i < 150; i += 1) await store.put([namespace(`n${i}`)], by);
  await store.put([remove('masked')], { ...by, isMask: () => true });
  for (const id of ['one', 'two/three', 'é']) await store.documents.put('a', 'c', id, { id });
  await store.documents.put('of/the file', 'x', 'y', null);
}

async function allDocuments(store: MovableStore): Promise<readonly Document[]> {
  const documents: Document[] = [];
  for await (const document of store.allDocuments()) documents.push(document);
  return documents.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function contentsOf(store: MovableStore): Promise<unknown> {
  const { entities, ...state } = await store.load();
  const sorted = Object.entries(entities).map(([kind, map]) => [kind, [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))]);
  return { sorted, state, history: await store.history({ limit: 1000 }), documents: await allDocuments(store) };
}

for (const [name, openFrom, openTo] of [
  ['a file to etcd', openFile, openEtcd],
  ['etcd to a file', openEtcd, openFile],
  ['etcd to another prefix', openEtcd, openEtcd],
] as const) {
  test(`everything moves from ${name}, with revision, hash, history, masks and the times of documents`, async () => {
    const [from, to] = [await openFrom(), await openTo()];
    await fill(from);
    const counts = await moveStore(from, to, { mayReplace: false });
    assert.deepEqual(await contentsOf(to), await contentsOf(from));
    const { hash } = await from.load();
    assert.deepEqual(counts, { entities: 155, masked: 1, documents: 4, records: 100, revision: 154, hash });
    // The history goes on.
    await Promise.all([from.put([remove('b')], by), to.put([remove('b')], by)]);
    assert.equal((await to.load()).hash, (await from.load()).hash);
    assert.equal((await to.load()).entities.secret.get('a/s')?.data, 'hush');

    await assert.rejects(
      moveStore(from, to, { mayReplace: false }),
      (error) =>
        error instanceof SekishoError &&
        error.code === 'STORE_NOT_EMPTY' &&
        /154 entities at revision 155, and documents/.test(error.message),
    );
    await from.put([namespace('last')], by);
    await from.documents.deleteAll('a', 'c');
    await moveStore(from, to, { mayReplace: true });
    assert.deepEqual(await contentsOf(to), await contentsOf(from));
    await Promise.all([from.close(), to.close()]);
  });
}

test('nodes that follow the target are led to what was moved there', async () => {
  count += 1;
  const open = () =>
    createEtcdStore({ etcd: { endpoints: servers.endpoints }, prefix: `/move/node-${count}`, encryptionKey: '7'.repeat(64) });
  const [from, to, node] = [openFile(), await open(), await open()];
  await node.put([namespace('before')], by);
  await fill(from);
  let told = 0;
  node.watch(1, ({ isReset = false, revision }) => (told = isReset ? revision : 0));
  await until('it knows', async () => (await to.load()).revision === 1);
  await moveStore(from, to, { mayReplace: true });
  await until('told', () => told === 154);
  assert.deepEqual(await contentsOf(node), await contentsOf(from));
  await Promise.all([from.close(), to.close(), node.close()]);
});
