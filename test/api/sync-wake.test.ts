import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PUBLISHER_KEY } from '../../src/sync/names.ts';
import { ask } from '../support/client.ts';
import { type EtcdServers, startEtcd } from '../support/etcd.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { openEtcd, presentKeys } from '../support/sync.ts';
import { until } from '../support/until.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

/** Whoever waits for the poll waits longer than any test. */
const POLL = '1h';
const PATIENCE_MS = 60_000;
const SCHEMAS = ['schemas:', schema('net', [property('name', 'string')]).replace('prefix: /t', 'prefix: /v1')].join('\n');

let servers: EtcdServers;
before(async () => {
  servers = await startEtcd();
});
after(async () => servers[Symbol.asyncDispose]());

async function write({ proxyUrl }: Gateway, method: string, path: string, body?: unknown): Promise<void> {
  const answer = await ask(`${proxyUrl}/v1/nets${path}`, { method, headers: { 'x-auth-token': 'admin_token' }, body });
  assert.ok(answer.status < 300, answer.text);
}

/** Each change is delivered before the next is made, so each has to wake who delivers. */
async function changeOneByOne(gateway: Gateway, seen: () => Promise<unknown>): Promise<void> {
  const is = (what: unknown) => async () => JSON.stringify(await seen()) === JSON.stringify(what);
  for (let i = 0; i < 3; i += 1) {
    await write(gateway, 'POST', '', { id: 'a', name: 'one' });
    await until('it is made', is('one'), PATIENCE_MS);
    await write(gateway, 'PUT', '/a', { name: 'two' });
    await until('it is changed', is('two'), PATIENCE_MS);
    await write(gateway, 'DELETE', '/a');
    await until('it is deleted', is(undefined), PATIENCE_MS);
  }
}

for (const workers of [0, 2]) {
  describe(workers === 0 ? 'one process' : `${workers} workers`, () => {
    const base = {
      log_level: 'warn',
      workers,
      database: { type: 'sqlite3', connection: './models.db' },
      schemas: ['./schemas.yaml'],
      keystone: { fake: true },
      sync_writer: { poll: POLL },
    };
    const files = { 'schemas.yaml': SCHEMAS };

    test('a commit wakes who delivers to etcd', async () => {
      const etcd = openEtcd(servers.endpoints);
      try {
        for (const prefix of ['/gohan/', '/config/']) await etcd.delete({ prefix });
        await using gateway = await startGateway({ config: { ...base, etcd: servers.endpoints }, files });
        await until('it leads', async () => (await etcd.range({ key: PUBLISHER_KEY })).kvs.length > 0, PATIENCE_MS);
        await changeOneByOne(gateway, async () => {
          const net = (await presentKeys(etcd)).get('/config/v1/nets/a') as { readonly name: string } | undefined;
          return net?.name;
        });
      } finally {
        await etcd.close();
      }
    });

    test('a commit wakes who sends webhooks', async () => {
      await using receiver = await startWebhookReceiver();
      const webhooks = [{ name: 'r', url: receiver.url, secret: 's' }];
      await using gateway = await startGateway({ config: { ...base, webhooks }, files });
      await changeOneByOne(gateway, async () => {
        const last = receiver.taken.at(-1);
        return last === undefined || last.type === 'delete' ? undefined : last.resource['name'];
      });
    });
  });
}
