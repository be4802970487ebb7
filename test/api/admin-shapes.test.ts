import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { startUpstream } from '../support/upstream.ts';

let gateway: Gateway;
before(async () => {
  gateway = await startGateway({ config: { debug: true } });
});
after(() => gateway[Symbol.asyncDispose]());

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const SERVICE = { name: 's', urls: ['http://127.0.0.1:1'] };

/** RFC 9457, with what clients of DGate read. */
function assertProblem(answer: Answer, status: number, code: string, what = ''): void {
  assert.equal(answer.status, status, `${what} ${answer.text}`);
  assert.equal(answer.headers['content-type'], 'application/problem+json', what);
  const body = answer.json();
  assert.deepEqual([body.status, body.code, body.type], [status, code, `https://sekisho.dev/errors#${code}`], what);
  assert.ok(body.title && body.detail && body.detail === body.error, what);
  for (const { pointer, detail } of body.errors ?? []) assert.ok(typeof pointer === 'string' && detail, what);
  assert.ok(answer.text.endsWith('}\n') && !/\/src\/|node_modules/.test(answer.text), what);
}

test('every refusal is a problem that names its part, and leaves nothing behind', async () => {
  await gateway.put('namespace', { name: 'shapes' });
  const before = (await gateway.admin('GET', '/changelog')).text;
  const bad = (kind: string, entity: unknown, code = 'ENTITY_INVALID', pointer?: string) => ({ kind, entity, code, pointer });
  const cases = [
    bad('service', { ...SERVICE, urls: [] }, undefined, '/urls'),
    bad('service', { ...SERVICE, urls: ['http://['] }, undefined, '/urls/0'),
    bad('service', { ...SERVICE, urls: ['http://a', 'ftp://b'] }, undefined, '/urls/1'),
    bad('service', { ...SERVICE, retries: -1 }, undefined, '/retries'),
    bad('service', { ...SERVICE, retryTimeout: 'soon' }, undefined, '/retryTimeout'),
    bad('service', { ...SERVICE, colour: 1 }, undefined, '/colour'),
    bad('service', { ...SERVICE, namespace: 'nowhere' }, 'ENTITY_REFERENCE', '/namespace'),
    bad('service', '{"name":', 'ADMIN_BAD_REQUEST'),
    bad('service', '', 'ADMIN_BAD_REQUEST'),
    bad('route', { name: 'r', paths: ['/x'] }, undefined, '/methods'),
    bad('route', { name: 'r', paths: ['/{a}/{a}'], methods: ['GET'] }, undefined, '/paths/0'),
    bad('route', { name: 'r', paths: ['/x'], methods: ['GET'], service: 'nobody' }, 'ENTITY_REFERENCE', '/service'),
    bad('route', { name: 'r', paths: ['/x'], methods: ['GET'], modules: ['nobody'] }, 'ENTITY_REFERENCE', '/modules/0'),
    bad('route', { name: 'r', paths: ['/{x}', '/{y}'], methods: ['GET'] }, 'ENTITY_CONFLICT', '/paths/1'),
    bad('module', { name: 'm', payload: '%' }, undefined, '/payload'),
    bad('domain', { name: 'd', patterns: ['/(/'] }, undefined, '/patterns/0'),
    bad('domain', { name: 'd', patterns: ['a'], cert: 'x', key: 'y' }, undefined, '/cert'),
    bad('collection', { name: 'c', schema: { minimum: 'x' } }, undefined, '/schema'),
    bad('secret', { name: 'k' }, undefined, '/data'),
    bad('document', { id: 'd', collection: 'nobody', data: 1 }, 'ENTITY_NOT_FOUND'),
  ];
  for (const { kind, entity, code, pointer } of cases) {
    const what = `${kind} ${JSON.stringify(entity)}`;
    const answer = await gateway.admin('PUT', `/api/v1/${kind}`, entity);
    assertProblem(answer, code === 'ENTITY_NOT_FOUND' ? 404 : 400, code, what);
    if (pointer !== undefined) assert.equal(answer.json().errors?.[0]?.pointer, pointer, what);
  }
  assertProblem(await gateway.admin('GET', '/nothing'), 404, 'ADMIN_NOT_FOUND');
  assertProblem(await gateway.admin('GET', '/api/v1/service?namspace=n'), 400, 'ADMIN_BAD_REQUEST');
  assertProblem(await gateway.admin('DELETE', '/api/v1/namespace', { name: 'nobody' }), 404, 'ENTITY_NOT_FOUND');
  const method = await gateway.admin('PATCH', '/api/v1/service', {});
  assertProblem(method, 405, 'ADMIN_METHOD');
  assert.equal(method.headers.allow, 'DELETE, GET, PUT');
  assertProblem(
    await gateway.admin('PUT', '/api/v1/module', { name: 'm', payload: 'A'.repeat(17 * 1_048_576) }),
    413,
    'ADMIN_BODY_TOO_LARGE',
  );
  assert.equal((await gateway.admin('GET', '/changelog')).text, before);
});

