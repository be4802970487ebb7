import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { startAdmin } from '../../test/support/admin-server.ts';
import type { SekishoError } from '../lib/errors.ts';
import { compileAllowList } from './allow-list.ts';
import { assertSafeListen } from './safe-listen.ts';
import type { AdminAuthOptions, AdminOptions, JwtAlgorithm, JwtAuthOptions } from './types.ts';

type Headers = Record<string, string | string[]>;
/** What is tried, and the status that it gets. */
type Case = readonly [name: string, status: number, headers?: Headers, path?: string];

const basic = (text: string): Headers => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

/** Runs the cases against one server, each as a test of its own. */
function matrix(title: string, options: Partial<AdminOptions>, cases: readonly Case[]): void {
  test(title, async (t) => {
    await using admin = await startAdmin(options);
    for (const [name, status, headers = {}, path = '/healthz'] of cases) {
      await t.test(name, async () => {
        const answer = await admin.call('GET', path, undefined, headers);
        assert.equal(answer.status, status, answer.text);
        if (status === 401) assert.equal(answer.json().code, 'ADMIN_UNAUTHORIZED');
        if (status === 401) assert.match(answer.json().error, /^Unauthorized/);
      });
    }
  });
}

matrix(
  'basic',
  {
    auth: {
      method: 'basic',
      users: [
        { username: 'u', password: 'p' },
        { username: 'ünï', password: 'a:b' },
      ],
    },
  },
  [
    ['no credentials', 401],
    ['wrong password', 401, basic('u:x')],
    ['wrong user', 401, basic('x:p')],
    ['prefix of the password', 401, basic('u:')],
    ['password and more', 401, basic('u:pp')],
    ['right', 200, basic('u:p')],
    ['scheme in lower case', 200, { authorization: `basic ${Buffer.from('u:p').toString('base64')}` }],
    ['second user, UTF-8, colon in the password', 200, basic('ünï:a:b')],
    ['password of another user', 401, basic('u:a:b')],
    ['not base64', 401, { authorization: 'Basic ???' }],
    ['another scheme', 401, { authorization: `Bearer ${Buffer.from('u:p').toString('base64')}` }],
    ['empty', 401, { authorization: '' }],
    ['metrics and probes are no exception', 401, {}, '/metrics'],
    ['nor is an unknown path', 401, {}, '/nothing-here'],
  ],
);

test('basic asks with a challenge, key does not', async () => {
  await using asks = await startAdmin({ auth: { method: 'basic', users: [{ username: 'u', password: 'p' }] } });
  assert.equal((await asks.call('GET', '/')).headers['www-authenticate'], 'Basic realm="Access to DGate Admin API"');
  await using silent = await startAdmin({ auth: { method: 'key', keys: ['k'] } });
  assert.equal((await silent.call('GET', '/')).headers['www-authenticate'], undefined);
});

matrix('key in the default header', { auth: { method: 'key', keys: ['k1', 'k2-long'] } }, [
  ['none', 401],
  ['first', 200, { 'x-dgate-key': 'k1' }],
  ['second', 200, { 'X-DGate-Key': 'k2-long' }],
  ['wrong', 401, { 'x-dgate-key': 'k3' }],
  ['prefix', 401, { 'x-dgate-key': 'k2' }],
  ['empty', 401, { 'x-dgate-key': '' }],
  ['in the query', 401, {}, '/healthz?X-DGate-Key=k1'],
  ['in Authorization', 401, { authorization: 'k1' }],
]);

matrix('key in a header of one’s own', { auth: { method: 'key', keys: ['k1'], headerName: 'X-Mine' } }, [
  ['there', 200, { 'x-mine': 'k1' }],
  ['in the default one', 401, { 'x-dgate-key': 'k1' }],
]);

matrix('key in the query', { auth: { method: 'key', keys: ['k 1'], queryParamName: 'key' } }, [
  ['there', 200, {}, '/healthz?key=k%201'],
  ['beside other parameters', 200, {}, '/api/v1/service?namespace=default&key=k+1'],
  ['wrong', 401, {}, '/healthz?key=k'],
  ['in the header', 401, { 'x-dgate-key': 'k 1' }],
]);

