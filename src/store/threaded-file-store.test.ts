import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Change } from '../entity/types.ts';
import { type ErrorCode, SekishoError } from '../lib/errors.ts';
import { createThreadedFileStore } from './threaded-file-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-thread-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const newFolder = () => mkdtempSync(join(folder, 'store-'));

const by = { author: 'test' };
const namespace = (name: string): Change => ({ op: 'put', kind: 'namespace', entity: { name } });

function fails(code: ErrorCode, text: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof SekishoError && error.code === code && text.test(error.message);
}

test('rejects with the reason when the file can not be opened', async () => {
  const dir = newFolder();
  const store = await createThreadedFileStore({ dir });
  await assert.rejects(createThreadedFileStore({ dir }), fails('STORE_LOCKED', /in use/));
  await store.close();
  await assert.rejects(createThreadedFileStore({ dir, encryptionKey: 'ab'.repeat(32) }), fails('STORE_KEY', /not the one/));
  const other = newFolder();
  writeFileSync(join(other, 'sekisho.db'), 'no database at all'.repeat(100));
  await assert.rejects(createThreadedFileStore({ dir: other }), fails('STORE_CORRUPT', /damaged/));
});

test('goes on where it was, and refuses calls after its end', async () => {
  const dir = newFolder();
  const first = await createThreadedFileStore({ dir });
  for (const name of ['a', 'b', 'c']) await first.put([namespace(name)], by);
  await first.close();
  await first.close();
  await assert.rejects(first.put([namespace('d')], by), fails('STORE_FAILED', /closed/));
  const second = await createThreadedFileStore({ dir });
  const seen = Promise.withResolvers<number>();
  second.watch(2, ({ revision }) => seen.resolve(revision));
  assert.equal(await seen.promise, 3);
  assert.equal((await second.load()).entities.namespace.size, 3);
  await second.close();
});

test('what is put while the store closes is stored or refused, not lost in silence', async () => {
  const dir = newFolder();
  const store = await createThreadedFileStore({ dir });
  const puts = ['a', 'b'].map((name) => store.put([namespace(name)], by));
  const closing = store.close();
  puts.push(store.put([namespace('c')], by));
  const outcomes = await Promise.allSettled(puts);
  await closing;
  const again = await createThreadedFileStore({ dir });
  assert.equal((await again.load()).entities.namespace.size, outcomes.filter(({ status }) => status === 'fulfilled').length);
  await again.close();
});
