import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KeystoneServer, SERVICE_USER, startKeystone, type TokenScope } from '../../test/support/keystone-server.ts';
import { until } from '../../test/support/until.ts';
import { createIdentifier, type IdentifierOptions } from './identify.ts';
import { createKeystoneProvider } from './keystone.ts';
import { createKeystoneSession, type KeystoneOptions } from './keystone-session.ts';

const DOMAIN = { id: 'd1', name: 'Domain' };
const PROJECT: TokenScope = { project: { id: 'p1', name: 'demo', domain: DOMAIN } };

const open = (options: Partial<KeystoneOptions> & { readonly authUrl: string }) =>
  createKeystoneProvider(createKeystoneSession({ ...SERVICE_USER, ...options }), options);

function connect(server: KeystoneServer, options: Partial<KeystoneOptions> = {}, identifierOptions: IdentifierOptions = {}) {
  const identifier = createIdentifier([open({ authUrl: server.url, ...options })], {
    refusalMs: 0,
    ...identifierOptions,
  });
  return {
    identify: (token: string) => identifier.identify({ token, bearer: undefined, apiKey: undefined }),
    [Symbol.dispose]: () => identifier.close(),
  };
}

const refusedWith = (reason: string) => (error: { code: string; reason: string }) => {
  assert.equal(error.code, 'IDENTITY_REQUIRED');
  assert.equal(error.reason, reason);
  return true;
};
const isUnavailable = { code: 'IDENTITY_UNAVAILABLE' };

test('a project-scoped token is for the tenant', async () => {
  await using server = await startKeystone();
  using gateway = connect(server);
  assert.deepEqual(await gateway.identify(server.issueToken(PROJECT, ['Member', 'reader'])), {
    roles: ['Member', 'reader'],
    tenantId: 'p1',
    tenantName: 'demo',
    domainId: 'd1',
    domainName: 'Domain',
    scope: 'tenant',
    principal: 'keystone:user-1',
  });
});

test('the scopes of Keystone', async (t) => {
  await using server = await startKeystone();
  using gateway = connect(server);
  await t.test('admin project', async () => {
    const found = await gateway.identify(server.issueToken({ ...PROJECT, is_admin_project: true }, ['admin']));
    assert.deepEqual([found.scope, found.tenantId, found.roles], ['admin', 'p1', ['admin']]);
  });
  await t.test('admin project with other roles', async () => {
    for (const roles of [['admin', 'Member'], ['Member'], []]) {
      await assert.rejects(gateway.identify(server.issueToken({ ...PROJECT, is_admin_project: true }, roles)), refusedWith('admin_roles'));
    }
  });
  await t.test('the role admin in any other project is no admin scope', async () => {
    assert.equal((await gateway.identify(server.issueToken({ ...PROJECT, is_admin_project: false }, ['admin']))).scope, 'tenant');
  });
  await t.test('domain', async () => {
    const found = await gateway.identify(server.issueToken({ domain: DOMAIN }, ['Member']));
    assert.deepEqual([found.scope, found.tenantId, found.domainId, found.domainName], ['domain', '', 'd1', 'Domain']);
  });
  await t.test('system', async () => {
    const found = await gateway.identify(server.issueToken({ system: { all: true } }, ['admin', 'member', 'reader']));
    assert.deepEqual([found.scope, found.tenantId, found.roles], ['admin', '', ['admin']]);
  });
  await t.test('system without the role admin', async () => {
    await assert.rejects(gateway.identify(server.issueToken({ system: { all: true } }, ['reader'])), refusedWith('admin_roles'));
  });
  await t.test('unscoped', async () => {
    await assert.rejects(gateway.identify(server.issueToken({}, [])), refusedWith('unscoped'));
  });
});

test('tokens that Keystone does not accept', async (t) => {
  await using server = await startKeystone();
  using gateway = connect(server);
  await t.test('unknown', () => assert.rejects(gateway.identify('gAAAAnothing'), refusedWith('unknown_token')));
  await t.test('expired', () => assert.rejects(gateway.identify(server.issueToken(PROJECT, ['Member'], -1000)), refusedWith('expired')));
  await t.test('revoked', async () => {
    const token = server.issueToken(PROJECT, ['Member']);
    server.revoke(token);
    await assert.rejects(gateway.identify(token), refusedWith('revoked'));
  });
  await t.test('not a header value', () => assert.rejects(gateway.identify('a\r\nX-Auth-Token: b'), refusedWith('malformed')));
});

test('a hundred requests with one token ask once, and later ones not at all', async () => {
  await using server = await startKeystone();
  server.setDelay(20);
  using gateway = connect(server);
  const token = server.issueToken(PROJECT, ['Member']);
  const found = await Promise.all(Array.from({ length: 100 }, () => gateway.identify(token)));
  assert.ok(found.every((one) => one === found[0]));
  assert.equal(await gateway.identify(token), found[0]);
  assert.deepEqual(server.counts, { issued: 1, validated: 1, listed: 0 });
});

