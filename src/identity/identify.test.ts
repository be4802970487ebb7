import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ErrorCode } from '../lib/errors.ts';
import { createApiKeyProvider } from './api-key.ts';
import { createFakeProvider } from './fake.ts';
import { answerFakeKeystone } from './fake-keystone.ts';
import { ANONYMOUS, createIdentifier } from './identify.ts';
import { createProviders, type ProviderOptions } from './providers.ts';
import type { Credentials, Identification, IdentityProvider } from './types.ts';

const NONE: Credentials = { token: undefined, bearer: undefined, apiKey: undefined };
const DEMO = 'fc394f2ab2df4114bde39905f800dc57';
const OTHER = 'acf5662bbff44060b93ac3db3c25a590';
const KEY = 'key-of-the-robot-1234';
const key = { name: 'robot', key: KEY, roles: ['Member'], tenantId: 't1' };

/** A provider that answers as told, and counts how often it is asked. */
function told(answer: () => Promise<Identification | undefined>): IdentityProvider & { asked: number; isClosed: boolean } {
  return {
    name: 'told',
    asked: 0,
    isClosed: false,
    identify() {
      this.asked += 1;
      return answer();
    },
    close() {
      this.isClosed = true;
    },
  };
}
const yes = (roles: readonly string[] = ['Member'], validUntil = Date.now() + 60_000): Identification => ({
  ok: true,
  identity: { ...ANONYMOUS, roles },
  validUntil,
});
const no = (reason: string): Identification => ({ ok: false, reason, detail: 'No.' });
const ask = (token: string): Credentials => ({ ...NONE, token });

for (const [token, tenantId, role, scope] of [
  ['admin_token', DEMO, 'admin', 'admin'],
  ['demo_token', DEMO, 'Member', 'tenant'],
  ['power_user_token', OTHER, 'Member', 'tenant'],
  ['visible_token', DEMO, 'Visible', 'tenant'],
  ['hidden_token', DEMO, 'Hidden', 'tenant'],
] as const) {
  test(`development token ${token}`, async () => {
    const identifier = createIdentifier([createFakeProvider()]);
    const found = await identifier.identify(ask(token));
    assert.deepEqual([found.tenantId, found.roles, found.scope, found.domainId], [tenantId, [role], scope, 'default']);
    assert.equal(await identifier.identify({ ...NONE, bearer: token }), found);
  });
}

test('no credentials: anonymous where that is permitted, else refused with a challenge', async () => {
  const identifier = createIdentifier([createFakeProvider()]);
  assert.equal(await identifier.identify(NONE, true), ANONYMOUS);
  assert.equal(await identifier.identify({ ...NONE, token: '' }, true), ANONYMOUS);
  await assert.rejects(identifier.identify(NONE), { code: 'IDENTITY_REQUIRED', reason: 'missing', challenge: 'Bearer realm="sekisho"' });
  assert.deepEqual([ANONYMOUS.roles, ANONYMOUS.tenantId, ANONYMOUS.tenantName], [['Nobody'], 'nobody', 'nobody']);
});

test('credentials that are sent must be valid, also where none are needed', async () => {
  const identifier = createIdentifier([createFakeProvider()]);
  await assert.rejects(identifier.identify(ask('nonsense'), true), {
    code: 'IDENTITY_REQUIRED',
    reason: 'unknown_token',
    message: 'authentication error (reason: unknown_token)',
    challenge: 'Bearer realm="sekisho", error="invalid_token", error_description="unknown_token"',
  });
});

for (const [name, credentials, reason] of [
  ['a prefix of a token', ask('demo_toke'), 'unknown_token'],
  ['a token and more', ask('demo_token2'), 'unknown_token'],
  ['a token in other case', ask('Demo_token'), 'unknown_token'],
  ['a property of objects', ask('__proto__'), 'unknown_token'],
  ['a space', ask('demo token'), 'malformed'],
  ['a line break', ask('demo_token\r\n'), 'malformed'],
  ['a NUL', ask('demo_token\0'), 'malformed'],
  ['letters beyond ASCII', ask('demo_tökén'), 'malformed'],
  ['too long', ask('x'.repeat(16_385)), 'oversized'],
  ['a token as an API key', { ...NONE, apiKey: 'demo_token' }, 'unknown_key'],
  ['an API key as a token', ask(KEY), 'unknown_token'],
  ['a prefix of an API key', { ...NONE, apiKey: KEY.slice(0, -1) }, 'unknown_key'],
  ['a wrong token before a right key', { ...NONE, token: 'x', apiKey: KEY }, 'unknown_token'],
  ['an API key that has ended', { ...NONE, apiKey: 'the-key-that-has-ended' }, 'expired'],
] as const) {
  test(`refused: ${name}`, async () => {
    const ended = { name: 'old', key: 'the-key-that-has-ended', roles: ['Member'], tenantId: 't1', expiresAt: Date.now() - 1 };
    const identifier = createIdentifier([createApiKeyProvider([key, ended]), createFakeProvider()]);
    await assert.rejects(identifier.identify(credentials), { reason });
  });
}

