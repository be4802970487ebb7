import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntity } from '../entity/parse-entity.ts';
import type { Change, EntityKind } from '../entity/types.ts';
import { parseBackup, saveBackup } from './backup.ts';
import { createMemoryStore } from './memory-store.ts';
import { createRegistry, type Registry } from './registry.ts';
import { restoreBackup } from './restore-backup.ts';
import { toSecretBox } from './secret-box.ts';
import type { Store } from './types.ts';

const BOX = toSecretBox(Buffer.alloc(32, 1));
const OTHER = toSecretBox(Buffer.alloc(32, 2));

function put(kind: EntityKind, fields: Readonly<Record<string, unknown>>): Change {
  return { op: 'put', kind, entity: parseEntity(kind, fields, { defaultNamespace: 'default' }) } as unknown as Change;
}

async function open(...changes: readonly Change[]): Promise<{ readonly store: Store; readonly registry: Registry } & AsyncDisposable> {
  const store = createMemoryStore({ historyLimit: 100 });
  const registry = await createRegistry({ store, build: async () => undefined, swap: () => undefined });
  if (changes.length > 0) await registry.apply(changes, { author: 'test' });
  return {
    store,
    registry,
    async [Symbol.asyncDispose]() {
      await registry.close();
      await store.close();
    },
  };
}

const SERVICE = put('service', { name: 's', urls: ['http://a'] });
const SECRET = put('secret', { name: 'k', data: 'hidden text' });
const COLLECTION = put('collection', { name: 'c', schema: { type: 'object' } });
const restore = async (text: string, to: { readonly store: Store; readonly registry: Registry }, dryRun = false) =>
  restoreBackup(parseBackup(JSON.parse(text), BOX), { ...to, author: 'test', dryRun });

test('a state goes into an empty store, secrets encrypted on the way', async () => {
  await using from = await open(SERVICE, SECRET, COLLECTION);
  await from.registry.documents.put('default', 'c', 'd', { a: 1 });
  const text = await saveBackup(from.store, BOX, '1');
  assert.ok(!text.includes('hidden text'));
  await using to = await open();
  const done = await restore(text, to);
  assert.deepEqual(
    [done.entities, done.documents],
    [
      { put: 3, deleted: 0 },
      { put: 1, deleted: 0 },
    ],
  );
  assert.equal(to.registry.entities().secret.get('default/k')?.data, 'hidden text');
  assert.deepEqual((await to.registry.documents.get('default', 'c', 'd'))?.data, { a: 1 });
});

test('deletions that mask come back too', async () => {
  await using from = await open(SERVICE);
  await from.registry
    .apply([{ op: 'delete', kind: 'namespace', namespace: '', name: 'default' }], { author: 'test' })
    .catch(() => undefined);
  await from.registry.apply([{ op: 'delete', kind: 'service', namespace: 'default', name: 's' }], { author: 'test' });
  await from.registry.apply([{ op: 'delete', kind: 'namespace', namespace: '', name: 'default' }], { author: 'test' });
  const text = await saveBackup(from.store, BOX, '1');
  await using to = await open();
  await restore(text, to);
  assert.equal(to.registry.entities().namespace.has('default'), false);
  assert.deepEqual((await restore(text, to)).entities, { put: 0, deleted: 0 });
});

test('a collection that has become another gets its documents back', async () => {
  await using state = await open(COLLECTION);
  await state.registry.documents.put('default', 'c', 'd', { a: 1 });
  const text = await saveBackup(state.store, BOX, '1');
  await state.registry.documents.deleteAll('default', 'c');
  await state.registry.apply([put('collection', { name: 'c', schema: { type: 'string' } })], { author: 'test' });
  await state.registry.documents.put('default', 'c', 'x', 'text');
  assert.deepEqual((await restore(text, state, true)).entities, { put: 1, deleted: 0 });
  assert.equal((await state.registry.documents.get('default', 'c', 'x'))?.data, 'text', 'a trial changes nothing');
  await restore(text, state);
  assert.deepEqual((await state.registry.documents.get('default', 'c', 'd'))?.data, { a: 1 });
  assert.equal(await state.registry.documents.count('default', 'c'), 1);
});

test('what is no whole snapshot, or of another key, is refused before anything changes', async () => {
  await using from = await open(SECRET);
  const saved = JSON.parse(await saveBackup(from.store, BOX, '1'));
  const refused = (value: unknown, box = BOX) => {
    try {
      parseBackup(value, box);
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  };
  assert.match(refused({}) ?? '', /no file of `sekisho cluster snapshot`/);
  assert.match(refused({ ...saved, revision: 9 }) ?? '', /damaged/);
  assert.match(refused({ ...saved, format: 2 }) ?? '', /format 2/);
  assert.match(refused(saved, OTHER) ?? '', /another key/);
  assert.throws(() => parseBackup(saved, undefined), /has no key/);
  await assert.rejects(saveBackup(from.store, undefined, '1'), /secret k can not be saved without a key/);
});
