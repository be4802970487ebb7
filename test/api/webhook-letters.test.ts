import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInProcess } from '../support/admin-stub.ts';
import { ask } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { until } from '../support/until.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

const SCHEMAS = ['schemas:', schema('net', [property('name', 'string')]).replace('prefix: /t', 'prefix: /v1')].join('\n');

test('dead letters are listed, shown, sent again and deleted', async () => {
  let isFixed = false;
  await using receiver = await startWebhookReceiver(() => (isFixed ? 204 : 400));
  const config = {
    log_level: 'warn',
    database: { type: 'sqlite3', connection: './models.db' },
    schemas: ['./schemas.yaml'],
    keystone: { fake: true },
    webhooks: [{ name: 'billing', url: receiver.url, secret: 's' }],
  };
  await using gateway = await startGateway({ config, files: { 'schemas.yaml': SCHEMAS } });
  const cli = (line: string) => runInProcess(['--admin', gateway.adminUrl, ...line.split(' ')]);
  for (const id of ['a', 'b', 'c'])
    await ask(`${gateway.proxyUrl}/v1/nets`, { method: 'POST', headers: { 'x-auth-token': 'admin_token' }, body: { id, name: id } });
  const dead = await until('all are dead letters', async () => {
    const letters = JSON.parse((await cli('webhook list billing -o json')).out) as { id: number; path: string; reason: string }[];
    return letters.length === 3 && letters;
  });
  assert.deepEqual(
    dead.map(({ path, reason }) => [path, reason]),
    ['a', 'b', 'c'].map((id) => [`/v1/nets/${id}`, 'the answer was 400']),
  );
  assert.match((await cli('webhook list')).out, /billing +0 +- +3 +yes/);
  const [a, b] = dead.map(({ id }) => id);
  assert.match((await cli(`webhook show billing ${a}`)).out, /path: \/v1\/nets\/a\n[^]*resource:\n {2}id: a\n {2}name: a\n/);
  await until('it is told, with what to do', async () =>
    /3 changes for the webhook billing are dead letters; sekisho webhook list billing/.test((await gateway.admin('GET', '/readyz')).text),
  );

  isFixed = true;
  assert.deepEqual(await cli(`webhook retry billing ${a}`), { exit: 0, out: 'count: 1\n', err: '' });
  await until('it is sent', () => receiver.taken.some(({ path }) => path === '/v1/nets/a'));
  assert.equal((await cli(`webhook drop billing ${b}`)).exit, 0);
  const gone = await cli(`webhook show billing ${b}`);
  assert.equal(gone.exit, 1);
  assert.match(gone.err, new RegExp(`the webhook billing has no dead letter ${b}: it was delivered since, waits again, or was deleted`));
  assert.equal((await cli('webhook retry billing all')).out, 'count: 1\n');
  await until('it is sent', () => receiver.taken.some(({ path }) => path === '/v1/nets/c'));
  assert.deepEqual(
    receiver.taken.map(({ path }) => path),
    ['/v1/nets/a', '/v1/nets/c'],
  );
  assert.match((await cli('webhook list biling')).err, /there is no webhook "biling"; did you mean billing\?/);
  assert.match((await cli('webhook list x')).err, /there is no webhook "x"; there are billing/);
  assert.equal((await gateway.admin('GET', '/api/v1/sync/webhooks/billing/dead-letters/seven')).status, 400);
});

test('without webhooks that is said', async () => {
  const config = {
    log_level: 'warn',
    database: { type: 'sqlite3', connection: './models.db' },
    schemas: ['./schemas.yaml'],
    keystone: { fake: true },
  };
  await using gateway = await startGateway({ config, files: { 'schemas.yaml': SCHEMAS } });
  const { exit, err } = await runInProcess(['--admin', gateway.adminUrl, 'webhook', 'retry', 'billing', 'all']);
  assert.equal(exit, 1);
  assert.match(err, /there is no webhook "billing": the configuration names no `webhooks`/);
});
