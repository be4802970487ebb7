import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { property, schema } from '../support/models.ts';
import { findFreePorts } from '../support/ports.ts';
import { until } from '../support/until.ts';

const GROUPS = `
namespaces:
- {id: shop, name: Shop, description: top, prefix: shop}
- {id: shop_v1, parent: shop, name: v1, description: version 1, prefix: v1.0}
`;

function schemaFile(properties: readonly string[], more: readonly string[] = []): string {
  return [GROUPS, 'schemas:', schema('thing', properties), ...more].join('\n');
}

const CONFIG = { log_level: 'info', database: { connection: './data.db' }, schemas: ['./schemas.yaml'], keystone: { fake: true } };

interface Explanation {
  readonly outcome: string;
  readonly schema?: { readonly reason: string };
}

function api(gateway: Gateway, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return ask(gateway.proxyUrl + path, { method, body, headers: { 'x-auth-token': 'admin_token', ...headers } });
}

describe('data models beside the rest of the gateway', () => {
  test('schema files are followed: what fits is served, what does not is told, and the last good set serves on', async () => {
    await using gateway = await startGateway({ config: CONFIG, files: { 'schemas.yaml': schemaFile([property('name', 'string')]) } });
    await api(gateway, 'POST', '/t/things', { id: 'a', name: 'x' });

    gateway.write('schemas.yaml', schemaFile([property('name', 'string'), property('size', '[integer, "null"]')], [schema('other', [])]));
    await until('the new schema is served', async () => (await api(gateway, 'GET', '/t/others')).status === 200);
    assert.deepEqual((await api(gateway, 'GET', '/t/things/a')).json().thing, { id: 'a', name: 'x', size: null });
    assert.equal((await api(gateway, 'PUT', '/t/things/a', { size: 3 })).json().thing.size, 3);

    gateway.write('schemas.yaml', schemaFile([property('name', 'strange')]));
    await until('the invalid file is told', () => Promise.resolve(gateway.log().includes('SCHEMA_INVALID')));
    assert.match(gateway.log(), /schemas\.yaml:\d+:\d+/);
    assert.equal((await api(gateway, 'GET', '/t/things/a')).json().thing.size, 3);

    gateway.write('schemas.yaml', schemaFile([property('name', 'integer'), property('size', '[integer, "null"]')]));
    await until('the incompatible file is told', () => Promise.resolve(gateway.log().includes('MIGRATION_NEEDED')));
    assert.equal((await api(gateway, 'GET', '/t/things/a')).json().thing.name, 'x');

    gateway.write(
      'schemas.yaml',
      schemaFile([property('name', 'string'), property('size', '[integer, "null"]'), property('hue', '[string, "null"]')]),
    );
    await until('the repaired file is served', async () => 'hue' in (await api(gateway, 'GET', '/t/things/a')).json().thing);
  });

  test('resources outlive the process', async () => {
    await using gateway = await startGateway({ config: CONFIG, files: { 'schemas.yaml': schemaFile([property('name', 'string')]) } });
    const made = await api(gateway, 'POST', '/t/things', { id: 'a', name: 'x' });
    await gateway.kill();
    await gateway.restart();
    const shown = await api(gateway, 'GET', '/t/things/a');
    assert.deepEqual([shown.json(), shown.headers['etag']], [made.json(), made.headers['etag']]);
  });

  test('a route wins over a schema, and other namespaces have no schemas', async () => {
    const config = {
      ...CONFIG,
      proxy: {
        init_resources: {
          namespaces: [{ name: 'other' }],
          domains: [{ name: 'other', namespace: 'other', patterns: ['other.test'] }],
          services: [{ name: 'echo', namespace: 'default', urls: ['http://127.0.0.1:1'] }],
          routes: [{ name: 'over', namespace: 'default', paths: ['/t/things/routed'], methods: ['GET'], service: 'echo' }],
        },
      },
    };
    await using gateway = await startGateway({ config, files: { 'schemas.yaml': schemaFile([]) } });
    assert.equal((await api(gateway, 'GET', '/t/things/routed')).status, 502);
    assert.equal((await api(gateway, 'GET', '/t/things/free')).json().code, 'RESOURCE_NOT_FOUND');
    assert.equal((await api(gateway, 'GET', '/t/things', undefined, { host: 'other.test' })).json().code, 'ROUTE_NOT_FOUND');

    const explain = async (path: string, method = 'GET', host = 'any'): Promise<Explanation> =>
      (await gateway.admin('GET', `/api/v1/explain?${new URLSearchParams({ path, method, host })}`)).json().data;
    const routed = await explain('/t/things/routed');
    assert.equal(routed.outcome, 'route "over"');
    assert.match(String(routed.schema?.reason), /the route "over" has the path too, and routes come first/);
    assert.equal((await explain('/t/things/routed', 'PUT')).outcome, '405 ROUTE_METHOD (allowed: GET)');
    const { outcome, schema: shown } = await explain('/t/things/a%20b', 'PATCH');
    assert.equal(outcome, 'schema "thing": update');
    assert.deepEqual(shown, {
      schema: 'thing',
      operation: 'update',
      pattern: '/t/things/{id}',
      params: { id: 'a b' },
      reason: 'no route has the path',
    });
    assert.match((await explain('/t/things', 'DELETE')).outcome, /^405 RESOURCE_METHOD \(allowed: GET, HEAD, POST, OPTIONS\)$/);
    assert.equal((await explain('/_all')).outcome, 'the API\'s own "all"');
    assert.equal((await explain('/t/things', 'GET', 'other.test')).outcome, '404 ROUTE_NOT_FOUND');
  });

  test('requests are in access log and metrics by their schema', async () => {
    await using gateway = await startGateway({ config: CONFIG, files: { 'schemas.yaml': schemaFile([]) } });
    await api(gateway, 'GET', '/t/things/a');
    const line = /"target":"\/t\/things\/a".*"route":"schema:thing".*"status":404/;
    await until('the access line is written', () => Promise.resolve(line.test(gateway.log())));
    const metrics = (await gateway.admin('GET', '/metrics')).text;
    assert.match(metrics, /sekisho_requests_total\{[^}]*route="schema:thing"[^}]*pattern="\/t\/things\/\{id\}"[^}]*status="404"[^}]*\} 1/);
  });

  test('schema groups list their versions and collections', async () => {
    const grouped = schema('ware', []).replace('  prefix: /t', '  namespace: shop_v1\n  prefix: store');
    await using gateway = await startGateway({ config: CONFIG, files: { 'schemas.yaml': schemaFile([], [grouped]) } });
    assert.deepEqual((await api(gateway, 'GET', '/shop/')).json(), {
      versions: [{ status: 'CURRENT', id: 'v1.0', links: [{ href: '/shop/v1.0/', rel: 'self' }] }],
    });
    assert.deepEqual((await api(gateway, 'GET', '/shop/v1.0')).json(), {
      resources: [{ links: [{ href: '/shop/v1.0/store/wares', rel: 'self' }], name: 'ware', collection: 'wares' }],
    });
    assert.equal((await api(gateway, 'POST', '/shop/v1.0/store/wares', { id: 'w' })).status, 201);
  });

  test('CORS: answers, refusals and preflights', async () => {
    await using gateway = await startGateway({
      config: { ...CONFIG, cors: 'https://a.test, https://b.test' },
      files: { 'schemas.yaml': schemaFile([]) },
    });
    const from = (origin: string, method = 'GET', headers: Record<string, string> = {}) =>
      api(gateway, method, '/t/things', undefined, { origin, ...headers });
    assert.equal((await from('https://b.test')).headers['access-control-allow-origin'], 'https://b.test');
    assert.equal((await from('https://c.test')).headers['access-control-allow-origin'], undefined);
    const refused = await from('https://a.test', 'GET', { 'x-auth-token': 'wrong' });
    assert.deepEqual([refused.status, refused.headers['access-control-allow-origin']], [401, 'https://a.test']);
    const preflight = await from('https://a.test', 'OPTIONS', { 'access-control-request-method': 'PATCH' });
    assert.equal(preflight.status, 200);
    assert.match(String(preflight.headers['access-control-allow-methods']), /PATCH/);
    assert.match(String(preflight.headers['access-control-allow-headers']), /X-Auth-Token/);
  });

  test('CORS: a preflight allows the fields that it asks for, and nothing to other origins', async () => {
    await using gateway = await startGateway({
      config: { ...CONFIG, cors: 'https://a.test,https://b.test' },
      files: { 'schemas.yaml': schemaFile([]) },
    });
    const preflight = async (origin: string, asked: string): Promise<string | undefined> => {
      const fields = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': asked };
      return (await api(gateway, 'OPTIONS', '/t/things', undefined, fields)).headers['access-control-allow-headers']?.toString();
    };
    assert.match((await preflight('https://a.test', 'traceparent, x-tour')) ?? '', /^X-Auth-Token.*, traceparent, x-tour$/);
    assert.match((await preflight('https://a.test', 'no name')) ?? '', /Idempotency-Key$/);
    assert.equal(await preflight('https://c.test', 'traceparent'), undefined);
  });

  test('development logs in at the fake Keystone', async () => {
    await using gateway = await startGateway({ config: CONFIG, files: { 'schemas.yaml': schemaFile([]) } });
    const body = { auth: { passwordCredentials: { username: 'admin', password: 'any' } } };
    const login = await api(gateway, 'POST', '/v2.0/tokens', body, { 'x-auth-token': '' });
    assert.deepEqual([login.status, login.json().access.token.id], [200, 'admin_token']);
  });

  test('fake tokens are refused on a listener that others reach', async () => {
    const config = { ...CONFIG, proxy: { host: '0.0.0.0' } };
    await assert.rejects(startGateway({ config, files: { 'schemas.yaml': schemaFile([]) } }), /keystone\.fake.*anybody could be admin/);
  });

  test('initial data is inserted where it is not there, with its defaults', async () => {
    const config = { ...CONFIG, database: { connection: './data.db', initial_data: [{ connection: './rows.yaml' }] } };
    const files = {
      'schemas.yaml': schemaFile([property('name', 'string', 'default: unnamed'), property('size', '[integer, "null"]')]),
      'rows.yaml': 'things:\n- {id: a}\n- {id: b, name: Bee, size: 9007199254740993}\n',
    };
    await using gateway = await startGateway({ config, files });
    await api(gateway, 'PUT', '/t/things/a', { name: 'changed' });
    await gateway.restart();
    assert.deepEqual((await api(gateway, 'GET', '/t/things')).json().things, [
      { id: 'a', name: 'changed', size: null },
      { id: 'b', name: 'Bee', size: '9007199254740993' },
    ]);
  });

  test('the health listener of Gohan', async () => {
    const [port = 0] = await findFreePorts(1);
    const config = { ...CONFIG, healthcheck: { enabled: true, address: `127.0.0.1:${port}` } };
    await using gateway = await startGateway({ config, files: { 'schemas.yaml': schemaFile([]) } });
    assert.equal((await ask(`${gateway.proxyUrl}/healthcheck`)).status, 404);
    for (const [path, status] of [
      ['/healthcheck', 200],
      ['/liveness', 200],
      ['/other', 404],
    ] as const)
      assert.equal((await ask(`http://127.0.0.1:${port}${path}`)).status, status, path);
  });

  test('API keys of the configuration are callers', async () => {
    const key = 'a-key-of-some-length';
    const config = {
      ...CONFIG,
      keystone: {},
      identity: { api_keys: [{ name: 'ci', key, roles: ['admin'], tenant_id: 't', scope: 'admin' }] },
    };
    await using gateway = await startGateway({ config, files: { 'schemas.yaml': schemaFile([]) } });
    const call = (apiKey: string) => ask(`${gateway.proxyUrl}/t/things`, { headers: { 'x-api-key': apiKey } });
    assert.deepEqual([(await call(key)).status, (await call('another-key-of-length')).status], [200, 401]);
  });
});
