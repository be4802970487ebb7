import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type DatabaseSubject, onEveryDatabase } from '../../test/support/databases.ts';
import { type EtcdServers, startEtcd } from '../../test/support/etcd.ts';
import { type Changes, changesOf, expectedKeys, openEtcd, presentKeys, SYNC_SCHEMAS, syncType } from '../../test/support/sync.ts';
import { until } from '../../test/support/until.ts';
import { SekishoError } from '../lib/errors.ts';
import { openEventLog } from '../sql/event-log.ts';
import type { Database } from '../sql/types.ts';
import { createSync, type Sync, type SyncOptions } from './sync.ts';
import { signatureOf, toOutcome } from './webhook-sender.ts';
import { createWebhooks, type WebhookOptions } from './webhooks.ts';

const NET = syncType('net');
const SECRET = 'a secret';

interface Sent {
  readonly id: number;
  readonly type: string;
  readonly schema: string;
  readonly path: string;
  readonly version: number;
  readonly resource: { readonly id: string; readonly name: string | null };
}

type Answer = { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | 'never';

/** A receiver that checks signatures and answers as it is told. */
async function startReceiver(answer: (event: Sent, count: number) => Answer = () => ({ status: 204 })) {
  const taken: Sent[] = [];
  const tried: Sent[] = [];
  const faults: string[] = [];
  const server: Server = createServer((request, response) => {
    void read(request).then((body) => {
      const header = String(request.headers['x-sekisho-signature']);
      const [, time = '', signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
      if (signature !== createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex')) faults.push(`wrong signature ${header}`);
      const event = JSON.parse(body) as Sent;
      if (request.headers['x-sekisho-event'] !== String(event.id)) faults.push('another id in the head');
      tried.push(event);
      const given = answer(event, tried.length);
      if (given === 'never') return;
      if (given.status < 300) taken.push(event);
      response.writeHead(given.status, given.headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  listening.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?x=1`, taken, tried, faults };
}

/** Of this test; ended after it. */
const listening: Server[] = [];

async function endReceivers(): Promise<void> {
  for (const server of listening.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text;
}

/** Without what came twice: a receiver that is slow to answer gets a change again, before any later one of its resource. */
function once(taken: readonly Sent[]): readonly Sent[] {
  return taken.filter(({ id }, at) => taken.findIndex((other) => other.id === id) === at);
}

const webhook = (name: string, url: string, more: Partial<WebhookOptions> = {}): WebhookOptions => ({
  name,
  url,
  secret: SECRET,
  schemas: [],
  timeoutMs: 30_000,
  retries: 3,
  backoffMs: 20,
  concurrency: 4,
  ...more,
});

test('what an answer means', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  assert.deepEqual(toOutcome(200, null, now), { kind: 'delivered' });
  assert.deepEqual(toOutcome(301, null, now), { kind: 'refused', reason: 'the answer was 301' });
  assert.deepEqual(toOutcome(404, '5', now), { kind: 'refused', reason: 'the answer was 404' });
  assert.deepEqual(toOutcome(408, null, now), { kind: 'failed', reason: 'the answer was 408' });
  assert.deepEqual(toOutcome(429, '5', now), { kind: 'failed', reason: 'the answer was 429', retryAfterMs: 5000 });
  assert.deepEqual(toOutcome(503, 'Thu, 01 Jan 2026 00:00:30 GMT', now), {
    kind: 'failed',
    reason: 'the answer was 503',
    retryAfterMs: 30_000,
  });
  assert.deepEqual(toOutcome(503, '99999999', now), { kind: 'failed', reason: 'the answer was 503', retryAfterMs: 3_600_000 });
  assert.deepEqual(toOutcome(500, 'soon', now), { kind: 'failed', reason: 'the answer was 500' });
});

test('a signature is that of the documentation', () => {
  const v1 = createHmac('sha256', 'k').update('1700000000.{}').digest('hex');
  assert.equal(signatureOf('k', '{}', 1_700_000_000), `t=1700000000,v1=${v1}`);
});

let servers: EtcdServers;
before(async () => {
  servers = await startEtcd();
});
after(async () => servers[Symbol.asyncDispose]());

function suite(subject: DatabaseSubject): void {
  let database: Database;
  let changes: Changes;
  const started: Sync[] = [];
  let names = 0;
  const startNode = async (webhooks: readonly WebhookOptions[], more: Partial<SyncOptions> = {}): Promise<Sync> => {
    const sync = await createSync({
      models: { database, schemas: () => SYNC_SCHEMAS },
      node: `node-${(names += 1)}`,
      runEvent: () => Promise.resolve({}),
      ttlMs: 10_000,
      pollMs: 200,
      backoffMs: 200,
      driftIntervalMs: 0,
      webhooks,
      ...more,
    });
    started.push(sync);
    return sync;
  };
  before(async () => {
    database = await subject.open(await subject.createConnection(), { count: 20, intervalMs: 5 });
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    changes = changesOf(database);
  });
  after(async () => database.close());
  beforeEach(async () => {
    for (const table of ['ports', 'nets', 'vms', 'notes', 'events', 'sekisho_webhook_events', 'sekisho_leases'])
      await database.transaction((session) => session.query(`DELETE FROM ${table}`, []), { isolation: 'READ COMMITTED' });
  });
  afterEach(async () => {
    for (const sync of started.splice(0)) await sync.close();
    await endReceivers();
  });

  test('without etcd, changes go to receivers, signed, in the order of each resource, from one of all nodes', async () => {
    const all = await startReceiver();
    const some = await startReceiver();
    const hooks = [webhook('all', all.url), webhook('some', some.url, { schemas: ['port'] })];
    const nodes = [await startNode(hooks), await startNode(hooks)];
    await until('one of them leads', () => nodes.filter((node) => node.status().delivery?.isLeader).length === 1);
    for (const id of ['a', 'b']) await changes.create(NET, { id });
    await changes.create(syncType('port'), { id: 'p', net_id: 'a' });
    for (let i = 1; i <= 20; i += 1) for (const id of ['a', 'b']) await changes.update(NET, id, { name: String(i) });
    await changes.delete(NET, 'b');
    await until('all is sent', () => once(all.taken).length === 44 && some.taken.length > 0);
    for (const id of ['a', 'b']) {
      const names_ = once(all.taken)
        .filter(({ path }) => path === `/v1/nets/${id}`)
        .map(({ resource }) => resource.name);
      assert.deepEqual(names_.slice(0, 21), [null, ...Array.from({ length: 20 }, (_, i) => String(i + 1))]);
    }
    const [port] = some.taken;
    assert.deepEqual([port?.type, port?.schema, port?.path], ['create', 'port', '/v1/ports/p']);
    assert.equal(all.taken.find(({ type }) => type === 'delete')?.resource.id, 'b');
    assert.deepEqual([...all.faults, ...some.faults], []);
    await until('all is well', () => nodes.every((node) => node.status().problems.length === 0));
  });

  test('when the leader ends, another node goes on', async () => {
    const receiver = await startReceiver();
    const hooks = [webhook('r', receiver.url)];
    const first = await startNode(hooks);
    await until('it leads', () => first.status().delivery?.isLeader);
    const second = await startNode(hooks);
    await first.close();
    await changes.create(NET, { id: 'a' });
    await until('it is sent', () => receiver.taken.length > 0);
    await until('the other one leads', () => second.status().delivery?.isLeader);
  });

  test('a receiver that fails is tried again, and holds up neither others nor etcd', async () => {
    const etcd = openEtcd(servers.endpoints);
    for (const prefix of ['/config/', '/gohan/']) await etcd.delete({ prefix });
    let isUp = false;
    const flaky = await startReceiver((_, count) =>
      isUp ? { status: 200 } : { status: 500, ...(count === 1 && { headers: { 'retry-after': '0' } }) },
    );
    const slow = await startReceiver(() => 'never');
    const good = await startReceiver();
    const hooks = [
      webhook('flaky', flaky.url, { retries: 1000 }),
      webhook('slow', slow.url, { retries: 1000, timeoutMs: 300 }),
      webhook('good', good.url),
    ];
    const sync = await startNode(hooks, { etcd });
    for (const id of ['a', 'b', 'c']) await changes.create(NET, { id });
    await changes.update(NET, 'a', { name: 'x' });
    await until('the good one has all', () => once(good.taken).length === 4);
    await until('etcd has all', async () => (await presentKeys(etcd)).size === 3);
    assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
    await until('it is told', () => sync.status().problems.some((text) => /wait for the webhook flaky: the answer was 500/.test(text)));
    await until('so is the other', () => sync.status().problems.some((text) => /webhook slow: no answer within 300 ms/.test(text)));
    assert.equal(
      flaky.tried.some(({ version, path }) => path === '/v1/nets/a' && version === 2),
      false,
    );
    isUp = true;
    await until('it has all', () => once(flaky.taken).length === 4);
    const versions = once(flaky.taken)
      .filter(({ path }) => path === '/v1/nets/a')
      .map(({ version }) => version);
    assert.deepEqual(versions, [1, 2]);
    await sync.close();
    await etcd.close();
  });

  test('what a receiver refuses, or fails too often, is a dead letter, which can be sent again or deleted', async () => {
    let isFixed = false;
    const receiver = await startReceiver(({ path }) => {
      if (isFixed) return { status: 200 };
      return { status: path.endsWith('/bad') ? 422 : path.endsWith('/worse') ? 500 : 200 };
    });
    const sync = await startNode([webhook('r', receiver.url, { retries: 2, backoffMs: 5 })]);
    for (const id of ['bad', 'worse', 'good']) await changes.create(NET, { id });
    const { webhooks } = sync;
    if (webhooks === undefined) return assert.fail();
    const dead = await until('there are two', async () => {
      const letters = await webhooks.deadLetters('r', 10, 0);
      return letters.length === 2 ? letters : undefined;
    });
    assert.deepEqual(
      dead.map(({ path, attempts, reason, receiver: name }) => [path, attempts, reason, name]),
      [
        ['/v1/nets/bad', 1, 'the answer was 422', 'r'],
        ['/v1/nets/worse', 3, 'the answer was 500', 'r'],
      ],
    );
    await until('it is told', () => sync.status().problems.some((text) => /2 changes for the webhook r are dead letters/.test(text)));
    assert.deepEqual(await webhooks.status(), [{ receiver: 'r', waiting: 0, oldest: 0, dead: 2, isConfigured: true }]);
    isFixed = true;
    const [bad, worse] = dead;
    const whole = await webhooks.deadLetter('r', bad?.id ?? 0);
    assert.equal((JSON.parse(whole.body) as { readonly id: string }).id, 'bad');
    assert.deepEqual({ ...whole, body: undefined }, { ...bad, body: undefined });
    assert.equal(await webhooks.retry('r', [bad?.id ?? 0]), 1);
    await until('it is sent', () => receiver.taken.some(({ path }) => path === '/v1/nets/bad'));
    assert.equal(await webhooks.forget('r', [worse?.id ?? 0]), 1);
    assert.equal(await webhooks.retry('r'), 0);
    await assert.rejects(webhooks.deadLetter('r', worse?.id ?? 0), { code: 'WEBHOOK_NO_LETTER', message: /has no dead letter/ });
    await assert.rejects(webhooks.retry('q'), { code: 'WEBHOOK_UNKNOWN', message: /did you mean r\?/ });
  });

  test('queues and dead letters are bounded: the oldest go', async () => {
    const hook = webhook('r', 'http://127.0.0.1:1', { backoffMs: 60_000, retries: 1000, concurrency: 1 });
    const webhooks = createWebhooks({
      database,
      schemas: () => SYNC_SCHEMAS,
      webhooks: [hook],
      pollMs: 50,
      maxWaiting: 5,
      maxDead: 3,
    });
    const log = await openEventLog(database, webhooks.receivers);
    for (let i = 0; i < 12; i += 1) await changes.create(NET, { id: `n${i}` });
    await log.remove((await log.ids(100)).map(({ id }) => id));
    const lost = new AbortController();
    const running = webhooks.run(lost.signal);
    await until('five wait and three are dead', async () => {
      const [status] = await webhooks.status();
      return status?.waiting === 5 && status.dead === 3;
    });
    const letters = await webhooks.deadLetters('r', 10, 0);
    assert.deepEqual(
      letters.map(({ path }) => path),
      ['/v1/nets/n4', '/v1/nets/n5', '/v1/nets/n6'],
    );
    assert.equal(letters[0]?.reason, 'more than 5 changes waited');
    const [, middle] = letters;
    assert.equal((await webhooks.deadLetters('r', 1, letters[0]?.id ?? 0))[0]?.id, middle?.id);
    lost.abort();
    await running;
  });

  test('leaders that overlap give each receiver each change once', async () => {
    const webhooks = createWebhooks({ database, schemas: () => SYNC_SCHEMAS, webhooks: [webhook('r', 'http://127.0.0.1:1')], pollMs: 50 });
    const log = await openEventLog(database, webhooks.receivers);
    for (let i = 0; i < 40; i += 1) await changes.create(NET, { id: `n${i}` });
    const ids = (await log.ids(100)).map(({ id }) => id);
    await Promise.all(Array.from({ length: 4 }, () => log.remove(ids)));
    assert.deepEqual(await webhooks.status(), [
      { receiver: 'r', waiting: 40, oldest: (await webhooks.status())[0]?.oldest, dead: 0, isConfigured: true },
    ]);
    assert.equal((await log.backlog()).count, 0);
  });

  test('a schema that there is not is refused at the start', async () => {
    await assert.rejects(startNode([webhook('r', 'http://127.0.0.1:1', { schemas: ['nett'] })]), (error) => {
      assert.ok(error instanceof SekishoError && error.code === 'CONFIG_INVALID');
      assert.match(error.message, /"nett": there is no such schema; did you mean net\?/);
      return true;
    });
    await assert.rejects(startNode([webhook('r', 'http://127.0.0.1:1', { schemas: ['quiet'] })]), /nosync/);
  });
}
onEveryDatabase(suite);