test('different tokens at the same time share one service token', async () => {
  await using server = await startKeystone();
  server.setDelay(20);
  using gateway = connect(server);
  await Promise.all(Array.from({ length: 20 }, () => gateway.identify(server.issueToken(PROJECT, ['Member']))));
  assert.deepEqual(server.counts, { issued: 1, validated: 20, listed: 0 });
});

test('the cache forgets after its time to live, and can be off', async () => {
  await using server = await startKeystone();
  using brief = connect(server, { cacheTtlMs: 30 });
  const token = server.issueToken(PROJECT, ['Member']);
  await brief.identify(token);
  server.revoke(token);
  await until('the revocation is noticed', () =>
    brief.identify(token).then(
      () => false,
      () => true,
    ),
  );
  using off = connect(server, { useCache: false });
  const other = server.issueToken(PROJECT, ['Member']);
  await off.identify(other);
  server.revoke(other);
  await assert.rejects(off.identify(other), refusedWith('revoked'));
});

test('an identity is not remembered beyond the life of its token', async () => {
  await using server = await startKeystone();
  using gateway = connect(server);
  const token = server.issueToken(PROJECT, ['Member'], 150);
  await gateway.identify(token);
  await until('it expires', () =>
    gateway.identify(token).then(
      () => false,
      (error) => error.reason === 'expired',
    ),
  );
});

test('the cache is bounded', async () => {
  await using server = await startKeystone();
  using gateway = connect(server, {}, { cacheSize: 2 });
  const [a = '', b = '', c = ''] = ['a', 'b', 'c'].map(() => server.issueToken(PROJECT, ['Member']));
  for (const token of [a, b, a, c, a]) await gateway.identify(token);
  assert.equal(server.counts.validated, 3);
  await gateway.identify(b);
  assert.equal(server.counts.validated, 4, 'the least recently used one was forgotten');
});

test('the service token is renewed before it expires', async () => {
  await using server = await startKeystone();
  server.setServiceLife(400);
  using gateway = connect(server, { useCache: false });
  const token = server.issueToken(PROJECT, ['Member']);
  await until('it is renewed twice, and no request fails', async () => (await gateway.identify(token)) && server.counts.issued > 2);
});

test('a clock that is ahead of Keystone does not make every request log in', async () => {
  await using server = await startKeystone();
  server.setServiceLife(3_600_000, -7_200_000);
  using gateway = connect(server, { useCache: false });
  for (let i = 0; i < 5; i += 1) await gateway.identify(server.issueToken(PROJECT, ['Member']));
  assert.deepEqual(server.counts, { issued: 1, validated: 5, listed: 0 });
});

test('a service token that Keystone lost is replaced within the request', async () => {
  await using server = await startKeystone();
  using gateway = connect(server, { useCache: false });
  const token = server.issueToken(PROJECT, ['Member']);
  await gateway.identify(token);
  server.revokeService();
  await gateway.identify(token);
  assert.equal(server.counts.issued, 2);
});

test('while Keystone does not work nobody is refused, and nothing is remembered', async (t) => {
  await using server = await startKeystone();
  using gateway = connect(server, { timeoutMs: 2000, useCache: false });
  const token = server.issueToken(PROJECT, ['Member']);
  await gateway.identify(token);
  for (const fault of [500, 503, 429, 403, 'hang-up', 'garbage', 'silence', 'flood'] as const) {
    await t.test(String(fault), async () => {
      server.breakWith(fault);
      await assert.rejects(gateway.identify(token), isUnavailable);
      server.breakWith(undefined);
      await until('it is asked again', () =>
        gateway.identify(token).then(
          () => true,
          () => false,
        ),
      );
    });
  }
});

test('what was validated is served on while Keystone is away', async () => {
  await using server = await startKeystone();
  using gateway = connect(server);
  const token = server.issueToken(PROJECT, ['Member']);
  const found = await gateway.identify(token);
  server.breakWith('hang-up');
  assert.equal(await gateway.identify(token), found);
});

test('a Keystone that is not there, and one that does not know the service user', async () => {
  await using server = await startKeystone();
  using wrong = connect(server, { password: 'wrong' });
  await assert.rejects(wrong.identify('gAAAAx'), isUnavailable);
  await assert.rejects(wrong.identify('gAAAAy'), isUnavailable);
  assert.equal(server.counts.issued, 1, 'a failed login is not repeated at once');
  using nowhere = connect(server, { authUrl: 'http://127.0.0.1:1/v3' });
  await assert.rejects(nowhere.identify('gAAAAx'), isUnavailable);
});

test('only version 3, and a URL', () => {
  for (const authUrl of ['http://k/v2.0', 'http://k', 'k/v3', 'http://u:p@k/v3']) {
    assert.throws(() => createKeystoneSession({ ...SERVICE_USER, authUrl }), { code: 'CONFIG_INVALID' });
  }
  createKeystoneSession({ ...SERVICE_USER, authUrl: 'http://keystone.internal:5000/v3/' }).close();
});
