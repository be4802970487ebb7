import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createFileStore } from '../../src/store/file-store.ts';

const CYCLES = Number(process.env['SEKISHO_CRASH_CYCLES'] ?? 50);

/** Lets a process write until it has acknowledged some writes, kills it in the midst of one, and gives the last number that it acknowledged. */
async function writeUntilKilled(dir: string, first: number, acknowledgements: number, delayMs: number): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'store-writer.ts'), dir, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let last = first - 1;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== 'open') last = Number(line);
    if (last === first - 1 + acknowledgements) setTimeout(() => child.kill('SIGKILL'), delayMs);
  }
  await closed;
  assert.equal(child.signalCode, 'SIGKILL');
  return last;
}

test(`${CYCLES} times kill -9 in the midst of writes: nothing acknowledged is lost, nothing is there by half`, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sekisho-kill-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  let next = 0;
  for (let cycle = 0; cycle < CYCLES; cycle += 1) {
    const last = await writeUntilKilled(dir, next, 1 + Math.floor(Math.random() * 10), Math.random() * 3);
    const store = createFileStore({ dir });
    try {
      const { entities, revision, hash } = await store.load();
      const stored = entities.namespace.size;
      assert.ok(stored === last + 1 || stored === last + 2, `${last + 1} writes were acknowledged, ${stored} are there`);
      assert.equal(revision, stored);
      assert.equal((await store.history({ limit: 1 }))[0]?.hash, hash);
      for (let i = next; i < stored; i += 1) {
        assert.match(entities.secret.get(`n${i}/n${i}`)?.data ?? '', new RegExp(`^secret ${i} x{${i % 3000}}$`));
        if (i <= last) assert.deepEqual((await store.documents.get('a', 'c', `n${i}`))?.data, { i });
      }
      next = stored;
    } finally {
      await store.close();
    }
  }
});
