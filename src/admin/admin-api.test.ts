import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, EXAMPLES, put, putAll } from '../../test/support/admin-answers.ts';
import { startAdmin } from '../../test/support/admin-server.ts';
import type { Answer } from '../../test/support/client.ts';
import { sendRaw } from '../../test/support/raw-client.ts';
import { SekishoError } from '../lib/errors.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { ADMIN_ROUTES } from './routes.ts';
import type { AdminState } from './types.ts';

/** The state with some methods replaced: for what a real one does not do on demand. */
function replacing(state: AdminState, methods: Partial<AdminState>): AdminState {
  return new Proxy(state, {
    get(target, name) {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

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
    extensions: {
      status: () => ({
        environments: [
          { name: 'book', state: 'ready', worker: 1 },
          { name: 'book', state: 'quarantined', worker: 2 },
        ],
        threads: [{}, {}],
        waiting: 3,
      }),
      release: (name) => name === 'book',
    },
    explain: (query) => ({ asked: query }),
    status: () => ({ listeners: [{ name: 'http', address: '127.0.0.1:8080' }] }),
    certificates: () => [{ namespace: 'default', domain: 'd', notAfter: '2030-01-01T00:00:00Z', daysLeft: 9 }],
  });
  const status = (await admin.call('GET', '/api/v1/status')).json().data;
  assert.deepEqual(
    [status.phase, status.workers.length, status.listeners.length, status.entities.namespace, status.certificates[0].daysLeft],
    ['ready', 0, 1, 1, 9],
  );
  assert.deepEqual((await admin.call('GET', '/api/v1/modules/status')).json(), { count: 2, data: programs, status_code: 200 });
  const release = (body: unknown): Promise<Answer> => admin.call('POST', '/api/v1/modules/release', body);
  assert.deepEqual((await release({ key: 'p1' })).json().data, { released: 1 });
  assert.deepEqual((await release({ module: 'm', namespace: 'n' })).json().data, { released: 0 });
  assert.deepEqual((await release({ module: 'm' })).json().data, { released: 1 });
  assertProblem(await release({ key: 'p9' }), 404, 'ENTITY_NOT_FOUND');
  assertProblem(await release({}), 400, 'ADMIN_BAD_REQUEST');
  assert.deepEqual(status.extensions, { environments: 1, quarantined: ['book'], threads: 2, waiting: 3 });
  assert.equal((await admin.call('GET', '/api/v1/extensions/status')).json().data.environments[1].worker, 2);
  const free = (body: unknown): Promise<Answer> => admin.call('POST', '/api/v1/extensions/release', body);
  assert.deepEqual((await free({ name: 'book' })).json().data, { released: true });
  assertProblem(await free({ name: 'none' }), 404, 'ENTITY_NOT_FOUND');
  assertProblem(await free({}), 400, 'ADMIN_BAD_REQUEST');
  assert.deepEqual((await admin.call('GET', '/api/v1/explain?host=a.example&method=post&path=/x')).json().data, {
    asked: { host: 'a.example', method: 'POST', path: '/x' },
  });
  assert.deepEqual((await admin.call('GET', '/api/v1/explain?path=/')).json().data, { asked: { host: '', method: 'GET', path: '/' } });
  assertProblem(await admin.call('GET', '/api/v1/explain?path=x'), 400, 'ADMIN_BAD_REQUEST');
  await using bare = await startAdmin();
  assertProblem(await bare.call('GET', '/api/v1/explain?path=/'), 404, 'ADMIN_NOT_FOUND');
  assertProblem(await bare.call('GET', '/metrics'), 404, 'ADMIN_NOT_FOUND');
  assert.deepEqual((await bare.call('GET', '/api/v1/modules/status')).json().data, []);
  assert.deepEqual((await bare.call('GET', '/api/v1/extensions/status')).json().data, { environments: [], threads: [], waiting: 0 });
  assert.equal((await bare.call('GET', '/api/v1/status')).json().data.extensions, undefined);
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
