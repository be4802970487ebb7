import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInProcess, type SeenCall, type StubAnswer, startAdminStub } from '../../test/support/admin-stub.ts';

async function play(line: string, answer: (call: SeenCall) => StubAnswer) {
  await using stub = await startAdminStub(answer);
  const result = await runInProcess(['--admin', stub.url, ...line.split(' ')]);
  return { ...result, urls: stub.calls.map((call) => call.url) };
}

test('status tells readiness and state; not ready is exit code 1', async () => {
  const state = { version: '1', phase: 'ready', listeners: [{ name: 'proxy', address: '127.0.0.1:80' }] };
  const up = await play('status', ({ url }) =>
    url === '/readyz' ? { body: { status: 'ok', revision: 7 } } : { body: { data: state, status_code: 200 } },
  );
  assert.equal(up.exit, 0);
  assert.match(up.out, /^ready: true\n/);
  assert.match(up.out, /revision: 7\n/);
  assert.match(up.out, /address: 127\.0\.0\.1:80\n/);
  const starting = await play('status -o json', ({ url }) => ({ status: 503, body: { code: 'NOT_READY', detail: `not ready: ${url}` } }));
  assert.equal(starting.exit, 1);
  assert.equal((JSON.parse(starting.out) as { ready: boolean }).ready, false);
});

test('explain asks for host, method and path', async () => {
  const { exit, out, urls } = await play('explain host=a.com path=/x?y method=PUT', () => ({
    body: { data: { namespace: 'n', others: [{ route: 'r' }] } },
  }));
  assert.equal(exit, 0);
  assert.deepEqual(urls, ['/api/v1/explain?host=a.com&method=PUT&path=%2Fx%3Fy']);
  assert.equal(out, 'namespace: n\nothers:\n  - route: r\n');
});

test('history pages backwards', async () => {
  const first = await play('history', () => ({ body: { count: 0, data: [] } }));
  assert.deepEqual(first.urls, ['/api/v1/history?limit=20']);
  assert.equal(first.out, '[]\n');
  assert.deepEqual((await play('history limit=5 before=9', () => ({}))).urls, ['/api/v1/history?limit=5&before=9']);
});

test('changelog prints what the server counts', async () => {
  const { out, urls } = await play('changelog', () => ({ body: { count: 3, hash: 'x', latest: '3' } }));
  assert.deepEqual(urls, ['/changelog']);
  assert.deepEqual(JSON.parse(out), { count: 3, hash: 'x', latest: '3' });
});
