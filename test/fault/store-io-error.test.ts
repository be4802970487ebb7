import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createFileStore } from '../../src/store/file-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-io-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const FAULTS = ['fsync:error=EIO', 'pwrite64:error=EIO', 'pwrite64:error=ENOSPC'] as const;
/** Faults beyond the last call of the writer change nothing; these reach from the first call into the last writes. */
const CALLS = { fsync: 18, pwrite64: 40 } as const;

function writeWithFault(dir: string, fault: string, call: number): readonly string[] {
  const syscall = fault.split(':')[0] ?? '';
  const writer = join(import.meta.dirname, 'store-io-writer.ts');
  const trace = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-P',
    join(dir, 'sekisho.db'),
    '-P',
    join(dir, 'sekisho.db-wal'),
    '-P',
    join(dir, 'sekisho.db-journal'),
  ];
  const result = spawnSync(
    'strace',
    [...trace, '-e', `trace=${syscall}`, '-e', `inject=${fault}:when=${call}`, process.execPath, writer, dir],
    { encoding: 'utf8' },
  );
  assert.equal(result.status, 0, result.stderr);
  return result.stdout.trim().split('\n');
}

const hasStrace = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;

for (const fault of FAULTS) {
  const syscall = fault.startsWith('fsync') ? 'fsync' : 'pwrite64';
  test(`${fault} at every call: no write is acknowledged that is not there after a restart`, {
    skip: hasStrace ? false : 'strace is not here or may not trace',
  }, async () => {
    let failures = 0;
    for (let call = 1; call <= CALLS[syscall]; call += syscall === 'fsync' ? 1 : 3) {
      const dir = mkdtempSync(join(folder, 'store-'));
      const lines = writeWithFault(dir, fault, call);
      const acknowledged = lines.filter((line) => line.startsWith('ok ')).map((line) => Number(line.slice(3)));
      const failed = lines.findIndex((line) => !line.startsWith('ok '));
      if (failed >= 0) failures += 1;
      for (const line of lines) assert.match(line, /^(ok \d+|STORE_FAILED|STORE_KEY|STORE_CORRUPT)$/, `call ${call}`);
      if (failed >= 0 && !fault.endsWith('ENOSPC'))
        assert.ok(
          acknowledged.every((i) => i < failed),
          `call ${call}: acknowledged after an I/O error: ${lines.join()}`,
        );
      const store = createFileStore({ dir });
      const { entities } = await store.load();
      for (const i of acknowledged) {
        const isThere = i % 2 === 0 ? entities.namespace.has(`n${i}`) : (await store.documents.get('a', 'c', `n${i}`)) !== undefined;
        assert.ok(isThere, `call ${call}: ${i} was acknowledged and is lost`);
      }
      await store.close();
    }
    assert.ok(failures > 3, `the faults were felt ${failures} times`);
  });
}
