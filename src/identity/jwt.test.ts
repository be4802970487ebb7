import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { until } from '../../test/support/until.ts';
import { createIdentifier } from './identify.ts';
import { createJwtProvider, type JwtProviderOptions } from './jwt.ts';
import { readJwtKey } from './jwt-algorithms.ts';

const SECRET = 'a secret of more than sixty-four bytes, as HS512 asks for; it is only for these tests';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsa2 = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const ed = generateKeyPairSync('ed25519');
const secret = Buffer.from(SECRET);
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string;
const now = (): number => Math.floor(Date.now() / 1000);

const CLAIMS = { sub: 'ann', roles: ['Member'], tenant_id: 't1', tenant_name: 'one', iss: 'https://issuer', aud: 'sekisho' };

interface TokenOptions {
  readonly claims?: object;
  readonly header?: object;
  readonly key?: KeyObject | Uint8Array;
}

function sign({ claims = {}, header = {}, key = rsa.privateKey }: TokenOptions = {}): Promise<string> {
  return new SignJWT({ ...CLAIMS, exp: now() + 60, ...claims }).setProtectedHeader({ alg: 'RS256', ...header }).sign(key);
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const unsigned = (header: object, claims: object = { ...CLAIMS, exp: now() + 60 }, signature = ''): string =>
  `${encode(header)}.${encode(claims)}.${signature}`;

const RS256 = { keys: [{ algorithm: 'RS256', key: pem(rsa.publicKey) }] } as const;
const STRICT = { ...RS256, issuer: 'https://issuer', audience: 'sekisho' };

function identifierOf(...options: JwtProviderOptions[]) {
  const identifier = createIdentifier(
    options.map((one) => createJwtProvider(one)),
    { refusalMs: 0 },
  );
  return {
    bearer: (bearer: string) => identifier.identify({ token: undefined, bearer, apiKey: undefined }),
    token: (token: string) => identifier.identify({ token, bearer: undefined, apiKey: undefined }),
    [Symbol.dispose]: () => identifier.close(),
  };
}

test('a token becomes an identity, from either header', async () => {
  using gateway = identifierOf(STRICT);
  const wanted = {
    roles: ['Member'],
    tenantId: 't1',
    tenantName: 'one',
    domainId: 'default',
    domainName: 'default',
    scope: 'tenant',
    principal: 'jwt:ann',
  };
  const token = await sign();
  assert.deepEqual(await gateway.bearer(token), wanted);
  assert.equal(await gateway.token(token), await gateway.bearer(token), 'it is remembered');
});

const accepted: readonly (readonly [algorithm: string, key: KeyObject | Uint8Array, check: string])[] = [
  ['HS256', secret, SECRET],
  ['HS384', secret, SECRET],
  ['HS512', secret, SECRET],
  ['RS256', rsa.privateKey, pem(rsa.publicKey)],
  ['RS384', rsa.privateKey, pem(rsa.publicKey)],
  ['RS512', rsa.privateKey, pem(rsa.publicKey)],
  ['PS256', rsa.privateKey, pem(rsa.publicKey)],
  ['PS384', rsa.privateKey, pem(rsa.publicKey)],
  ['PS512', rsa.privateKey, pem(rsa.publicKey)],
  ['ES256', p256.privateKey, pem(p256.publicKey)],
  ['ES384', p384.privateKey, pem(p384.publicKey)],
  ['ES512', p521.privateKey, pem(p521.publicKey)],
  ['EdDSA', ed.privateKey, pem(ed.publicKey)],
];

for (const [algorithm, key, check] of accepted) {
  test(`accepted: ${algorithm}`, async () => {
    using gateway = identifierOf({ keys: [{ algorithm: algorithm as 'RS256', key: check }] });
    assert.equal((await gateway.bearer(await sign({ key, header: { alg: algorithm } }))).tenantId, 't1');
  });
}

/** What is sent to a gateway that takes RS256 of one key, from one issuer to one audience; and the reason of the refusal. */
const refused: readonly (readonly [name: string, reason: string, token: () => string | Promise<string>, options?: JwtProviderOptions])[] = [
  ['not a token', 'malformed', () => 'nonsense'],
  ['two parts', 'malformed', () => 'a.b'],
  ['four parts', 'malformed', () => 'a.b.c.d'],
  ['an encrypted token', 'malformed', () => 'a.b.c.d.e'],
  ['a header that is no JSON', 'malformed', () => `${Buffer.from('{').toString('base64url')}.e30.AA`],
  ['a header without alg', 'malformed', () => unsigned({ typ: 'JWT' }, CLAIMS, 'AA')],
  ['alg that is no text', 'malformed', () => unsigned({ alg: 5 }, CLAIMS, 'AA')],
  ['alg none', 'none_algorithm', () => unsigned({ alg: 'none' })],
  ['alg None', 'none_algorithm', () => unsigned({ alg: 'None' })],
  ['alg nOnE with a signature', 'none_algorithm', () => unsigned({ alg: 'nOnE' }, CLAIMS, 'AAAA')],
  ['the public key used as a secret', 'wrong_algorithm', () => sign({ header: { alg: 'HS256' }, key: Buffer.from(pem(rsa.publicKey)) })],
  ['another algorithm of the same key', 'wrong_algorithm', () => sign({ header: { alg: 'RS512' } })],
  ['PS256 for RS256', 'wrong_algorithm', () => sign({ header: { alg: 'PS256' } })],
  ['an algorithm that does not exist', 'wrong_algorithm', () => unsigned({ alg: 'RS1' }, CLAIMS, 'AA')],
  ['alg of Object.prototype', 'wrong_algorithm', () => unsigned({ alg: 'constructor' }, CLAIMS, 'AA')],
  ['another key', 'bad_signature', () => sign({ key: rsa2.privateKey })],
  ['no signature', 'bad_signature', () => unsigned({ alg: 'RS256' })],
  [
    'a changed payload',
    'bad_signature',
    async () => {
      const [header, , signature] = (await sign()).split('.');
      return `${header}.${encode({ ...CLAIMS, roles: ['admin'], exp: now() + 60 })}.${signature}`;
    },
  ],
  ['a changed header', 'bad_signature', async () => `${encode({ alg: 'RS256', x: 1 })}.${(await sign()).split('.').slice(1).join('.')}`],
  ['an embedded key (jwk)', 'bad_signature', async () => sign({ key: rsa2.privateKey, header: { jwk: await exportJWK(rsa2.publicKey) } })],
  ['a key at another place (jku)', 'bad_signature', () => sign({ key: rsa2.privateKey, header: { jku: 'http://127.0.0.1:1/' } })],
  [
    'an extension that is not known (crit)',
    'malformed',
    () => sign({ header: { crit: ['exp2'], exp2: 1 } }).catch(() => unsigned({ alg: 'RS256', crit: ['x'], x: 1 }, CLAIMS, 'AAAA')),
  ],
  ['expired', 'expired', () => sign({ claims: { exp: now() - 60 } })],
  ['expired long ago', 'expired', () => sign({ claims: { exp: 1 } })],
  ['without exp', 'missing_claim', () => sign({ claims: { exp: undefined } })],
  ['exp that is a text', 'missing_claim', () => sign({ claims: { exp: '9999999999' } })],
  ['not yet valid', 'not_yet_valid', () => sign({ claims: { nbf: now() + 60 } })],
  ['another issuer', 'wrong_issuer', () => sign({ claims: { iss: 'https://evil' } })],
  ['an issuer that begins alike', 'wrong_issuer', () => sign({ claims: { iss: 'https://issuer.evil' } })],
  ['no issuer', 'wrong_issuer', () => sign({ claims: { iss: undefined } })],
  ['another audience', 'wrong_audience', () => sign({ claims: { aud: 'else' } })],
  ['audiences without ours', 'wrong_audience', () => sign({ claims: { aud: ['a', 'b'] } })],
  ['no audience', 'wrong_audience', () => sign({ claims: { aud: undefined } })],
  ['for no tenant', 'unscoped', () => sign({ claims: { tenant_id: undefined } })],
  ['a tenant that is no text', 'unscoped', () => sign({ claims: { tenant_id: { $ne: '' } } })],
  ['an empty tenant', 'unscoped', () => sign({ claims: { tenant_id: ' ' } })],
  ['a scope that does not exist', 'unscoped', () => sign({ claims: { level: 'root' } }), { ...STRICT, claims: { scope: 'level' } }],
  ['longer than the provider takes', 'oversized', () => sign({ claims: { pad: 'x'.repeat(8000) } })],
  ['longer than anybody takes', 'oversized', () => `e30.${'A'.repeat(20_000)}.AA`],
  ['a kid of no key', 'unknown_kid', () => sign({ header: { kid: 'b' } }), { keys: [{ ...RS256.keys[0], kid: 'a' }] }],
  [
    'a payload that is no object',
    'malformed',
    async () => {
      const { CompactSign } = await import('jose');
      return new CompactSign(Buffer.from('[1]')).setProtectedHeader({ alg: 'RS256' }).sign(rsa.privateKey);
    },
  ],
];

for (const [name, reason, make, options = STRICT] of refused) {
  test(`refused: ${name}`, async () => {
    using gateway = identifierOf(options);
    await assert.rejects(gateway.bearer(await make()), (error: { code: string; status: number; reason: string; challenge: string }) => {
      assert.equal(error.reason, reason);
      assert.equal(error.code, 'IDENTITY_REQUIRED');
      assert.equal(error.status, 401);
      assert.equal(error.challenge, `Bearer realm="sekisho", error="invalid_token", error_description="${reason}"`);
      return true;
    });
  });
}

test('clocks may differ a little', async () => {
  using gateway = identifierOf({ ...STRICT, clockToleranceMs: 30_000 });
  await gateway.bearer(await sign({ claims: { exp: now() - 10 } }));
  await gateway.bearer(await sign({ claims: { nbf: now() + 10 } }));
});

test('a remembered token is refused once it expires', async () => {
  using gateway = identifierOf({ ...STRICT, clockToleranceMs: 0 });
  const token = await sign({ claims: { exp: now() + 1 } });
  await gateway.bearer(token);
  await until('it expires', () =>
    gateway.bearer(token).then(
      () => false,
      (error) => error.reason === 'expired',
    ),
  );
});

test('keys without kid are all tried, those with one only when it is theirs', async () => {
  const keys = [
    { algorithm: 'RS256', key: pem(rsa.publicKey) },
    { algorithm: 'RS256', key: pem(rsa2.publicKey), kid: 'two' },
    { algorithm: 'EdDSA', key: pem(ed.publicKey) },
  ] as const;
  using gateway = identifierOf({ keys });
  await gateway.bearer(await sign());
  await gateway.bearer(await sign({ key: rsa2.privateKey }));
  await gateway.bearer(await sign({ key: rsa2.privateKey, header: { kid: 'two' } }));
  await gateway.bearer(await sign({ key: ed.privateKey, header: { alg: 'EdDSA', kid: 'any' } }));
  await assert.rejects(gateway.bearer(await sign({ key: rsa2.privateKey, header: { kid: 'three' } })), { reason: 'bad_signature' });
});

test('claims are found by path, and roles mapped', async () => {
  const claims = {
    roles: 'realm_access.roles',
    tenantId: '/https:~1~1x.com~1tenant',
    domainId: 'org.id',
    scope: 'level',
    principal: 'email',
  };
  using gateway = identifierOf({ ...RS256, claims, roleMap: { editor: 'Member', root: 'admin' }, adminRoles: ['admin'] });
  const token = (extra: object) =>
    sign({
      claims: {
        roles: ['x'],
        realm_access: { roles: ['editor', 'other'] },
        'https://x.com/tenant': 42,
        org: { id: 'o1' },
        level: 'tenant',
        email: 'a@b',
        ...extra,
      },
    });
  const found = await gateway.bearer(await token({}));
  assert.deepEqual(
    [found.roles, found.tenantId, found.domainId, found.domainName, found.scope, found.principal],
    [['Member'], '42', 'o1', 'o1', 'tenant', 'jwt:a@b'],
  );
  assert.equal((await gateway.bearer(await token({ level: 'domain' }))).scope, 'domain');
  assert.equal((await gateway.bearer(await token({ realm_access: { roles: ['root'] } }))).scope, 'admin');
  assert.deepEqual((await gateway.bearer(await token({ realm_access: { roles: 'editor root' } }))).roles, ['Member', 'admin']);
  assert.deepEqual((await gateway.bearer(await token({ realm_access: undefined }))).roles, []);
});

test('empty options are no options', async () => {
  using gateway = identifierOf({ ...RS256, claims: { roles: '' }, roleMap: {}, adminRoles: [] });
  assert.deepEqual((await gateway.bearer(await sign())).roles, ['Member']);
});

test('claims do not reach into prototypes', async () => {
  using gateway = identifierOf({ ...RS256, claims: { tenantId: 'constructor.name' } });
  await assert.rejects(gateway.bearer(await sign()), { reason: 'unscoped' });
});

test('a tenant and domain for tokens that name none', async () => {
  using gateway = identifierOf({ ...RS256, defaultTenantId: 'main', defaultDomainId: 'dom' });
  const found = await gateway.bearer(await sign({ claims: { tenant_id: undefined, tenant_name: undefined } }));
  assert.deepEqual([found.tenantId, found.tenantName, found.domainId], ['main', 'main', 'dom']);
});

/** An issuer's key set, which can be exchanged and broken. */
async function startIssuer(): Promise<AsyncDisposable & { url: string; keys: JWK[]; status: number; asked: number }> {
  const server = createServer((_request, response) => {
    issuer.asked += 1;
    response.writeHead(issuer.status, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: issuer.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    keys: [] as JWK[],
    status: 200,
    asked: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}

const jwk = async (key: KeyObject, kid: string): Promise<JWK> => ({ ...(await exportJWK(key)), kid });

test('keys of a JWKS, which rotate', async () => {
  await using issuer = await startIssuer();
  issuer.keys = [await jwk(rsa.publicKey, 'one')];
  using gateway = identifierOf({ jwksUrl: issuer.url, jwksCooldownMs: 0 });
  const one = { header: { kid: 'one' } };
  await Promise.all(Array.from({ length: 10 }, async (_, i) => gateway.bearer(await sign({ ...one, claims: { i } }))));
  assert.equal(issuer.asked, 1, 'the set is asked for once');
  issuer.keys = [await jwk(rsa2.publicKey, 'two'), await jwk(ed.publicKey, 'three')];
  await gateway.bearer(await sign({ header: { kid: 'two' }, key: rsa2.privateKey }));
  await gateway.bearer(await sign({ header: { kid: 'three', alg: 'EdDSA' }, key: ed.privateKey }));
  await assert.rejects(gateway.bearer(await sign({ ...one, claims: { late: 1 } })), { reason: 'unknown_kid' });
});

test('a token without kid is checked with every key of the JWKS that fits', async () => {
  await using issuer = await startIssuer();
  issuer.keys = [await jwk(rsa.publicKey, 'one'), await jwk(rsa2.publicKey, 'two'), await jwk(ed.publicKey, 'three')];
  using gateway = identifierOf({ jwksUrl: issuer.url });
  for (const key of [rsa.privateKey, rsa2.privateKey]) assert.equal((await gateway.bearer(await sign({ key }))).tenantId, 't1');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await assert.rejects(gateway.bearer(await sign({ key: privateKey })), { reason: 'bad_signature' });
  assert.equal(issuer.asked, 1);
});

test('an issuer that signs with another key under the same name is asked for it', async () => {
  await using issuer = await startIssuer();
  issuer.keys = [await jwk(rsa.publicKey, 'same')];
  using gateway = identifierOf({ jwksUrl: issuer.url, jwksCooldownMs: 0 });
  const header = { kid: 'same' };
  await gateway.bearer(await sign({ header }));
  issuer.keys = [await jwk(rsa2.publicKey, 'same')];
  await gateway.bearer(await sign({ header, key: rsa2.privateKey }));
  assert.equal(issuer.asked, 2);
  await assert.rejects(gateway.bearer(await sign({ header, claims: { late: 1 } })), { reason: 'bad_signature' });
});

test('wrong signatures do not make an issuer be asked over and over', async () => {
  await using issuer = await startIssuer();
  issuer.keys = [await jwk(rsa.publicKey, 'one')];
  using gateway = identifierOf({ jwksUrl: issuer.url });
  for (let i = 0; i < 20; i += 1) {
    await assert.rejects(gateway.bearer(await sign({ header: { kid: 'one' }, key: rsa2.privateKey, claims: { i } })), {
      reason: 'bad_signature',
    });
  }
  assert.equal(issuer.asked, 1);
});

test('unknown keys do not make an issuer be asked over and over', async () => {
  await using issuer = await startIssuer();
  issuer.keys = [await jwk(rsa.publicKey, 'one')];
  using gateway = identifierOf({ jwksUrl: issuer.url });
  for (let i = 0; i < 20; i += 1) {
    await assert.rejects(gateway.bearer(await sign({ header: { kid: `evil-${i}` } })), { reason: 'unknown_kid' });
  }
  assert.equal(issuer.asked, 1);
});

test('a JWKS binds keys to algorithms of their type', async () => {
  await using issuer = await startIssuer();
  issuer.keys = [await jwk(rsa.publicKey, 'one')];
  using gateway = identifierOf({ jwksUrl: issuer.url, algorithms: ['RS256', 'ES256'] });
  await assert.rejects(gateway.bearer(await sign({ header: { kid: 'one', alg: 'ES256' }, key: p256.privateKey })), {
    reason: 'unknown_kid',
  });
  await assert.rejects(gateway.bearer(await sign({ header: { kid: 'one', alg: 'PS256' } })), { reason: 'wrong_algorithm' });
  await assert.rejects(gateway.bearer(await sign({ header: { kid: 'one', alg: 'HS256' }, key: Buffer.from(pem(rsa.publicKey)) })), {
    reason: 'wrong_algorithm',
  });
});

test('an issuer that is away: 503 before its keys are known, the known keys after', async () => {
  await using issuer = await startIssuer();
  issuer.keys = [await jwk(rsa.publicKey, 'one')];
  issuer.status = 500;
  using gateway = identifierOf({ jwksUrl: issuer.url, jwksMaxAgeMs: 20 });
  const [first, second] = [await sign({ header: { kid: 'one' } }), await sign({ header: { kid: 'one' }, claims: { jti: 'second' } })];
  for (const token of [first, second]) await assert.rejects(gateway.bearer(token), { code: 'IDENTITY_UNAVAILABLE' });
  assert.equal(issuer.asked, 1, 'it is not asked again at once');
  issuer.status = 200;
  await until('it is asked again', async () =>
    gateway.bearer(await sign({ header: { kid: 'one' } })).then(
      () => true,
      () => false,
    ),
  );
  const asked = issuer.asked;
  issuer.status = 500;
  await until('the set is old', async () => {
    await gateway.bearer(await sign({ header: { kid: 'one' }, claims: { jti: Math.random() } }));
    return issuer.asked > asked;
  });
});

for (const [name, options, detail] of [
  ['neither keys nor JWKS', {}, /either keys or jwks_url/],
  ['both', { ...RS256, jwksUrl: 'https://x' }, /either keys or jwks_url/],
  ['a JWKS over plain http', { jwksUrl: 'http://issuer.example/jwks' }, /plain http to issuer\.example/],
  ['a JWKS that is no URL', { jwksUrl: 'issuer' }, /must be an http\(s\) URL/],
  ['a secret from a JWKS', { jwksUrl: 'https://x', algorithms: ['HS256'] }, /no JWKS may hold/],
  ['an unknown algorithm', { jwksUrl: 'https://x', algorithms: ['none'] }, /unknown JWT algorithm "none"/],
  ['a short secret', { keys: [{ algorithm: 'HS256', key: 'short' }] }, /has 5 bytes; HS256 needs a secret of at least 32/],
  ['a public key as a secret', { keys: [{ algorithm: 'HS256', key: pem(rsa.publicKey) }] }, /needs a shared secret/],
  ['a key of another type', { keys: [{ algorithm: 'RS256', key: pem(ed.publicKey) }] }, /of type ed25519, but RS256 needs rsa/],
  ['a key on another curve', { keys: [{ algorithm: 'ES256', key: pem(p384.publicKey) }] }, /curve secp384r1, but ES256 needs prime256v1/],
  ['no key at all', { keys: [{ algorithm: 'ES256', key: 'x', kid: 'k' }] }, /the JWT key k is not a public key/],
] as const) {
  test(`configuration: ${name}`, () => {
    assert.throws(
      () => createJwtProvider(options),
      (error: { code: string; message: string }) => error.code === 'CONFIG_INVALID' && detail.test(error.message),
    );
  });
}

test('weak RSA keys are refused', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  assert.throws(() => readJwtKey('RS256', pem(weak.publicKey), 'k'), /has 1024 bits/);
});