test('API keys, in clear or as digest', async () => {
  const sha256 = createHash('sha256').update('another-long-api-key').digest('hex');
  const identifier = createIdentifier([
    createApiKeyProvider([
      key,
      { name: 'ci', sha256: sha256.toUpperCase(), roles: ['a', 'b'], tenantId: 't2', domainId: 'd', scope: 'domain' },
    ]),
  ]);
  assert.deepEqual(await identifier.identify({ ...NONE, apiKey: KEY }), {
    roles: ['Member'],
    tenantId: 't1',
    tenantName: 't1',
    domainId: 'default',
    domainName: 'default',
    scope: 'tenant',
    principal: 'key:robot',
  });
  assert.equal((await identifier.identify({ ...NONE, apiKey: 'another-long-api-key' })).scope, 'domain');
});

for (const [name, keys] of [
  ['neither key nor digest', [{ ...key, key: undefined }]],
  ['both', [{ ...key, sha256: 'a'.repeat(64) }]],
  ['a short key', [{ ...key, key: 'short' }]],
  ['a digest that is none', [{ ...key, key: undefined, sha256: 'xyz' }]],
  ['the same key twice', [key, { ...key, name: 'two' }]],
] as const) {
  test(`API keys, configuration: ${name}`, () => {
    assert.throws(() => createApiKeyProvider(keys as never), { code: 'CONFIG_INVALID' satisfies ErrorCode });
  });
}

test('the first provider that knows the credentials decides', async () => {
  const [first, second, third] = [told(async () => undefined), told(async () => yes(['second'])), told(async () => yes(['third']))];
  const identifier = createIdentifier([first, second, third]);
  assert.deepEqual((await identifier.identify(ask('a'))).roles, ['second']);
  assert.equal(third.asked, 0);
  const after = createIdentifier([told(async () => no('unknown_token')), third]);
  assert.deepEqual((await after.identify(ask('a'))).roles, ['third']);
});

test('the refusal that says most is told', async () => {
  const reasonOf = (...reasons: (string | undefined)[]) =>
    createIdentifier(reasons.map((reason) => told(async () => (reason === undefined ? undefined : no(reason)))))
      .identify(ask('a'))
      .then(
        () => 'accepted',
        (error) => error.reason,
      );
  assert.equal(await reasonOf('unknown_token', 'expired', 'bad_signature'), 'expired');
  assert.equal(await reasonOf('expired', 'unknown_token'), 'expired');
  assert.equal(await reasonOf(undefined), 'malformed');
});

test('a provider that is away: others are asked; without an answer it is 503, not 401', async () => {
  const away = told(async () => Promise.reject(new Error('connect ECONNREFUSED')));
  assert.ok(await createIdentifier([away, told(async () => yes())]).identify(ask('a')));
  await assert.rejects(createIdentifier([away]).identify(ask('a')), { code: 'IDENTITY_UNAVAILABLE', status: 503 });
  await assert.rejects(createIdentifier([told(async () => no('unknown_token')), away]).identify(ask('a')), {
    code: 'IDENTITY_UNAVAILABLE',
  });
  await assert.rejects(createIdentifier([told(async () => no('expired')), away]).identify(ask('a')), { reason: 'expired' });
});

test('requests with the same credentials share one question, and its answer for a time', async () => {
  const provider = told(() => new Promise((resolve) => setImmediate(resolve, yes())));
  const identifier = createIdentifier([provider]);
  await Promise.all(Array.from({ length: 50 }, () => identifier.identify(ask('a'))));
  await identifier.identify(ask('a'));
  assert.equal(provider.asked, 1);
  await identifier.identify(ask('b'));
  assert.equal(provider.asked, 2);
});

test('a refusal is remembered for a moment only, a failure not at all', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1000 });
  let answer: () => Promise<Identification> = async () => no('unknown_token');
  const provider = told(() => answer());
  const identifier = createIdentifier([provider], { refusalMs: 100 });
  await assert.rejects(identifier.identify(ask('a')));
  await assert.rejects(identifier.identify(ask('a')));
  assert.equal(provider.asked, 1);
  t.mock.timers.tick(101);
  answer = async () => Promise.reject(new Error('away'));
  await assert.rejects(identifier.identify(ask('a')), { code: 'IDENTITY_UNAVAILABLE' });
  answer = async () => yes();
  assert.ok(await identifier.identify(ask('a')));
});

