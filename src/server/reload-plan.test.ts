import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createTempFolder } from '../../test/support/temp.ts';
import { loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { planReload } from './reload-plan.ts';

/** One for all: paths of the settings are relative to it. */
const folder = createTempFolder();
after(() => folder.remove());

function settingsOf(config: Readonly<Record<string, unknown>>): Settings {
  writeFileSync(join(folder.path, 'sekisho.json'), JSON.stringify({ version: 'v1', storage: { type: 'memory' }, ...config }));
  return loadSettings({ cwd: folder.path, env: {} }).settings;
}

const BEFORE = settingsOf({ proxy: { port: 8080 }, admin: { host: '127.0.0.1', port: 9080 } });

test('what workers read counts at once; listeners, storage and what the supervisor is made of count later', () => {
  const after = settingsOf({
    log_level: 'warn',
    workers: 5,
    storage: { type: 'memory', history_limit: 7 },
    proxy: { port: 8081, global_headers: { a: 'b' }, limits: { header_timeout: '3s' }, client_transport: { dial_timeout: '1s' } },
    admin: { host: '127.0.0.1', port: 9080, max_body_bytes: 5000 },
    modules: { max_threads: 3 },
  });
  const { changed, later, settings } = planReload(BEFORE, after, true);
  assert.deepEqual(changed.toSorted(), [
    'admin.max_body_bytes',
    'log_level',
    'modules.max_threads',
    'proxy.client_transport.dial_timeout',
    'proxy.console_log_level',
    'proxy.global_headers',
    'proxy.limits.header_timeout',
    'proxy.port',
    'storage.history_limit',
    'workers',
  ]);
  assert.deepEqual(later.toSorted(), ['admin.max_body_bytes', 'proxy.port', 'storage.history_limit']);
  assert.deepEqual([settings.proxy.port, settings.proxy.limits.headerTimeoutMs, settings.workers], [8080, 3000, 5]);
  assert.deepEqual(
    [settings.admin?.maxBodyBytes, settings.storage.historyLimit],
    [BEFORE.admin?.maxBodyBytes, BEFORE.storage.historyLimit],
  );
});

test('without workers only log, grace and entities count at once', () => {
  const after = settingsOf({
    log_level: 'warn',
    shutdown_grace: '3s',
    proxy: { port: 8080, global_headers: { a: 'b' }, init_resources: { services: [{ name: 's', urls: ['http://a'] }] } },
    admin: { host: '127.0.0.1', port: 9080 },
  });
  const { later, settings } = planReload(BEFORE, after, false);
  assert.deepEqual(later, ['proxy.global_headers']);
  assert.deepEqual([settings.logLevel, settings.proxy.globalHeaders], ['warn', {}]);
});

test('the same settings change nothing; one process instead of workers is a matter of a start', () => {
  assert.deepEqual(planReload(BEFORE, BEFORE, true), { changed: [], later: [], settings: BEFORE });
  const { later, settings } = planReload(BEFORE, { ...BEFORE, workers: 0 }, true);
  assert.deepEqual([later, settings.workers], [['workers'], 'auto']);
});
