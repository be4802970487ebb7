import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Change } from '../entity/types.ts';
import { type ErrorCode, SekishoError } from '../lib/errors.ts';
import { createFileStore } from './file-store.ts';

const folders: string[] = [];
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-store-'));
  folders.push(folder);
  return folder;
};
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const by = { author: 'test' };
const changes: readonly Change[] = [
  { op: 'put', kind: 'namespace', entity: { name: 'a' } },
  { op: 'put', kind: 'secret', entity: { name: 's', namespace: 'a', data: 'hush-hush' } },
  { op: 'put', kind: 'domain', entity: { name: 'd', namespace: 'a', patterns: ['x'], priority: 0, cert: 'CERT-TEXT', key: 'KEY-TEXT' } },
];

function fails(code: ErrorCode, text: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof SekishoError && error.code === code && text.test(error.message);
}

test('state, history and documents are there after a restart', async () => {
  const dir = newFolder();
  const first = createFileStore({ dir });
  await first.put(changes, by);
  const document = await first.documents.put('a', 'c', 'd', { n: 1 });
  const before = await first.load();
  await first.close();
  const second = createFileStore({ dir });
  assert.deepEqual(await second.load(), before);
  assert.deepEqual(await second.documents.get('a', 'c', 'd'), document);
  assert.equal((await second.history({ limit: 5 }))[0]?.hash, before.hash);
  const update = await new Promise((resolve) => second.watch(0, resolve));
  assert.deepEqual(update, { revision: 1, hash: before.hash, changes });
  await second.close();
});

test('secrets and keys are not in the files', async () => {
  const dir = newFolder();
  const store = createFileStore({ dir });
  await store.put(changes, by);
  const bytes = () =>
    readdirSync(dir)
      .map((name) => readFileSync(join(dir, name), 'latin1'))
      .join('');
  assert.doesNotMatch(bytes(), /hush-hush|KEY-TEXT/);
  await store.close();
  assert.doesNotMatch(bytes(), /hush-hush|KEY-TEXT/);
  assert.match(bytes(), /CERT-TEXT/);
  assert.equal(statSync(join(dir, 'secret.key')).mode & 0o777, 0o600);
});

test('a second process is told that the folder is in use', async () => {
  const dir = newFolder();
  const store = createFileStore({ dir });
  const script = `import { createFileStore } from ${JSON.stringify(join(import.meta.dirname, 'file-store.ts'))};
    try { createFileStore({ dir: ${JSON.stringify(dir)} }); console.log('opened'); } catch (error) { console.log(error.code, error.message); }`;
  const open = () => spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).stdout;
  assert.match(open(), /^STORE_LOCKED .*in use by another process/);
  await store.put(changes, by);
  await store.close();
  assert.match(open(), /^opened/);
});

test('another key is refused, and so is a missing one', async () => {
  const dir = newFolder();
  await createFileStore({ dir }).close();
  const wrong = 'ab'.repeat(32);
  assert.throws(() => createFileStore({ dir, encryptionKey: wrong }), fails('STORE_KEY', /not the one/));
  rmSync(join(dir, 'secret.key'));
  assert.throws(() => createFileStore({ dir }), fails('STORE_KEY', /is missing/));
  assert.equal(existsSync(join(dir, 'secret.key')), false);
});

test('a key can be given as hex or base64, in the options or in a file that only its owner may read', async () => {
  const dir = newFolder();
  const key = Buffer.alloc(32, 7);
  const keyFile = join(newFolder(), 'key');
  writeFileSync(keyFile, `${key.toString('base64')}\n`, { mode: 0o600 });
  await createFileStore({ dir, encryptionKey: key.toString('hex') }).close();
  await createFileStore({ dir, encryptionKeyFile: keyFile }).close();
  assert.equal(existsSync(join(dir, 'secret.key')), false);
  chmodSync(keyFile, 0o640);
  assert.throws(() => createFileStore({ dir, encryptionKeyFile: keyFile }), fails('STORE_KEY', /mode 0640.*chmod 600/));
  assert.throws(() => createFileStore({ dir, encryptionKeyFile: `${keyFile}2` }), fails('STORE_KEY', /does not exist/));
  assert.throws(() => createFileStore({ dir, encryptionKey: 'short' }), fails('STORE_KEY', /32 bytes/));
});

test('a file that is no store is left as it is', async () => {
  const dir = newFolder();
  const path = join(dir, 'sekisho.db');
  writeFileSync(path, 'this is not a database, but somebody may still need it'.repeat(100));
  const before = readFileSync(path);
  assert.throws(() => createFileStore({ dir }), fails('STORE_CORRUPT', /damaged/));
  assert.deepEqual(readFileSync(path), before);
  assert.deepEqual(readdirSync(dir), ['sekisho.db', 'sekisho.lock']);
});

test('no flipped byte of the file is ever loaded as something else', async () => {
  const dir = newFolder();
  const path = join(dir, 'sekisho.db');
  const encryptionKey = '01'.repeat(32);
  const store = createFileStore({ dir, encryptionKey });
  for (let i = 0; i < 5; i += 1) await store.put(changes, by);
  const { entities } = await store.load();
  await store.close();
  const good = readFileSync(path);
  let refused = 0;
  for (let at = 0; at < good.length; at += 97) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] ?? 0) ^ 0x41;
    writeFileSync(path, bad);
    rmSync(`${path}-wal`, { force: true });
    let opened: ReturnType<typeof createFileStore> | undefined;
    try {
      opened = createFileStore({ dir, encryptionKey });
      assert.deepEqual((await opened.load()).entities, entities, `byte ${at}`);
    } catch (error) {
      assert.ok(
        error instanceof SekishoError && ['STORE_CORRUPT', 'STORE_FAILED', 'STORE_KEY'].includes(error.code),
        `byte ${at}: ${String(error)}`,
      );
      refused += 1;
    } finally {
      await opened?.close();
    }
  }
  assert.ok(refused > 0);
});