test('a module that does not load refuses the route with its place, and the route that has it refuses the module', async () => {
  const put = (name: string, source: string) => gateway.admin('PUT', '/api/v1/module', { name, payload: base64(source) });
  const route = { name: 'mod', paths: ['/mod'], methods: ['GET'] };
  await put('syntax', 'const x = 1;\nconst = 2;\n');
  const syntax = await gateway.admin('PUT', '/api/v1/route', { ...route, modules: ['syntax'] });
  assertProblem(syntax, 400, 'MODULE_COMPILE');
  assert.match(syntax.json().errors[0].pointer, /syntax(\.ts)?:2:7/);
  await put('throws', 'export const a = 1;\nthrow new Error("at load");\n');
  const throws = await gateway.admin('PUT', '/api/v1/route', { ...route, modules: ['throws'] });
  assertProblem(throws, 400, 'MODULE_LOAD');
  assert.match(throws.json().error, /at load.*throws(\.ts)?:2:7/);
  await put('good', 'export const requestHandler = (ctx: any) => ctx.response().send("one");\n');
  await gateway.put('route', { ...route, modules: ['good'] });
  assertProblem(await put('good', 'throw 1'), 400, 'MODULE_LOAD');
  assertProblem(await gateway.admin('DELETE', '/api/v1/module', { name: 'good' }), 400, 'ENTITY_IN_USE');
  assert.equal((await ask(`${gateway.proxyUrl}/mod`)).text, 'one');
});

for (const type of ['memory', 'file']) {
  test(`documents in ${type}: pages by id, timestamps, schema, privacy`, async () => {
    await using own = await startGateway({ config: { storage: { type, dir: 'data' } } });
    const path = '/api/v1/document';
    await own.put('collection', { name: 'c', schema: { type: 'object', properties: { n: { type: 'integer', minimum: 0 } } } });
    const put = (id: string, data: unknown) => own.admin('PUT', `${path}/${encodeURIComponent(id)}?collection=c`, JSON.stringify(data));
    for (const [n, id] of ['b', 'a/x', 'ä', 'B', 'a b'].entries()) assert.equal((await put(id, { n })).status, 201);
    const page = async (query: string) => (await own.admin('GET', `${path}?collection=c${query}`)).json();
    const ids = async (query: string) => (await page(query)).documents.map(({ id }: { id: string }) => id);
    assert.deepEqual(await ids(''), ['B', 'a b', 'a/x', 'b', 'ä']);
    assert.deepEqual(await ids('&limit=2&offset=1'), ['a b', 'a/x']);
    assert.deepEqual(await ids('&offset=4'), ['ä']);
    const none = await page('&limit=0');
    assert.deepEqual([none.count, none.total, none.documents, none.data], [0, 5, [], []]);

    const { createdAt } = (await own.admin('GET', `${path}/b?collection=c`)).json().data;
    assert.ok(Math.abs(Date.now() - Date.parse(createdAt)) < 60_000);
    const again = (await put('b', { n: 9 })).json().data;
    assert.equal(again.createdAt, createdAt);
    assert.ok(again.updatedAt >= createdAt);
    const whole = await own.admin('PUT', path, { ...again, data: { n: 10 } });
    assert.deepEqual([whole.status, whole.json().data.data], [201, { n: 10 }], 'an answer can be sent back');

    const broken = await put('b', { n: -1 });
    assertProblem(broken, 400, 'DOCUMENT_INVALID');
    assert.equal(broken.json().errors[0].pointer, '/n');
    assertProblem(await own.admin('GET', `${path}/none?collection=c`), 404, 'DOCUMENT_NOT_FOUND');
    assertProblem(await own.admin('DELETE', `${path}/none?collection=c`), 404, 'DOCUMENT_NOT_FOUND');
    assertProblem(await own.admin('DELETE', '/api/v1/collection/c'), 400, 'COLLECTION_NOT_EMPTY');
    await own.put('collection', {
      name: 'c',
      visibility: 'private',
      schema: { type: 'object', properties: { n: { type: 'integer', minimum: 0 } } },
    });
    assertProblem(await own.admin('GET', `${path}?collection=c`), 403, 'COLLECTION_PRIVATE');
    assert.equal((await own.admin('DELETE', `${path}?collection=c`)).status, 202);
    assert.equal((await own.admin('DELETE', '/api/v1/collection/c')).status, 202);
  });
}

