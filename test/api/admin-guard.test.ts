import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import type { Answer } from '../support/client.ts';
import { type Gateway, SEKISHO_BIN, startGateway } from '../support/gateway.ts';

const HMAC_SECRET = 'a secret of more than sixty-four bytes, so that it is long enough for HS512 as well';
const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

interface Keys {
  readonly sign: KeyObject | Uint8Array;
  /** `admin.jwt_auth` beside the algorithm. */
  readonly settings: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
}

const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** A key of the algorithm; half of them as a file, half as text. */
function makeKeys(algorithm: string): Keys {
  const isFile = algorithm.endsWith('384');
  if (algorithm.startsWith('HS')) {
    const settings = isFile ? { secret_file: 'key.txt' } : { key: HMAC_SECRET };
    return { sign: new TextEncoder().encode(HMAC_SECRET), settings, files: isFile ? { 'key.txt': `${HMAC_SECRET}\n` } : {} };
  }
  const pair = algorithm.startsWith('ES') ? generateKeyPairSync('ec', { namedCurve: CURVES[algorithm] ?? '' }) : RSA;
  const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return {
    sign: pair.privateKey,
    settings: isFile ? { public_key_file: 'key.pem' } : { public_key: pem },
    files: isFile ? { 'key.pem': pem } : {},
  };
}

const sign = (algorithm: string, key: Keys['sign'], expires = '1h'): Promise<string> =>
  new SignJWT({}).setProtectedHeader({ alg: algorithm }).setSubject('ann').setExpirationTime(expires).sign(key);

const status = async (gateway: Gateway, headers: Record<string, string> = {}, path = '/healthz'): Promise<number> =>
  (await gateway.admin('GET', path, undefined, headers)).status;

/** `startGateway` waits for /readyz to answer anything but 503, so one that asks for credentials is ready as well. */
const startGuarded = (admin: Readonly<Record<string, unknown>>, files: Readonly<Record<string, string>> = {}): Promise<Gateway> =>
  startGateway({ config: { admin }, files });

