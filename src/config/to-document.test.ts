import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadSettings } from './load-settings.ts';
import { toDocument } from './to-document.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-document-'));
after(() => rmSync(folder, { recursive: true }));

test('settings come back under the keys of the file, with defaults and without secrets', () => {
  const yaml = [
    'version: v1',
    'storage: { type: memory }',
    'database: { type: sqlite3, connection: ./secret.db }',
    'keystone: { fake: true, cache_ttl: 90s }',
    'extension: { timelimit: 2, timelimits: [{ path: ^/v1, timelimit: 5 }] }',
  ].join('\n');
  writeFileSync(join(folder, 'sekisho.yaml'), `${yaml}\n`);
  const document = toDocument(loadSettings({ env: {}, cwd: folder }).settings) as Record<string, Record<string, unknown>>;
  assert.equal(document['database']?.['type'], 'sqlite3');
  assert.ok(!('connection' in (document['database'] ?? {})));
  assert.equal(document['keystone']?.['cache_ttl'], '90000ms');
  assert.equal(document['extension']?.['timelimit'], 2);
  assert.deepEqual(document['extension']?.['timelimits'], [{ path: '^/v1', event: '.*', timelimit: 5 }]);
});
