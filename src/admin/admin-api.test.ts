import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AdminServer, startAdmin } from '../../test/support/admin-server.ts';
import { makeCertificate } from '../../test/support/certificates.ts';
import type { Answer } from '../../test/support/client.ts';
import { sendRaw } from '../../test/support/raw-client.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import { SekishoError } from '../lib/errors.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { ADMIN_ROUTES } from './routes.ts';
import type { AdminState } from './types.ts';

const MODULE = Buffer.from('export {}').toString('base64');
/** A put that is complete, for every kind but namespaces. */
const EXAMPLES = {
  domain: { name: 'd', patterns: ['a.example'], priority: 7 },
  service: { name: 's', urls: ['http://127.0.0.1:1'], retryTimeout: '50ms', requestTimeout: 1_000_000 },
  module: { name: 'm', payload: MODULE, moduleType: 'javascript' },
  route: { name: 'r', paths: ['/x'], methods: ['GET'], service: 's', modules: ['m'] },
  collection: { name: 'c', schema: { type: 'object', required: ['a'] } },
  secret: { name: 'k', data: 'canary-secret' },
} as const;

function assertProblem(answer: Answer, status: number, code: string, text?: string | RegExp): void {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const problem = answer.json();
  assert.equal(problem.status, status);
  assert.equal(problem.code, code);
  assert.equal(problem.error, problem.detail);
  assert.ok(problem.title && problem.type.endsWith(`#${code}`));
  if (typeof text === 'string') assert.equal(problem.detail, text);
  if (text instanceof RegExp) assert.match(problem.detail, text);
}

async function put(admin: AdminServer, kind: string, entity: unknown): Promise<Answer> {
  const answer = await admin.call('PUT', `/api/v1/${kind}`, entity);
  assert.equal(answer.status, 201, answer.text);
  return answer;
}

