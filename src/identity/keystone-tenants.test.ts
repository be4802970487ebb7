import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeystoneServer, SERVICE_USER, startKeystone } from '../../test/support/keystone-server.ts';
import { until } from '../../test/support/until.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { createFakeTenants } from './fake-tenants.ts';
import { createKeystoneSession } from './keystone-session.ts';
import { createKeystoneTenants, type KeystoneTenantsOptions } from './keystone-tenants.ts';

function connect(server: KeystoneServer, { timeoutMs = 5000, ...options }: KeystoneTenantsOptions & { readonly timeoutMs?: number } = {}) {
  const session = createKeystoneSession({ ...SERVICE_USER, authUrl: server.url, timeoutMs });
  const directory = createKeystoneTenants(session, { failurePauseMs: 0, ...options });
  return { ...directory, [Symbol.dispose]: () => session.close() };
}

const project = (id: string, name = id, domain = 'default') => ({ id, name, domain_id: domain });
const isUnavailable = { code: 'IDENTITY_UNAVAILABLE' };

test('projects and domains that are enabled are the tenants', async () => {
  await using server = await startKeystone();
  server.collections.set('projects', [project('p1', 'demo'), { ...project('p2', 'old'), enabled: false }, project('p3', 'demo', 'd2')]);
  server.collections.set('domains', [
    { id: 'default', name: 'Default' },
    { id: 'd2', name: 'Two' },
    { id: 'd3', name: 'Off', enabled: false },
  ]);
  using directory = connect(server);
  assert.deepEqual(await directory.list(), [
    { id: 'p1', name: 'demo', domainId: 'default' },
    { id: 'p3', name: 'demo', domainId: 'd2' },
  ]);
  assert.deepEqual(await directory.domains(), [
    { id: 'default', name: 'Default' },
    { id: 'd2', name: 'Two' },
  ]);
  assert.equal(await directory.nameOf('p3'), 'demo');
  assert.equal(await directory.nameOf('p2'), undefined, 'a disabled one is none');
  assert.equal(await directory.idOf('demo', 'd2'), 'p3');
  assert.equal(await directory.idOf('demo'), undefined, 'two domains have one of that name');
  assert.equal(await directory.idOf('demo', 'd3'), undefined);
});

test('pages are followed at the configured address, whatever host their links name', async () => {
  await using server = await startKeystone();
  const all = Array.from({ length: 25 }, (_, index) => project(`p${index}`));
  server.collections.set('projects', all);
  server.collections.setPage(10);
  using directory = connect(server);
  assert.deepEqual(
    (await directory.list()).map(({ id }) => id),
    all.map(({ id }) => id),
  );
  assert.deepEqual(server.counts, { issued: 1, validated: 0, listed: 3 });
});

test('pages that lead in a circle, and more projects than are kept, are errors', async () => {
  await using server = await startKeystone();
  server.collections.set(
    'projects',
    Array.from({ length: 9 }, (_, index) => project(`p${index}`)),
  );
  server.collections.setPage(2, 'circle');
  using circle = connect(server);
  await assert.rejects(circle.list(), isUnavailable);
  server.collections.setPage(100);
  using small = connect(server, { maxCount: 8 });
  await assert.rejects(small.list(), isUnavailable);
});

test('a list that Keystone cuts off is used, with a warning', async () => {
  await using server = await startKeystone();
  server.collections.set('projects', [project('a'), project('b'), project('c')]);
  server.collections.setPage(2, 'truncated');
  const events: Event[] = [];
  const unsubscribe = subscribe((event) => events.push(event));
  using directory = connect(server);
  assert.equal((await directory.list()).length, 2);
  unsubscribe();
  assert.match(events.find((event) => event.type === 'warning')?.text ?? '', /only the first 2 projects.*list_limit/);
});

test('one question serves all who ask, until the time to live is over', async () => {
  await using server = await startKeystone();
  server.collections.set('projects', [project('a')]);
  server.setDelay(20);
  using directory = connect(server);
  await Promise.all(Array.from({ length: 50 }, () => directory.list()));
  await directory.idOf('a');
  assert.equal(server.counts.listed, 1);
  using brief = connect(server, { cacheTtlMs: 30 });
  const before = await brief.list();
  await until('it is asked again', async () => (await brief.list()) && server.counts.listed > 2);
  assert.equal(await brief.list(), before, 'the same array while nothing changed');
  server.collections.set('projects', [project('a'), project('b')]);
  await until('the new one is there', async () => (await brief.list()).length === 2);
});

test('a tenant that is not found is looked for anew, but not over and over', async () => {
  await using server = await startKeystone();
  server.collections.set('projects', [project('a')]);
  using directory = connect(server, { missPauseMs: 3000 });
  await directory.list();
  server.collections.set('projects', [project('a'), project('new', 'just made')]);
  await until('the new one is found', async () => (await directory.idOf('just made')) === 'new');
  const { listed } = server.counts;
  for (let i = 0; i < 20; i += 1) await directory.idOf(`nobody-${i}`);
  assert.ok(server.counts.listed <= listed + 2, `${server.counts.listed - listed} questions`);
});

test('while Keystone fails, what is known serves on for a time; without it nobody is told that there is none', async (t) => {
  await using server = await startKeystone();
  server.collections.set('projects', [project('a')]);
  using directory = connect(server, { cacheTtlMs: 1, timeoutMs: 2000 });
  await directory.list();
  for (const fault of [500, 503, 429, 403, 'hang-up', 'garbage', 'silence', 'flood'] as const) {
    await t.test(String(fault), async () => {
      server.breakLists(fault);
      await until('the list is old', async () => (await directory.list()).length === 1);
      using fresh = connect(server, { timeoutMs: 2000 });
      await assert.rejects(fresh.list(), isUnavailable);
      await assert.rejects(fresh.idOf('a'), isUnavailable);
      server.breakLists(undefined);
      assert.equal((await fresh.list()).length, 1, 'a failure is not remembered');
    });
  }
});

test('a list is not used beyond its time, and a failing service is left alone for a moment', async () => {
  await using server = await startKeystone();
  using directory = connect(server, { cacheTtlMs: 1, maxStaleMs: 50, failurePauseMs: 60_000 });
  await directory.list();
  server.breakLists(500);
  await until('it is too old', () =>
    directory.list().then(
      () => false,
      (error) => error.code === 'IDENTITY_UNAVAILABLE',
    ),
  );
  const { listed } = server.counts;
  await assert.rejects(directory.list(), isUnavailable);
  assert.equal(server.counts.listed, listed);
});

test('a service token that Keystone lost is replaced within the question', async () => {
  await using server = await startKeystone();
  server.collections.set('projects', [project('a')]);
  using directory = connect(server, { cacheTtlMs: 1 });
  await directory.list();
  server.revokeService();
  await until('a new token was got', async () => (await directory.list()).length === 1 && server.counts.issued === 2);
});

test('the tenants of the development tokens', async () => {
  const directory = createFakeTenants();
  assert.equal(await directory.idOf('demo'), 'fc394f2ab2df4114bde39905f800dc57');
  assert.equal(await directory.nameOf('acf5662bbff44060b93ac3db3c25a590'), 'other');
  assert.deepEqual(await directory.domains(), [{ id: 'default', name: 'default' }]);
  assert.equal(await directory.idOf('nobody'), undefined);
});