test('an identity is remembered until its time, at most for so long, and not beyond the size', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1000 });
  const provider = told(async () => yes(['Member'], Number.MAX_SAFE_INTEGER));
  const identifier = createIdentifier([provider], { maxCacheMs: 500, cacheSize: 2 });
  await identifier.identify(ask('a'));
  t.mock.timers.tick(499);
  await identifier.identify(ask('a'));
  assert.equal(provider.asked, 1);
  t.mock.timers.tick(2);
  await identifier.identify(ask('a'));
  assert.equal(provider.asked, 2);
  for (const token of ['b', 'a', 'c', 'a']) await identifier.identify(ask(token));
  assert.equal(provider.asked, 4);
  await identifier.identify(ask('b'));
  assert.equal(provider.asked, 5);
});

test('a flood of wrong tokens pushes no identity out', async () => {
  const provider = told(async () => undefined);
  const fake = createFakeProvider();
  const identifier = createIdentifier([provider, fake], { cacheSize: 10 });
  await identifier.identify(ask('demo_token'));
  for (let i = 0; i < 100; i += 1) await identifier.identify(ask(`wrong-${i}`)).catch(() => undefined);
  const { asked } = provider;
  await identifier.identify(ask('demo_token'));
  assert.equal(provider.asked, asked);
});

test('so many credentials are checked at a time', async () => {
  const open: (() => void)[] = [];
  const identifier = createIdentifier([told(() => new Promise((resolve) => open.push(() => resolve(yes()))))], { maxPending: 2 });
  const under = [identifier.identify(ask('a')), identifier.identify(ask('b'))];
  await assert.rejects(identifier.identify(ask('c')), { code: 'IDENTITY_UNAVAILABLE' });
  for (const resolve of open) resolve();
  await Promise.all(under);
  const late = identifier.identify(ask('c'));
  open.at(-1)?.();
  assert.ok(await late);
});

test('closing closes the providers', () => {
  const provider = told(async () => undefined);
  createIdentifier([provider]).close();
  assert.equal(provider.isClosed, true);
});

test('the fake Keystone logs in with any password, and tells tokens and tenants', () => {
  const login = (body: unknown) => answerFakeKeystone('POST', '/v2.0/tokens', body, undefined);
  const access = (answer: ReturnType<typeof login>) => (answer as { body: any }).body.access;
  const found = login({ auth: { passwordCredentials: { username: 'demo', password: 'any' }, tenantName: 'demo' } });
  assert.equal(found?.status, 200);
  assert.equal(access(found).token.id, 'demo_token');
  assert.deepEqual(access(found).token.tenant, { id: DEMO, name: 'demo', description: 'demo tenant', enabled: true });
  assert.deepEqual(access(found).user.roles, [{ name: 'Member' }]);
  assert.ok(Date.parse(access(found).token.expires) > Date.now());
  assert.equal(access(login({ auth: { token: { id: 'admin_token' } } })).user.name, 'admin');
  assert.equal(login({ auth: { passwordCredentials: { username: 'stranger' } } })?.status, 401);
  for (const body of [
    undefined,
    null,
    [],
    'x',
    {},
    { auth: {} },
    { auth: { token: {} } },
    { auth: { passwordCredentials: { username: 5 } } },
  ]) {
    assert.equal(login(body)?.status, 400);
  }
  assert.equal(answerFakeKeystone('GET', '/v2.0/tokens/demo_token', undefined, undefined)?.status, 200);
  assert.equal(answerFakeKeystone('GET', '/v2.0/tokens/nothing', undefined, undefined)?.status, 401);
  const tenants = answerFakeKeystone('GET', '/v2.0/tenants', undefined, 'demo_token');
  assert.deepEqual(
    (tenants as { body: { tenants: { id: string }[] } }).body.tenants.map(({ id }) => id),
    [DEMO, OTHER],
  );
  assert.equal(answerFakeKeystone('GET', '/v2.0/tenants', undefined, undefined)?.status, 401);
  for (const [method, path] of [
    ['GET', '/v2.0/tokens'],
    ['POST', '/v2.0/tenants'],
    ['DELETE', '/v2.0/tokens/demo_token'],
    ['GET', '/v2.0'],
  ] as const) {
    assert.equal(answerFakeKeystone(method, path, undefined, 'demo_token'), undefined);
  }
});

test('providers of a configuration', () => {
  const names = (options: ProviderOptions) => createProviders(options).providers.map(({ name }) => name);
  assert.deepEqual(names({ isFake: true, isLoopback: true, apiKeys: [key] }), ['api-key', 'fake']);
  assert.deepEqual(
    names({
      isLoopback: false,
      keystone: { authUrl: 'http://k:5000/v3', userName: 'u', password: 'p' },
      jwt: [{ jwksUrl: 'https://issuer/jwks' }],
    }),
    ['jwt', 'keystone'],
  );
  assert.throws(() => createProviders({ isFake: true, isLoopback: false }), /keystone\.fake is for development/);
  assert.throws(() => createProviders({ isKeystoneOff: true, isLoopback: true }), /use_keystone is false.*made every caller an admin/);
  assert.throws(() => createProviders({ isLoopback: true }), /nothing tells who calls/);
});