for (const algorithm of ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']) {
  test(`jwt with ${algorithm}`, async () => {
    const keys = makeKeys(algorithm);
    await using gateway = await startGuarded({ auth_method: 'jwt', jwt_auth: { algorithm, ...keys.settings } }, keys.files);
    const token = await sign(algorithm, keys.sign);
    assert.equal(await status(gateway), 401);
    assert.equal(await status(gateway, { authorization: `Bearer ${token}` }), 200);
    assert.equal(await status(gateway, { authorization: `Bearer ${token.slice(0, -8)}AAAAAAAA` }), 401);
    assert.equal(await status(gateway, { authorization: `Bearer ${await sign(algorithm, keys.sign, '-1s')}` }), 401);
    const [head = '', claims = ''] = [{ alg: 'none' }, { sub: 'eve' }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    assert.equal(await status(gateway, { authorization: `Bearer ${head}.${claims}.` }), 401);
    if (!algorithm.startsWith('HS')) {
      const publicText = new TextEncoder().encode(keys.settings['public_key'] ?? keys.files['key.pem']);
      const confused = await sign('HS256', publicText);
      assert.equal(await status(gateway, { authorization: `Bearer ${confused}` }), 401, 'the public key is no shared secret');
    }
    await gateway.admin('PUT', '/api/v1/namespace', { name: 'n' }, { authorization: `Bearer ${token}` });
    const history = await gateway.admin('GET', '/api/v1/history', undefined, { authorization: `Bearer ${token}` });
    assert.equal(history.json().data[0].author, 'jwt:ann');
  });
}

test('keys: in the default header, in one of its own, in the query; the command line sends both headers', async () => {
  const run = (gateway: Gateway, ...words: readonly string[]): number | null =>
    spawnSync(SEKISHO_BIN, ['--admin', gateway.adminUrl, ...words, 'ns', 'ls'], { encoding: 'utf8' }).status;
  await using plain = await startGuarded({ auth_method: 'key', key_auth: { keys: ['k1', 'k2'] } });
  assert.deepEqual(
    await Promise.all(
      [{}, { 'x-dgate-key': 'k' }, { 'x-dgate-key': 'k1' }, { 'x-dgate-key': 'k2' }].map((headers) => status(plain, headers)),
    ),
    [401, 401, 200, 200],
  );
  assert.equal(run(plain, '--api-key', 'k2'), 0);
  assert.equal(run(plain, '--api-key', 'no'), 1);

  await using named = await startGuarded({ auth_method: 'key', key_auth: { keys: ['k1'], header_name: 'X-Mine' } });
  assert.equal(await status(named, { 'x-dgate-key': 'k1' }), 401);
  assert.equal(await status(named, { 'x-mine': 'k1' }), 200);
  assert.equal(run(named, '--api-key', 'k1'), 1);
  assert.equal(run(named, '--api-key', 'k1', '--api-key-header', 'X-Mine'), 0);

  await using queried = await startGuarded({ auth_method: 'key', key_auth: { keys: ['k 1'], query_param_name: 'token' } });
  assert.equal(await status(queried, { 'x-dgate-key': 'k 1' }), 401);
  assert.equal(await status(queried, {}, '/api/v1/service?token=k%201&namespace=default'), 200);
  assert.equal(await status(queried, {}, '/api/v1/service?token=k&namespace=default'), 401);
  await queried.stop();
  assert.ok(!/k( |%20)1/.test(queried.log()), 'the log has no key');
});

test('no path is without its guard, and a refusal tells nothing', async () => {
  const users = [
    { username: 'u', password: 'p' },
    { username: 'ü', password: 'p:ß' },
  ];
  await using gateway = await startGuarded({ auth_method: 'basic', basic_auth: { users } });
  for (const path of ['/', '/healthz', '/readyz', '/metrics', '/openapi.json', '/changelog', '/api/v1/namespace', '/nothing/here']) {
    const answer = await gateway.admin('GET', path);
    assert.deepEqual(
      [answer.status, answer.headers['www-authenticate'], answer.json().error],
      [401, 'Basic realm="Access to DGate Admin API"', 'Unauthorized'],
      path,
    );
  }
  const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
  assert.deepEqual(
    await Promise.all(['u:p', 'ü:p:ß', 'u:', 'u', ':p', 'u:p:ß', 'U:p'].map((pair) => status(gateway, basic(pair)))),
    [200, 200, 401, 401, 401, 401, 401],
  );
});

test('allow_list: by the socket, or by the entry of X-Forwarded-For that the depth names', async () => {
  const allow_list = ['10.0.0.0/8', '2001:db8::/32'];
  await using direct = await startGuarded({ allow_list });
  const ask = (gateway: Gateway, forwarded: string): Promise<Answer> =>
    gateway.admin('GET', '/healthz', undefined, forwarded === '' ? {} : { 'x-forwarded-for': forwarded });
  assert.equal((await ask(direct, '')).status, 401);
  assert.equal((await ask(direct, '10.1.1.1')).status, 401, 'without a depth the field is not believed');

  await using behind = await startGuarded({ allow_list, x_forwarded_for_depth: 1 });
  const cases: readonly (readonly [string, number])[] = [
    ['10.1.1.1', 200],
    ['9.9.9.9, 10.1.1.1', 200],
    ['10.1.1.1, 9.9.9.9', 401],
    ['10.1.1.1,9.9.9.9', 401],
    ['2001:db8::1', 200],
    ['2001:db9::1', 401],
    ['::ffff:10.1.1.1', 200],
    ['10.1.1.1, junk', 400],
    ['', 401],
  ];
  for (const [forwarded, want] of cases) assert.equal((await ask(behind, forwarded)).status, want, forwarded);
  const refusal = await ask(behind, '9.9.9.9');
  assert.deepEqual([refusal.json().error, refusal.headers['www-authenticate']], ['Unauthorized', undefined]);
});

test('a page of another site and a name that was rebound reach nothing; other names only when they are allowed', async () => {
  await using gateway = await startGuarded({ allowed_hosts: ['gw.internal'] });
  const port = gateway.ports.admin;
  const own = `127.0.0.1:${port}`;
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{ host: own }, 200],
    [{ host: `localhost:${port}` }, 200],
    [{ host: `[::1]:${port}` }, 200],
    [{ host: 'gw.internal' }, 200],
    [{ host: `GW.internal:${port}` }, 200],
    [{ host: `evil.test:${port}` }, 403],
    [{ host: `localhost.evil.test:${port}` }, 403],
    [{ host: own, origin: `http://${own}` }, 200],
    [{ host: own, origin: 'https://evil.test' }, 403],
    [{ host: own, origin: 'null' }, 403],
    [{ host: own, origin: `http://127.0.0.1:${port + 1}` }, 403],
    [{ host: own, 'sec-fetch-site': 'cross-site' }, 403],
    [{ host: own, 'sec-fetch-site': 'same-origin' }, 200],
  ];
  for (const [headers, want] of cases) {
    const answer = await gateway.admin('GET', '/api/v1/namespace', undefined, headers);
    assert.equal(answer.status, want, JSON.stringify(headers));
    if (want === 403) assert.equal(answer.json().code, 'ADMIN_FORBIDDEN_ORIGIN');
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  }
  const form = { host: own, origin: `http://${own}`, 'content-type': 'text/plain' };
  assert.equal((await gateway.admin('PUT', '/api/v1/namespace', { name: 'n' }, form)).status, 403);
  assert.equal((await gateway.admin('GET', '/api/v1/namespace/n')).status, 404);
});
