import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { ask } from '../support/client.ts';
import { onEveryDatabase } from '../support/databases.ts';
import { SEKISHO_BIN, startGateway } from '../support/gateway.ts';
import { takeLatePort } from '../support/late-port.ts';
import { property, schema } from '../support/models.ts';
import { createTempFolder } from '../support/temp.ts';
import { until } from '../support/until.ts';

const SCHEMAS = `schemas:\n${schema('pet', [property('name', 'string')])}`;

onEveryDatabase(({ kind, createConnection }) => {
  if (kind === 'sqlite3') return;
  const settings = (connection: string) => ({
    database: { type: kind, connection, connection_wait: '60s', migrations: 'sql' },
    schemas: ['schemas.yaml'],
    keystone: { fake: true },
  });

  test('a gateway that is started before its database serves when that is up', async () => {
    const late = await takeLatePort(new URL(await createConnection()));
    await late.open();
    await using gateway = await startGateway({ config: settings(late.url.href), files: { 'schemas.yaml': SCHEMAS } });
    await gateway.stop();
    await late.close();
    const starting = gateway.restart();
    await until('it tells what it waits for', () => /waiting for .*ECONNREFUSED/.test(gateway.log()));
    await late.open();
    await starting;
    assert.match(gateway.log(), /test_\d+ answers/);
    const { status } = await ask(`${gateway.proxyUrl}/t/pets`, { headers: { 'x-auth-token': 'admin_token' } });
    assert.equal(status, 200);
    await gateway.stop();
    await late.close();
  });

  test('migrate waits too, and says what for', async () => {
    const late = await takeLatePort(new URL(await createConnection()));
    using folder = createTempFolder();
    folder.write('schemas.yaml', SCHEMAS);
    folder.write(
      'sekisho.yaml',
      JSON.stringify({ version: 'v1', storage: { type: 'memory' }, proxy: { host: '127.0.0.1' }, ...settings(late.url.href) }),
    );
    const child = spawn(SEKISHO_BIN, ['migrate', 'version'], { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'close');
    let [out, told] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    await until('it tells what it waits for', () => /waiting for .*127\.0\.0\.1:\d+\/test_\d+: .*ECONNREFUSED/.test(told));
    await late.open();
    const [exit] = await ended;
    assert.deepEqual([exit, out], [0, '0\n'], told);
    await late.close();
  });
});