const SECRET = 'a secret that is long enough for every HMAC in this test, really: 64 bytes';
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

interface TokenOptions {
  readonly algorithm?: string;
  readonly key?: KeyObject | Uint8Array;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A token that is good for a minute, unless `claims` say otherwise. */
function token({ algorithm = 'HS256', key = Buffer.from(SECRET), claims = {} }: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ sub: 'ann', exp: now + 60, ...claims }).setProtectedHeader({ alg: algorithm }).sign(key);
}

const bearer = (text: string): Headers => ({ authorization: `Bearer ${text}` });
const HS256: JwtAuthOptions = { method: 'jwt', algorithm: 'HS256', key: SECRET };
const now = Math.floor(Date.now() / 1000);
const [head, payload, signature] = (await token()).split('.');
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

matrix('jwt with a shared secret', { auth: HS256 }, [
  ['none', 401],
  ['right', 200, bearer(await token())],
  ['twice: from the cache', 200, bearer(`${head}.${payload}.${signature}`)],
  ['scheme in lower case', 200, { authorization: `bearer ${await token()}` }],
  ['without a scheme', 200, { authorization: await token() }],
  ['without exp', 200, bearer(await token({ claims: { exp: undefined } }))],
  ['expired', 401, bearer(await token({ claims: { exp: now - 10 } }))],
  ['not yet valid', 401, bearer(await token({ claims: { nbf: now + 60 } }))],
  ['already valid', 200, bearer(await token({ claims: { nbf: now - 60 } }))],
  ['another secret', 401, bearer(await token({ key: Buffer.from(`${SECRET}x`) }))],
  ['another algorithm of the same secret', 401, bearer(await token({ algorithm: 'HS512' }))],
  ['alg none', 401, bearer(`${encode({ alg: 'none' })}.${payload}.`)],
  ['alg none with the signature', 401, bearer(`${encode({ alg: 'none' })}.${payload}.${signature}`)],
  ['changed claims', 401, bearer(`${head}.${encode({ sub: 'root', exp: now + 60 })}.${signature}`)],
  ['cut signature', 401, bearer(`${head}.${payload}.${signature?.slice(0, -2)}`)],
  ['rubbish', 401, bearer('a.b.c')],
  ['basic credentials', 401, basic('u:p')],
]);

