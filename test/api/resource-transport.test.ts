import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';

const DOMAIN_KEY = 'a-key-of-one-domain-0123456789';

const SCHEMAS = `
policies:
- {id: look, action: read, principal: Nobody, resource: {path: '^/t/boards.*', properties: [id, name]}}
- {id: homes, action: '*', principal: Member, condition: [is_owner], resource: {path: '^/t/homes.*'}}
schemas:
${schema('thing', [property('name', 'string')])}
${schema('board', [property('name', 'string'), property('secret', '[string, "null"]')])}
${schema('home', [property('tenant_id', 'string'), property('domain_id', 'string')])}
`;

describe('paths, credentials and methods of the REST API', () => {
  let gateway: Gateway;
  before(async () => {
    gateway = await startGateway({
      config: {
        log_level: 'warn',
        database: { connection: './data.db' },
        schemas: ['./schemas.yaml'],
        keystone: { fake: true },
        identity: {
          api_keys: [{ name: 'domain', key: DOMAIN_KEY, roles: ['Member'], tenant_id: 'none', domain_id: 'east', scope: 'domain' }],
        },
      },
      files: { 'schemas.yaml': SCHEMAS },
    });
  });
  after(async () => gateway[Symbol.asyncDispose]());

  const call = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: unknown): Promise<Answer> =>
    ask(gateway.proxyUrl + path, { method, headers, body });
  const ADMIN = { 'x-auth-token': 'admin_token' };

  test('a slash or .json at the end of a path means nothing', async () => {
    assert.equal((await call('POST', '/t/things.json', ADMIN, { id: 'a', name: 'x' })).status, 201);
    for (const path of ['/t/things/a', '/t/things/a/', '/t/things/a.json']) {
      assert.equal((await call('GET', path, ADMIN)).json().thing.id, 'a', path);
    }
    assert.equal((await call('GET', '/t/things/', ADMIN)).json().things.length, 1);
  });

  test('ids may need escapes', async () => {
    for (const id of ['a b', 'ü', 'a/b', 'a?b#c', '100%']) {
      const made = await call('POST', '/t/things', ADMIN, { id, name: 'x' });
      const { location } = made.headers;
      assert.equal((await call('GET', String(location), ADMIN)).json().thing.id, id);
      assert.equal((await call('DELETE', String(location), ADMIN)).status, 204, id);
    }
  });

  test('the header wins over the cookie; an empty header is none', async () => {
    const status = async (headers: Readonly<Record<string, string>>): Promise<number> => (await call('GET', '/t/things', headers)).status;
    assert.equal(await status({ cookie: 'a=b; Auth-Token=admin_token; c=d' }), 200);
    assert.equal(await status({ 'x-auth-token': '', cookie: 'Auth-Token=admin_token' }), 200);
    assert.equal(await status({ 'x-auth-token': 'wrong', cookie: 'Auth-Token=admin_token' }), 401);
    assert.equal(await status({ 'x-auth-token': 'admin_token', cookie: 'Auth-Token=wrong' }), 200);
    assert.equal(await status({ cookie: 'Auth-Token=wrong' }), 401);
  });

  test('a cookie does not write for the page of another site', async () => {
    const cookie = 'Auth-Token=admin_token';
    const own = gateway.proxyUrl;
    const write = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await call('PUT', '/t/things/by-cookie', { cookie, ...headers }, { name: 'x' })).status;
    assert.equal(await write({ origin: 'https://evil.test' }), 401);
    assert.equal(await write({ origin: 'null' }), 401);
    assert.equal(await write({ 'sec-fetch-site': 'cross-site' }), 401);
    assert.equal(await write({ 'sec-fetch-site': 'same-site', origin: own }), 401);
    assert.equal(await write({}), 201, 'no browser');
    assert.equal(await write({ origin: own }), 200);
    assert.equal(await write({ 'sec-fetch-site': 'same-origin', origin: 'https://proxied.test' }), 200);
    assert.equal(await write({ origin: 'https://evil.test', 'x-auth-token': 'admin_token' }), 200, 'a header is no cookie');
    assert.equal((await call('GET', '/t/things', { cookie, origin: 'https://evil.test' })).status, 200);
  });

  test('OPTIONS needs no credentials, and methods that are not there are named', async () => {
    const options = await call('OPTIONS', '/t/things/a', {});
    assert.deepEqual([options.status, options.text, options.headers['content-type']], [200, '', undefined]);
    const nowhere = await call('OPTIONS', '/nowhere', {});
    assert.deepEqual([nowhere.status, nowhere.text, nowhere.headers.allow], [200, '', 'OPTIONS']);
    for (const [method, path] of [
      ['DELETE', '/t/things'],
      ['PUT', '/t/things'],
      ['POST', '/t/things/a'],
      ['POST', '/_all'],
    ] as const) {
      const answer = await call(method, path, ADMIN, method === 'DELETE' ? undefined : {});
      assert.equal(answer.status, 405, `${method} ${path}`);
      assert.match(String(answer.headers.allow), /GET/);
    }
  });

  test('whoever is not identified is asked who it is; whoever is learns what it may not', async () => {
    await call('POST', '/t/boards', ADMIN, { id: 'a', name: 'x' });
    assert.deepEqual((await call('GET', '/t/boards/a', {})).json(), { board: { id: 'a', name: 'x' } });
    assert.equal((await call('GET', '/t/boards/none', {})).status, 404);
    for (const [method, path, body] of [
      ['POST', '/t/boards', { name: 'x' }],
      ['PUT', '/t/boards/a', { name: 'x' }],
      ['PATCH', '/t/boards/a', { name: 'x' }],
      ['DELETE', '/t/boards/a', undefined],
      ['GET', '/t/things', undefined],
      ['GET', '/gohan/v0.1/schemas', undefined],
    ] as const) {
      const refused = await call(method, path, {}, body);
      assert.deepEqual([refused.status, refused.json().code], [401, 'IDENTITY_REQUIRED'], `${method} ${path}: ${refused.text}`);
      assert.match(String(refused.headers['www-authenticate']), /^Bearer /);
      const { status } = await call(method, path, { 'x-auth-token': 'demo_token' }, body);
      assert.equal(status, 403, `${method} ${path}`);
    }
    assert.match((await call('POST', '/t/boards', {}, { name: 'x' })).json().error, /^No matching policy: create \/t\/boards/);
  });

  test('caches keep the answers of different callers apart', async () => {
    for (const path of ['/t/things', '/t/things/none', '/gohan/v0.1/version']) {
      const { headers } = await call('GET', path, ADMIN);
      assert.deepEqual(
        [headers['cache-control'], headers['vary']],
        ['private, no-cache', 'X-Auth-Token, Authorization, X-API-Key, Cookie'],
      );
    }
  });

  test('query keys that mean nothing are refused by writes too', async () => {
    for (const [method, path] of [
      ['POST', '/t/things?colour=red'],
      ['PUT', '/t/things/a?colour=red'],
      ['DELETE', '/t/things/a?colour=red'],
      ['GET', '/t/things/a?colour=red'],
    ] as const) {
      const answer = await call(method, path, ADMIN, method === 'POST' || method === 'PUT' ? { name: 'x' } : undefined);
      assert.deepEqual([answer.status, answer.json().code], [400, 'QUERY_INVALID'], `${method} ${path}`);
    }
    assert.equal((await call('GET', '/t/things/a', ADMIN)).status, 200);
  });

  test('a caller of a whole domain names the tenant, and stays in its domain', async () => {
    const key = { 'x-api-key': DOMAIN_KEY };
    const nameless = await call('POST', '/t/homes', key, {});
    assert.deepEqual([nameless.status, nameless.json().error], [400, 'A non-empty tenant_id should be provided in the request']);
    const made = await call('POST', '/t/homes', key, { id: 'h', tenant_id: 'any' });
    assert.deepEqual(made.json().home, { id: 'h', tenant_id: 'any', domain_id: 'east' });
    assert.equal((await call('POST', '/t/homes', key, { tenant_id: 'any', domain_id: 'west' })).status, 403);
    assert.equal((await call('POST', '/t/homes', { 'x-auth-token': 'demo_token' }, { id: 'w' })).json().home.domain_id, 'default');
    assert.deepEqual((await call('GET', '/t/homes', key)).json().homes, [made.json().home]);
    assert.equal((await call('GET', '/t/homes/w', key)).status, 404);
  });
});