test('without a default namespace every call has to name one, and all of them work when it does', async () => {
  await using own = await startGateway({ config: { disable_default_namespace: true } });
  assert.deepEqual((await own.admin('GET', '/api/v1/namespace')).json().data, []);
  await own.put('namespace', { name: 'n' });
  const entities: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    service: SERVICE,
    module: { name: 's', payload: base64('export const requestHandler = () => {};') },
    route: { name: 's', paths: ['/x'], methods: ['GET'], service: 's' },
    domain: { name: 's', patterns: ['a.test'] },
    collection: { name: 's' },
    secret: { name: 's', data: 'x' },
  };
  for (const [kind, entity] of Object.entries(entities)) {
    const path = `/api/v1/${kind}`;
    assertProblem(await own.admin('PUT', path, entity), 400, 'ADMIN_BAD_REQUEST', `put ${kind}`);
    assertProblem(await own.admin('GET', `${path}/s`), 400, 'ADMIN_BAD_REQUEST', `get ${kind}`);
    assertProblem(await own.admin('DELETE', path, { name: 's' }), 400, 'ADMIN_BAD_REQUEST', `delete ${kind}`);
    if (kind !== 'domain') assertProblem(await own.admin('GET', path), 400, 'ADMIN_BAD_REQUEST', `list ${kind}`);
    assert.equal((await own.admin('PUT', `${path}?namespace=n`, entity)).status, 201, kind);
    assert.equal((await own.admin('PUT', path, { ...entity, namespace: 'n' })).status, 201, kind);
    assert.equal((await own.admin('GET', `${path}?namespace=n`)).json().count, 1, kind);
  }
  assert.equal((await own.admin('GET', '/api/v1/domain')).json().count, 1, 'domains of all namespaces');
  assertProblem(await own.admin('PUT', '/api/v1/document/d?collection=s', { a: 1 }), 400, 'ADMIN_BAD_REQUEST');
  assert.equal((await own.admin('PUT', '/api/v1/document/d?collection=s&namespace=n', { a: 1 })).status, 201);
  assertProblem(await own.admin('GET', '/api/v1/document?collection=s'), 400, 'ADMIN_BAD_REQUEST');
  assert.equal((await own.admin('GET', '/api/v1/document?collection=s&namespace=n')).json().count, 1);
});

test('metrics have names and patterns as labels, never what a client chose', async () => {
  await using upstream = await startUpstream();
  await gateway.put('service', { name: 'up', urls: [upstream.url] });
  await gateway.put('route', { name: 'met', paths: ['/met/{id}', '/met/all/*'], methods: ['*'], service: 'up' });
  for (let n = 0; n < 20; n += 1) {
    const headers = { host: `h${n}.canary.test`, 'user-agent': `canary-agent/${n}` };
    assert.equal((await ask(`${gateway.proxyUrl}/met/canary${n}?canary=${n}`, { headers })).status, 200);
    assert.equal((await ask(`${gateway.proxyUrl}/nowhere/canary${n}`, { headers })).status, 404);
    await ask(`${gateway.proxyUrl}/met/1`, { method: `CANARY${n}` });
    await gateway.admin('GET', `/canary${n}`);
  }
  const counted = /^sekisho_requests_total\{namespace="default",route="met",pattern="\/met\/\{id\}",method="GET",status="200"\} 20$/m;
  await until('all are counted', async () => counted.test((await gateway.admin('GET', '/metrics')).text));
  const { text, headers } = await gateway.admin('GET', '/metrics');
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  assert.doesNotMatch(text, /canary/i);
  assert.match(text, /^sekisho_request_duration_seconds_count\{namespace="default",route="met"\} \d+$/m);
  assert.match(text, /^sekisho_upstream_duration_seconds_count\{namespace="default",service="up"\} 20$/m);
  assert.ok((text.match(/^sekisho_requests_total\{/gm) ?? []).length < 12, text);
  for (const line of text.trimEnd().split('\n'))
    assert.match(line, /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+="([^"\\\n]|\\.)*",?)+\})? -?[\d.e+-]+(Inf|NaN)?)$/);
});

test('a description that tools can read is at /openapi.json, and what it lists answers', async () => {
  const document = (await gateway.admin('GET', '/openapi.json')).json();
  assert.match(document.openapi, /^3\.1\./);
  for (const [path, item] of Object.entries(document.paths as Record<string, Record<string, unknown>>)) {
    if (path.includes('{') || !('get' in item)) continue;
    const { status } = await gateway.admin('GET', path);
    assert.ok([200, 400].includes(status), `${path} ${status}`);
  }
});