const PAIRS: readonly (readonly [JwtAlgorithm, { readonly publicKey: KeyObject; readonly privateKey: KeyObject }])[] = [
  ['RS256', rsa],
  ['RS384', rsa],
  ['RS512', rsa],
  ['PS256', rsa],
  ['PS384', rsa],
  ['PS512', rsa],
  ['ES256', ec],
  ['ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['ES512', generateKeyPairSync('ec', { namedCurve: 'P-521' })],
];
for (const [algorithm, pair] of PAIRS) {
  matrix(`jwt ${algorithm}`, { auth: { method: 'jwt', algorithm, key: pem(pair.publicKey) } }, [
    ['right', 200, bearer(await token({ algorithm, key: pair.privateKey }))],
    // The classic: the public key is known, and an HMAC with it would pass where the token chooses the algorithm.
    ['signed with the public key as a shared secret', 401, bearer(await token({ key: Buffer.from(pem(pair.publicKey)) }))],
    [
      'signed by somebody else',
      401,
      bearer(await token({ algorithm: 'ES256', key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey })),
    ],
  ]);
}
for (const algorithm of ['HS384', 'HS512'] as const) {
  matrix(`jwt ${algorithm}`, { auth: { method: 'jwt', algorithm, key: SECRET } }, [['right', 200, bearer(await token({ algorithm }))]]);
}

matrix(
  'jwt in a header of one’s own, with issuer and audience',
  { auth: { ...HS256, headerName: 'X-Token', issuer: 'me', audience: 'sekisho' } },
  [
    ['right', 200, { 'x-token': await token({ claims: { iss: 'me', aud: ['sekisho', 'b'] } }) }],
    ['wrong issuer', 401, { 'x-token': await token({ claims: { iss: 'you', aud: 'sekisho' } }) }],
    ['wrong audience', 401, { 'x-token': await token({ claims: { iss: 'me', aud: 'else' } }) }],
    ['in Authorization', 401, bearer(await token({ claims: { iss: 'me', aud: 'sekisho' } }))],
  ],
);

test('a remembered token is refused when it has expired', async () => {
  await using admin = await startAdmin({ auth: HS256 });
  const short = bearer(await token({ claims: { exp: Math.floor(Date.now() / 1000) + 1 } }));
  const first = await admin.call('GET', '/healthz', undefined, short);
  assert.ok([200, 401].includes(first.status));
  const end = Date.now() + 60_000;
  while ((await admin.call('GET', '/healthz', undefined, short)).status !== 401) assert.ok(Date.now() < end, 'still admitted');
});

test('keys that cannot work are refused when the API is made', async () => {
  const bad: readonly AdminAuthOptions[] = [
    { method: 'jwt', algorithm: 'RS256', key: SECRET },
    { method: 'jwt', algorithm: 'RS256', key: pem(ec.publicKey) },
    { method: 'jwt', algorithm: 'ES256', key: pem(rsa.publicKey) },
    { method: 'jwt', algorithm: 'ES384', key: pem(ec.publicKey) },
    { method: 'jwt', algorithm: 'HS256', key: '' },
  ];
  for (const auth of bad)
    await assert.rejects(
      startAdmin({ auth }),
      (error: SekishoError) => error.code === 'CONFIG_INVALID' && error.message.includes('admin.jwt_auth.'),
    );
});

matrix('allow list', { allowList: ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'], forwardedForDepth: 1 }, [
  ['the peer is not in it', 401],
  ['address in a range', 200, { 'x-forwarded-for': '10.1.2.3' }],
  ['exact address', 200, { 'x-forwarded-for': '192.0.2.7' }],
  ['neighbour of the exact address', 401, { 'x-forwarded-for': '192.0.2.8' }],
  ['v6 in a range', 200, { 'x-forwarded-for': '2001:db8::1' }],
  ['v6 in brackets', 200, { 'x-forwarded-for': '[2001:db8::1]' }],
  ['v6 outside', 401, { 'x-forwarded-for': '2001:db9::1' }],
  ['v4 inside v6', 200, { 'x-forwarded-for': '::ffff:10.0.0.1' }],
  ['the last of a list counts', 200, { 'x-forwarded-for': '203.0.113.1, 10.0.0.1' }],
  ['not the first', 401, { 'x-forwarded-for': '10.0.0.1, 203.0.113.1' }],
  ['several lines are one list', 401, { 'x-forwarded-for': ['10.0.0.1', '203.0.113.1'] }],
  ['rubbish', 400, { 'x-forwarded-for': 'unknown' }],
]);

matrix('allow list behind two proxies', { allowList: ['10.0.0.1'], forwardedForDepth: 2 }, [
  ['second from the end', 200, { 'x-forwarded-for': '203.0.113.1, 10.0.0.1, 203.0.113.2' }],
  ['clamped to the first', 200, { 'x-forwarded-for': '10.0.0.1' }],
]);

matrix('allow list of peers', { allowList: ['127.0.0.1'] }, [
  ['the peer is in it', 200],
  ['the header does not count', 200, { 'x-forwarded-for': '203.0.113.1' }],
]);

test('a refused address gets no challenge, and hears why only when debugging', async () => {
  await using admin = await startAdmin({ allowList: ['10.0.0.1'], auth: { method: 'basic', users: [{ username: 'u', password: 'p' }] } });
  const answer = await admin.call('GET', '/', undefined, basic('u:p'));
  assert.deepEqual([answer.status, answer.json().error, answer.headers['www-authenticate']], [401, 'Unauthorized', undefined]);
  await using debug = await startAdmin({ allowList: ['10.0.0.1'], debug: true });
  assert.equal((await debug.call('GET', '/')).json().error, 'Unauthorized IP Address: 127.0.0.1');
});

test('bad entries of the allow list are named', () => {
  for (const entry of ['a.b', '10.0.0.0/33', '10.0.0.0/', '::/129', '1.2.3.4/x', '']) {
    assert.throws(
      () => compileAllowList([entry]),
      (error: SekishoError) => error.code === 'CONFIG_INVALID' && error.message.includes(`admin.allow_list: ${entry}`),
    );
  }
});

const at = (host: string, extra: Headers = {}): Headers => ({ host, ...extra });

matrix('browsers, without credentials', { allowedHosts: ['admin.example'], listenHost: 'gw.internal' }, [
  ['by address', 200, at('127.0.0.1:9080')],
  ['by another address: it cannot be rebound', 200, at('192.0.2.1:9080')],
  ['by v6 literal', 200, at('[::1]:9080')],
  ['localhost', 200, at('localhost:9080')],
  ['name under localhost', 200, at('gw.localhost')],
  ['allowed name', 200, at('Admin.Example:9080')],
  ['name of the listener', 200, at('gw.internal')],
  ['foreign name: rebinding', 403, at('evil.example:9080')],
  ['name that ends like ours', 403, at('evil-admin.example')],
  ['page of its own', 200, at('localhost:9080', { origin: 'http://localhost:9080' })],
  ['page of its own behind TLS', 200, at('admin.example', { origin: 'https://admin.example' })],
  ['default port said and unsaid', 200, at('admin.example:443', { origin: 'https://admin.example' })],
  ['page of another port', 403, at('localhost:9080', { origin: 'http://localhost:3000' })],
  ['page of another host', 403, at('localhost:9080', { origin: 'https://evil.example' })],
  ['sandboxed page', 403, at('localhost:9080', { origin: 'null' })],
  ['rubbish origin', 403, at('localhost:9080', { origin: 'localhost:9080' })],
  ['cross-site navigation', 403, at('localhost:9080', { 'sec-fetch-site': 'cross-site' })],
  ['typed into the address bar', 200, at('localhost:9080', { 'sec-fetch-site': 'none' })],
  ['own page sends a form', 403, at('localhost:9080', { origin: 'http://localhost:9080', 'content-type': 'text/plain;charset=utf-8' })],
  ['own page sends JSON', 200, at('localhost:9080', { origin: 'http://localhost:9080', 'content-type': 'application/json' })],
]);

matrix('browsers, with credentials', { auth: { method: 'key', keys: ['k'] } }, [
  ['any host: who knows the key may', 200, at('gateway.example', { 'x-dgate-key': 'k' })],
  ['but foreign pages may not', 403, at('gateway.example', { 'x-dgate-key': 'k', origin: 'https://evil.example' })],
]);

test('what the principal is called', async () => {
  const put = { name: 'n' };
  const author = async (auth: AdminAuthOptions, headers: Headers): Promise<string> => {
    await using admin = await startAdmin({ auth });
    assert.equal((await admin.call('PUT', '/api/v1/namespace', put, headers)).status, 201);
    return (await admin.call('GET', '/api/v1/history?limit=1', undefined, headers)).json().data[0].author;
  };
  assert.equal(await author({ method: 'none' }, {}), 'admin');
  assert.equal(await author({ method: 'basic', users: [{ username: 'ann', password: 'p' }] }, basic('ann:p')), 'basic:ann');
  assert.match(await author({ method: 'key', keys: ['secret-key'] }, { 'x-dgate-key': 'secret-key' }), /^key:[0-9a-f]{8}$/);
  assert.equal(await author(HS256, bearer(await token())), 'jwt:ann');
  assert.equal(await author(HS256, bearer(await token({ claims: { sub: 'a\nb' } }))), 'jwt:a?b');
});

test('listening beyond this machine needs credentials', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', '[::1]', 'localhost'])
    assert.doesNotThrow(() => assertSafeListen(host, 'none'), host);
  for (const host of ['', '0.0.0.0', '::', '192.168.0.1', 'gateway.example', '128.0.0.1']) {
    assert.throws(
      () => assertSafeListen(host, 'none'),
      (error: SekishoError) => error.code === 'CONFIG_INVALID',
      host,
    );
    assert.doesNotThrow(() => assertSafeListen(host, 'basic'), host);
  }
});