/** The state with some methods replaced: for what a real one does not do on demand. */
function replacing(state: AdminState, methods: Partial<AdminState>): AdminState {
  return new Proxy(state, {
    get(target, name) {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function putAll(admin: AdminServer): Promise<void> {
  for (const kind of ['domain', 'service', 'module', 'route', 'collection', 'secret'] as const) await put(admin, kind, EXAMPLES[kind]);
}

test('every kind: put, list, get, delete, with DGate’s envelope and statuses', async (t) => {
  for (const kind of ['domain', 'service', 'module', 'collection', 'secret'] as const) {
    await t.test(kind, async () => {
      await using admin = await startAdmin();
      const path = `/api/v1/${kind}`;
      const example: Record<string, unknown> = { ...EXAMPLES[kind] };
      const empty = await admin.call('GET', path);
      assert.equal(empty.text, '{"count":0,"data":[],"status_code":200}');
      assert.equal(empty.headers['content-type'], 'application/json');
      const created = await put(admin, kind, { ...example, tags: ['t'] });
      assert.deepEqual(Object.keys(created.json()), ['count', 'data', 'status_code']);
      assert.equal(created.json().count, 1);
      assert.equal(created.json().status_code, 201);
      const [shown] = created.json().data;
      const wanted = kind === 'secret' ? { ...example, data: '**redacted**' } : example;
      for (const [name, value] of Object.entries(wanted)) assert.deepEqual(shown[name], value, name);
      assert.equal(shown.namespace, 'default');
      await put(admin, kind, { ...example, name: 'a-first' });
      const listed = (await admin.call('GET', path)).json();
      assert.deepEqual(
        [listed.count, listed.status_code, listed.data.map((one: { name: string }) => one.name)],
        [2, 200, ['a-first', example['name']]],
      );
      const one = await admin.call('GET', `${path}/${String(example['name'])}`);
      assert.deepEqual(one.json(), { data: { ...shown }, status_code: 200 });
      assert.equal(one.headers.etag, `"${one.headers['x-sekisho-revision']}"`);
      const gone = await admin.call('DELETE', path, { name: example['name'], namespace: 'default' });
      assert.deepEqual([gone.status, gone.text], [kind === 'service' ? 204 : 202, '']);
      assert.equal((await admin.call('DELETE', `${path}/a-first?namespace=default`)).status, kind === 'service' ? 204 : 202);
      assertProblem(await admin.call('GET', `${path}/a-first`), 404, 'ENTITY_NOT_FOUND', `${kind} not found`);
      assertProblem(await admin.call('DELETE', path, { name: 'a-first' }), 404, 'ENTITY_NOT_FOUND', `${kind} not found: a-first`);
      assertProblem(await admin.call('DELETE', path, {}), 400, 'ADMIN_BAD_REQUEST', 'name is required');
      assertProblem(await admin.call('GET', `${path}?namespace=zz`), 400, 'ENTITY_REFERENCE', 'namespace not found: zz');
      assertProblem(await admin.call('PUT', path, { ...example, namespace: 'zz' }), 400, 'ENTITY_REFERENCE');
    });
  }
});

test('namespaces, and what keeps them', async () => {
  await using admin = await startAdmin();
  assert.deepEqual((await admin.call('GET', '/api/v1/namespace')).json(), {
    count: 1,
    data: [{ name: 'default', tags: ['default'] }],
    status_code: 200,
  });
  assert.equal((await put(admin, 'namespace', { name: 'n', tags: ['t'] })).json().count, 2);
  assert.deepEqual((await admin.call('GET', '/api/v1/namespace/n')).json().data, { name: 'n', tags: ['t'] });
  await put(admin, 'secret', { ...EXAMPLES.secret, namespace: 'n' });
  assertProblem(
    await admin.call('DELETE', '/api/v1/namespace', { name: 'n' }),
    400,
    'ENTITY_IN_USE',
    /cannot delete namespace: n: secrets still linked/,
  );
  assert.equal((await admin.call('DELETE', '/api/v1/secret/k?namespace=n')).status, 202);
  const gone = await admin.call('DELETE', '/api/v1/namespace', { name: 'n' });
  assert.deepEqual([gone.status, gone.text], [202, '']);
  assertProblem(await admin.call('GET', '/api/v1/namespace/n'), 404, 'ENTITY_NOT_FOUND', 'namespace not found');
  assertProblem(await admin.call('DELETE', '/api/v1/namespace', { name: 'n' }), 404, 'ENTITY_NOT_FOUND', 'namespace not found: n');
  assertProblem(await admin.call('PUT', '/api/v1/namespace', { name: '' }), 400, 'ENTITY_INVALID', /name is required/);
});

test('routes: references are checked, lists answer 200, and what is in use stays', async () => {
  await using admin = await startAdmin();
  assertProblem(await admin.call('PUT', '/api/v1/route', EXAMPLES.route), 400, 'ENTITY_REFERENCE', /service not found: s/);
  await putAll(admin);
  const list = await admin.call('GET', '/api/v1/route');
  assert.equal(list.status, 200);
  assert.deepEqual(list.json().data[0], { ...EXAMPLES.route, namespace: 'default', preserveHost: false, stripPath: false });
  assertProblem(
    await admin.call('DELETE', '/api/v1/service', { name: 's' }),
    400,
    'ENTITY_IN_USE',
    /cannot delete service: s: routes still linked/,
  );
  assertProblem(
    await admin.call('DELETE', '/api/v1/module', { name: 'm' }),
    400,
    'ENTITY_IN_USE',
    /cannot delete module: m: routes still linked/,
  );
  assertProblem(await admin.call('PUT', '/api/v1/route', { name: 'r2', paths: ['/x'], methods: ['GET'] }), 400, 'ENTITY_CONFLICT');
  assert.equal((await admin.call('DELETE', '/api/v1/route', { name: 'r' })).status, 202);
  assert.equal((await admin.call('DELETE', '/api/v1/service', { name: 's' })).status, 204);
});

test('private keys are answered empty and secrets redacted, in every answer and in the history', async () => {
  await using admin = await startAdmin();
  await putAll(admin);
  using folder = createTempFolder();
  const { cert, key } = makeCertificate(folder.path, ['b.example']);
  await put(admin, 'domain', { name: 'tls', patterns: ['b.example'], cert, key });
  const paths = [
    '/api/v1/secret',
    '/api/v1/secret/k',
    '/api/v1/domain',
    '/api/v1/domain/tls',
    '/api/v1/history',
    '/api/v1/status',
    '/openapi.json',
  ];
  for (const path of paths) {
    const { text } = await admin.call('GET', path);
    assert.ok(!text.includes(key.split('\n')[1] ?? '') && !text.includes('PRIVATE KEY') && !text.includes('canary-secret'), path);
  }
  assert.equal((await admin.call('GET', '/api/v1/domain/tls')).json().data.key, '');
  const changes = [{ op: 'put', kind: 'secret', entity: { name: 'k2', data: 'canary-secret' } }];
  for (const query of ['', '?dry_run=true'])
    assert.ok(!(await admin.call('PUT', `/api/v1/changes${query}`, { changes })).text.includes('canary'));
  assert.ok(!(await admin.call('PUT', '/api/v1/secret?dry_run=1', EXAMPLES.secret)).text.includes('canary'));
});

test('malformed bodies', async () => {
  await using admin = await startAdmin({ maxBodyBytes: 2000 });
  const path = '/api/v1/service';
  assertProblem(await admin.call('PUT', path, '{"name":'), 400, 'ADMIN_BAD_REQUEST', /^error unmarshalling body: /);
  assertProblem(await admin.call('PUT', path), 400, 'ADMIN_BAD_REQUEST', 'error unmarshalling body: the body is empty');
  assertProblem(await admin.call('PUT', path, '[]'), 400, 'ENTITY_INVALID');
  assertProblem(await admin.call('PUT', path, Buffer.from([0x22, 0xff, 0x22])), 400, 'ADMIN_BAD_REQUEST', /not UTF-8/);
  assertProblem(await admin.call('PUT', path, '['.repeat(900) + ']'.repeat(900)), 400, 'ADMIN_BAD_REQUEST', /deeper than/);
  assertProblem(
    await admin.call('PUT', path, 'x', { 'content-type': 'multipart/form-data; boundary=x' }),
    400,
    'ADMIN_BAD_REQUEST',
    /not form data/,
  );
  assertProblem(await admin.call('PUT', path, 'x'.repeat(2001)), 413, 'ADMIN_BODY_TOO_LARGE');
  const chunked = await sendRaw(
    admin.port,
    `PUT ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n${'x'.repeat(4095)}\r\n`,
    {
      until: (text) => text.includes('ADMIN_BODY_TOO_LARGE'),
    },
  );
  assert.match(chunked.received, /^HTTP\/1\.1 413 /);
  const many = await admin.call('PUT', path, { urls: [], retries: -1, retryTimeout: -1, nonsense: 1 });
  assertProblem(many, 400, 'ENTITY_INVALID');
  assert.deepEqual(
    many
      .json()
      .errors.map((one: { pointer: string }) => one.pointer)
      .toSorted(),
    ['/name', '/nonsense', '/retries', '/retryTimeout', '/urls'],
  );
  assert.equal(
    (await admin.call('PUT', path, EXAMPLES.service, { 'content-type': 'application/x-www-form-urlencoded' })).status,
    201,
    'curl -d',
  );
});

test('the namespace: default, from body, from query, never guessed', async () => {
  await using admin = await startAdmin();
  await put(admin, 'namespace', { name: 'n' });
  await put(admin, 'secret', { name: 'k', data: 'x', namespace: '' });
  assert.equal((await admin.call('PUT', '/api/v1/secret?namespace=n', { name: 'k', data: 'x' })).json().data[0].namespace, 'n');
  assertProblem(
    await admin.call('PUT', '/api/v1/secret?namespace=n', { name: 'k', data: 'x', namespace: 'default' }),
    400,
    'ADMIN_BAD_REQUEST',
    /the body names the namespace "default", the query "n"/,
  );
  assertProblem(await admin.call('DELETE', '/api/v1/secret/k?namepsace=n'), 400, 'ADMIN_BAD_REQUEST', /did you mean namespace\?/);
  assertProblem(
    await admin.call('GET', '/api/v1/secret?namespace=n&namespace=default'),
    400,
    'ADMIN_BAD_REQUEST',
    'namespace is given twice',
  );
  assert.equal((await admin.call('GET', '/api/v1/secret')).json().count, 1);
});

test('without a default namespace it has to be named', async () => {
  await using admin = await startAdmin({ disableDefaultNamespace: true });
  await put(admin, 'namespace', { name: 'n' });
  await put(admin, 'domain', { ...EXAMPLES.domain, namespace: 'n' });
  for (const path of ['/api/v1/service', '/api/v1/service/s', '/api/v1/document?collection=c']) {
    assertProblem(await admin.call('GET', path), 400, 'ADMIN_BAD_REQUEST', 'namespace is required');
  }
  assertProblem(await admin.call('PUT', '/api/v1/service', EXAMPLES.service), 400, 'ADMIN_BAD_REQUEST', 'namespace is required');
  assertProblem(await admin.call('DELETE', '/api/v1/service', { name: 's' }), 400, 'ADMIN_BAD_REQUEST', 'namespace is required');
  assert.equal((await admin.call('GET', '/api/v1/domain')).json().count, 1, 'the domains of all namespaces');
});

test('revisions: every answer tells it, and a change can insist on it', async () => {
  await using admin = await startAdmin();
  const first = await put(admin, 'service', EXAMPLES.service);
  const tag = first.headers.etag ?? '';
  assert.match(tag, /^"\d+"$/);
  const change = (headers: Record<string, string>, query = ''): Promise<Answer> =>
    admin.call('PUT', `/api/v1/service${query}`, EXAMPLES.service, headers);
  const second = await change({ 'if-match': tag });
  assert.equal(second.status, 201);
  assert.notEqual(second.headers.etag, tag);
  assertProblem(await change({ 'if-match': tag }), 412, 'REVISION_MISMATCH');
  assertProblem(await change({ 'if-match': `W/${second.headers.etag}` }), 412, 'REVISION_MISMATCH');
  assertProblem(await change({}, `?expect=${tag.slice(1, -1)}`), 412, 'REVISION_MISMATCH');
  assertProblem(await change({ 'if-match': 'abc' }), 400, 'ADMIN_BAD_REQUEST');
  assertProblem(await admin.call('DELETE', '/api/v1/service/s', undefined, { 'if-match': tag }), 412, 'REVISION_MISMATCH');
  assert.equal((await change({ 'if-match': `"1", ${second.headers.etag}` })).status, 201);
  assert.equal((await change({ 'if-match': '*' })).status, 201);
  await put(admin, 'collection', { name: 'c' });
  assertProblem(
    await admin.call('PUT', '/api/v1/document/d?collection=c', 1, { 'if-match': tag }),
    400,
    'ADMIN_BAD_REQUEST',
    /If-Match does not work/,
  );
});

test('a dry run checks and stores nothing', async () => {
  await using admin = await startAdmin();
  const before = admin.state.revision();
  const dry = await admin.call('PUT', '/api/v1/service?dry_run=true', EXAMPLES.service);
  assert.deepEqual([dry.status, dry.json().data.name, dry.json().data.retries], [200, 's', 3]);
  assertProblem(await admin.call('PUT', '/api/v1/route?dry_run=true', EXAMPLES.route), 400, 'ENTITY_REFERENCE');
  assertProblem(await admin.call('DELETE', '/api/v1/service/s?dry_run=true'), 404, 'ENTITY_NOT_FOUND');
  assertProblem(await admin.call('PUT', '/api/v1/service?dry_run=perhaps', EXAMPLES.service), 400, 'ADMIN_BAD_REQUEST');
  assert.equal((await admin.call('GET', '/api/v1/service')).json().count, 0);
  assert.equal(admin.state.revision(), before);
  await put(admin, 'service', EXAMPLES.service);
  assert.deepEqual((await admin.call('DELETE', '/api/v1/service/s?dry_run=true')).json(), {
    data: { name: 's', namespace: 'default' },
    status_code: 200,
  });
  assert.equal((await admin.call('GET', '/api/v1/service')).json().count, 1);
});

test('several changes at once: all of them or none', async () => {
  await using admin = await startAdmin();
  const kinds = ['route', 'service', 'module'] as const;
  const changes = kinds.map((kind) => ({ op: 'put', kind, entity: EXAMPLES[kind] }));
  const done = await admin.call('PUT', '/api/v1/changes', { changes });
  assert.equal(done.status, 200, done.text);
  assert.equal(`"${done.json().data.revision}"`, done.headers.etag);
  assert.equal((await admin.call('GET', '/api/v1/history')).json().data[0].changes.length, 3);
  const bad = await admin.call('PUT', '/api/v1/changes', {
    changes: [
      { op: 'put', kind: 'secret', entity: EXAMPLES.secret },
      { op: 'delete', kind: 'service', name: 's' },
    ],
  });
  assertProblem(bad, 400, 'ENTITY_IN_USE');
  assert.equal((await admin.call('GET', '/api/v1/secret')).json().count, 0);
  const swap = await admin.call('PUT', '/api/v1/changes', {
    changes: [
      ...changes.map(({ kind, entity }) => ({ op: 'delete', kind, name: entity.name })),
      { op: 'put', kind: 'namespace', entity: { name: 'n' } },
    ],
  });
  assert.equal(swap.status, 200, swap.text);
  const wrong = await admin.call('PUT', '/api/v1/changes', {
    changes: [
      { op: 'put', kind: 'servise', entity: {} },
      { op: 'put', kind: 'service', entity: { name: 's', urls: ['x'] } },
      { op: 'del', kind: 'service' },
      { op: 'delete', kind: 'service' },
      7,
    ],
  });
  assertProblem(wrong, 400, 'ENTITY_INVALID');
  assert.deepEqual(
    wrong.json().errors.map((one: { pointer: string }) => one.pointer),
    ['/changes/0', '/changes/1/entity/urls/0', '/changes/2', '/changes/3', '/changes/4'],
  );
  assert.match(wrong.json().errors[0].detail, /did you mean service\?/);
  for (const body of [{}, { changes: [] }, { changes: {} }, []])
    assertProblem(await admin.call('PUT', '/api/v1/changes', body), 400, 'ADMIN_BAD_REQUEST');
});

test('documents', async () => {
  await using admin = await startAdmin();
  const path = '/api/v1/document';
  assertProblem(await admin.call('GET', path), 400, 'ADMIN_BAD_REQUEST', 'collection is required');
  assertProblem(await admin.call('GET', `${path}?collection=c`), 404, 'ENTITY_NOT_FOUND', 'collection not found');
  assertProblem(await admin.call('GET', `${path}?collection=c&namespace=zz`), 404, 'ENTITY_NOT_FOUND', 'namespace not found: zz');
  await put(admin, 'collection', EXAMPLES.collection);
  assert.deepEqual((await admin.call('GET', `${path}?collection=c`)).json(), {
    collection: 'c',
    count: 0,
    data: [],
    documents: [],
    limit: 100,
    namespace: 'default',
    offset: 0,
    status_code: 200,
    total: 0,
  });
  const created = await admin.call('PUT', `${path}/d1?collection=c`, { a: 1, namespace: 'mine', collection: 'too' });
  assert.equal(created.status, 201);
  const { createdAt, updatedAt, ...document } = created.json().data;
  assert.deepEqual(document, { id: 'd1', namespace: 'default', collection: 'c', data: { a: 1, namespace: 'mine', collection: 'too' } });
  assert.ok(Date.parse(createdAt) > 0 && Date.parse(updatedAt) > 0);
  assert.equal((await admin.call('PUT', path, { id: 'd 2', collection: 'c', data: { a: 2 } })).status, 201);
  assert.equal((await admin.call('PUT', `${path}?collection=c`, { id: 'd3', data: { a: 3 } })).status, 201);
  assert.deepEqual((await admin.call('GET', `${path}/d%202?collection=c`)).json().data.data, { a: 2 });
  const page = (await admin.call('GET', `${path}?collection=c&limit=1&offset=1`)).json();
  assert.deepEqual(
    [page.count, page.total, page.limit, page.offset, page.documents[0].id, page.data[0].id],
    [1, 3, 1, 1, 'd 2', 'd 2'].with(4, page.documents[0].id).with(5, page.documents[0].id),
  );
  assertProblem(await admin.call('GET', `${path}?collection=c&limit=x`), 400, 'ADMIN_BAD_REQUEST', 'limit must be an integer');
  assertProblem(await admin.call('GET', `${path}?collection=c&offset=1.5`), 400, 'ADMIN_BAD_REQUEST', 'offset must be an integer');
  assertProblem(await admin.call('GET', `${path}?collection=c&limit=-1`), 400, 'ADMIN_BAD_REQUEST');
  const invalid = await admin.call('PUT', `${path}/d4?collection=c`, { b: 1 });
  assertProblem(invalid, 400, 'DOCUMENT_INVALID');
  assert.equal(invalid.json().errors.length, 1);
  assertProblem(await admin.call('PUT', `${path}/d4?collection=c`, '{'), 400, 'ADMIN_BAD_REQUEST', /^error reading body/);
  assertProblem(
    await admin.call('PUT', path, { id: 'x', collection: 'c', namespace: 'default', data: { a: 1 }, extra: 1 }),
    400,
    'ENTITY_INVALID',
  );
  assert.equal((await admin.call('DELETE', `${path}/d1?collection=c`)).status, 202);
  assertProblem(await admin.call('DELETE', `${path}/d1?collection=c`), 404, 'DOCUMENT_NOT_FOUND');
  assertProblem(await admin.call('GET', `${path}/d1?collection=c`), 404, 'DOCUMENT_NOT_FOUND');
  assertProblem(await admin.call('DELETE', path, { ID: 'd3', collection: 'c' }), 400, 'ADMIN_BAD_REQUEST');
  assertProblem(await admin.call('DELETE', path, { id: '', collection: 'c' }), 400, 'ADMIN_BAD_REQUEST');
  assert.equal((await admin.call('DELETE', path, { id: 'd3', collection: 'c' })).status, 202);
  assertProblem(
    await admin.call('DELETE', '/api/v1/collection/c'),
    400,
    'COLLECTION_NOT_EMPTY',
    /please delete existing documents before deleting/,
  );
  assert.equal((await admin.call('DELETE', `${path}?collection=c`)).status, 202);
  assert.equal((await admin.call('GET', `${path}?collection=c`)).json().count, 0);
  assert.equal((await admin.call('DELETE', '/api/v1/collection', { name: 'c' })).status, 202);
});

test('documents of a private collection are not read here', async () => {
  await using admin = await startAdmin();
  await put(admin, 'collection', { name: 'c', visibility: 'private' });
  assert.equal((await admin.call('PUT', '/api/v1/document/d?collection=c', 1)).status, 201);
  assertProblem(await admin.call('GET', '/api/v1/document?collection=c'), 403, 'COLLECTION_PRIVATE', 'collection is private');
  assertProblem(await admin.call('GET', '/api/v1/document/d?collection=c'), 403, 'COLLECTION_PRIVATE', 'collection is private');
});

test('changelog and history', async () => {
  await using admin = await startAdmin();
  const before = (await admin.call('GET', '/changelog')).json();
  await put(admin, 'service', EXAMPLES.service);
  await put(admin, 'service', { ...EXAMPLES.service, retries: 1 });
  const after = (await admin.call('GET', '/api/v1/changelog')).json();
  assert.deepEqual(Object.keys(after), ['count', 'hash', 'latest']);
  assert.equal(after.count, before.count + 2);
  assert.match(after.hash, /^[0-9a-z]+$/);
  assert.notEqual(after.hash, before.hash);
  assert.equal(after.latest, String(admin.state.revision()));
  const { count, data } = (await admin.call('GET', '/api/v1/history?limit=2')).json();
  assert.equal(count, 2);
  assert.deepEqual([data[0].author, data[0].changes[0].before.retries, data[0].changes[0].after.retries], ['admin', 3, 1]);
  assert.deepEqual((await admin.call('GET', `/api/v1/history?before=${data[0].revision}&limit=1`)).json().data[0], data[1]);
  assertProblem(await admin.call('GET', '/api/v1/history?limit=0'), 400, 'ADMIN_BAD_REQUEST', /between 1 and 1000/);
});

test('root, health and readiness', async () => {
  let phase: 'starting' | 'ready' | 'stopping' = 'starting';
  await using admin = await startAdmin({ phase: () => phase, metrics: () => 'a_metric 1\n' });
  assert.equal((await admin.call('GET', '/healthz')).status, 200);
  assertProblem(await admin.call('GET', '/readyz'), 503, 'NOT_READY', /not ready/);
  assertProblem(await admin.call('PUT', '/api/v1/service', EXAMPLES.service), 503, 'NOT_READY', 'proxy state not ready');
  phase = 'ready';
  const root = await admin.call('GET', '/');
  assert.deepEqual([root.status, root.text, root.headers['x-dgate-watchonly']], [200, 'DGate Admin API', 'false']);
  assert.match(String(root.headers['x-dgate-changehash']), /^\d+$/);
  assert.ok(BigInt(String(root.headers['x-dgate-changehash'])) < 2n ** 64n);
  assert.deepEqual((await admin.call('GET', '/healthz')).json(), { status: 'ok', version: '0.0.0-test' });
  const ready = (await admin.call('GET', '/readyz')).json();
  assert.deepEqual([ready.status, ready.version, ready.revision, ready.rejected], ['ok', '0.0.0-test', admin.state.revision(), []]);
  const metrics = await admin.call('GET', '/metrics');
  assert.deepEqual([metrics.text, metrics.headers['content-type']], ['a_metric 1\n', 'text/plain; version=0.0.4; charset=utf-8']);
  phase = 'stopping';
  assertProblem(await admin.call('GET', '/readyz'), 503, 'NOT_READY', /stopping/);
  assert.equal((await admin.call('GET', '/api/v1/service')).status, 200);
});

test('status, modules, explain', async () => {
  const programs = [
    { key: 'p1', namespace: 'default', module: 'm', state: 'quarantined' },
    { key: 'p2', namespace: 'n', module: 'm', state: 'idle' },
  ];
  await using admin = await startAdmin({
    modules: { status: () => programs, release: (key) => key === 'p1' },
    explain: (query) => ({ asked: query }),
    status: () => ({ workers: 1, listeners: [{ name: 'http', address: '127.0.0.1:8080' }] }),
    certificates: () => [{ namespace: 'default', domain: 'd', notAfter: '2030-01-01T00:00:00Z', daysLeft: 9 }],
  });
  const status = (await admin.call('GET', '/api/v1/status')).json().data;
  assert.deepEqual(
    [status.phase, status.workers, status.listeners.length, status.entities.namespace, status.certificates[0].daysLeft],
    ['ready', 1, 1, 1, 9],
  );
  assert.deepEqual((await admin.call('GET', '/api/v1/modules/status')).json(), { count: 2, data: programs, status_code: 200 });
  const release = (body: unknown): Promise<Answer> => admin.call('POST', '/api/v1/modules/release', body);
  assert.deepEqual((await release({ key: 'p1' })).json().data, { released: 1 });
  assert.deepEqual((await release({ module: 'm', namespace: 'n' })).json().data, { released: 0 });
  assert.deepEqual((await release({ module: 'm' })).json().data, { released: 1 });
  assertProblem(await release({ key: 'p9' }), 404, 'ENTITY_NOT_FOUND');
  assertProblem(await release({}), 400, 'ADMIN_BAD_REQUEST');
  assert.deepEqual((await admin.call('GET', '/api/v1/explain?host=a.example&method=post&path=/x')).json().data, {
    asked: { host: 'a.example', method: 'POST', path: '/x' },
  });
  assert.deepEqual((await admin.call('GET', '/api/v1/explain?path=/')).json().data, { asked: { host: '', method: 'GET', path: '/' } });
  assertProblem(await admin.call('GET', '/api/v1/explain?path=x'), 400, 'ADMIN_BAD_REQUEST');
  await using bare = await startAdmin();
  assertProblem(await bare.call('GET', '/api/v1/explain?path=/'), 404, 'ADMIN_NOT_FOUND');
  assertProblem(await bare.call('GET', '/metrics'), 404, 'ADMIN_NOT_FOUND');
  assert.deepEqual((await bare.call('GET', '/api/v1/modules/status')).json().data, []);
});

test('what was rejected at load is shown', async () => {
  const error = new SekishoError('MODULE_COMPILE', 'm.ts:1:1 oops');
  await using plain = await startAdmin();
  const state = replacing(plain.state, { rejected: () => [{ kind: 'module', namespace: 'default', name: 'm', error }] });
  await using admin = await startAdmin({ state });
  const shown = [{ kind: 'module', namespace: 'default', name: 'm', code: 'MODULE_COMPILE', detail: 'm.ts:1:1 oops' }];
  assert.deepEqual((await admin.call('GET', '/readyz')).json().rejected, shown);
  assert.deepEqual((await admin.call('GET', '/api/v1/status')).json().data.rejected, shown);
});

test('unknown paths are 404, other methods 405 with Allow, and HEAD is not implied', async () => {
  await using admin = await startAdmin();
  for (const path of ['/nope', '/api/v1', '/api/v1/service/', '/api/v1/service/a/b', '//', '/api/v1/services']) {
    assertProblem(await admin.call('GET', path), 404, 'ADMIN_NOT_FOUND');
  }
  const wrong = await admin.call('POST', '/api/v1/service', {});
  assertProblem(wrong, 405, 'ADMIN_METHOD');
  assert.equal(wrong.headers.allow, 'DELETE, GET, PUT');
  assert.equal((await admin.call('OPTIONS', '/api/v1/service')).status, 405);
  assert.equal((await admin.call('HEAD', '/healthz')).status, 405);
  assertProblem(await admin.call('GET', '/api/v1/service/%ff'), 400, 'ADMIN_BAD_REQUEST');
});

test('every route of the table is reachable, and answers nobody with a bug', async (t) => {
  await using admin = await startAdmin({ metrics: () => '', explain: () => ({}) });
  await putAll(admin);
  for (const route of ADMIN_ROUTES) {
    await t.test(`${route.method} ${route.path}`, async () => {
      for (const body of [
        undefined,
        {},
        [],
        'x',
        'null',
        { name: 'x' },
        { name: 7, namespace: 7 },
        { changes: [null] },
        { id: 'x', collection: 'c' },
      ]) {
        const answer = await admin.call(route.method, route.path.replace(/\{\w+\}/, 'some%2Fthing'), body);
        assert.ok(answer.status < 500 && answer.status !== 405, `${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
        if (answer.status === 404) assert.notEqual(answer.json().code, 'ADMIN_NOT_FOUND');
      }
    });
  }
});

test('calls are told as events, with the principal and without the query', async () => {
  const events: Event[] = [];
  const stop = subscribe((event) => events.push(event));
  await using admin = await startAdmin({ auth: { method: 'key', keys: ['canary'], queryParamName: 'key' } });
  await admin.call('GET', '/healthz?key=canary');
  await admin.call('GET', '/healthz?key=wrong');
  stop();
  const seen = events.filter((event) => event.type === 'admin.request');
  assert.deepEqual(
    seen.map(({ method, path, status, principal, error }) => [method, path, status, principal.slice(0, 4), error?.code]),
    [
      ['GET', '/healthz', 200, 'key:', undefined],
      ['GET', '/healthz', 401, '', 'ADMIN_UNAUTHORIZED'],
    ],
  );
  assert.ok(!JSON.stringify(seen).includes('canary'));
});

test('a failure inside is told by its id alone', async () => {
  await using plain = await startAdmin();
  const failing = async (): Promise<never> => {
    throw new Error('canary: /etc/secret');
  };
  await using admin = await startAdmin({ state: replacing(plain.state, { history: failing }) });
  const answer = await admin.call('GET', '/api/v1/history');
  assertProblem(answer, 500, 'INTERNAL');
  assert.ok(answer.json().id && !answer.text.includes('canary'));
});

test('a client that goes away in the middle of its body harms nobody', async () => {
  await using admin = await startAdmin();
  await sendRaw(admin.port, 'PUT /api/v1/service HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"name":', {
    halfClose: true,
    timeoutMs: 300,
  });
  assert.equal((await admin.call('GET', '/healthz')).status, 200);
  await admin.api.close();
});

test('angle brackets leave escaped', async () => {
  await using admin = await startAdmin();
  const answer = await put(admin, 'service', { name: 's', urls: ['http://a/?x=<b>&c'] });
  assert.ok(answer.text.includes('\\u003cb\\u003e\\u0026c'));
  assert.equal(answer.json().data[0].urls[0], 'http://a/?x=<b>&c');
});
