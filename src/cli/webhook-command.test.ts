import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInProcess, type StubAnswer, startAdminStub } from '../../test/support/admin-stub.ts';

async function play(line: string, answer?: StubAnswer) {
  await using stub = await startAdminStub(answer && (() => answer));
  const result = await runInProcess(['--admin', stub.url, ...line.split(' ')]);
  return { ...result, calls: stub.calls.map(({ method, url, body }) => ({ method, url, body })) };
}

const LETTER = { receiver: 'r', id: 7, type: 'update', path: '/v1/nets/a', timestamp: 1, version: 2, attempts: 3 };

test('list counts for every receiver, or lists the dead letters of one', async () => {
  const status = { receiver: 'r', waiting: 1, oldest: 1_767_225_600, dead: 2, isConfigured: true };
  for (const line of ['webhook', 'webhook list']) {
    const { exit, out, calls } = await play(line, { body: { data: [status] } });
    assert.equal(exit, 0);
    assert.equal(calls[0]?.url, '/api/v1/sync/webhooks');
    assert.match(out, /^RECEIVER +WAITING +OLDEST +DEAD +CONFIGURED\nr +1 +2026-01-01T00:00:00Z +2 +yes\n$/);
  }
  assert.deepEqual(JSON.parse((await play('webhook -o json', { body: { data: [status] } })).out), [status]);
  const letters = await play('webhook list a/b limit=1 after=6', {
    body: { data: [{ ...LETTER, diedAt: '2026-01-01T00:00:00.000Z', reason: 'the answer was 400' }] },
  });
  assert.equal(letters.calls[0]?.url, '/api/v1/sync/webhooks/a%2Fb/dead-letters?limit=1&after=6');
  assert.match(letters.out, /^ID .*REASON\n7 +update +\/v1\/nets\/a +2 +3 +2026-.* the answer was 400\n$/);
  assert.match(letters.err, /there may be more: sekisho webhook list a\/b after=7\n/);
});

test('show asks for one; retry and drop name ids, or all', async () => {
  const shown = await play('webhook show r 7', { body: { data: { ...LETTER, resource: { id: 'a' } } } });
  assert.deepEqual(shown.calls, [{ method: 'GET', url: '/api/v1/sync/webhooks/r/dead-letters/7', body: undefined }]);
  assert.match(shown.out, /resource:\n {2}id: a\n/);
  const retried = await play('webhook retry r 7 8 7', { body: { data: { count: 2 } } });
  assert.deepEqual(retried.calls, [{ method: 'POST', url: '/api/v1/sync/webhooks/r/dead-letters/retry', body: { ids: [7, 8] } }]);
  assert.deepEqual([retried.exit, retried.out], [0, 'count: 2\n']);
  const dropped = await play('webhook drop r all', { body: { data: { count: 0 } } });
  assert.deepEqual(dropped.calls, [{ method: 'DELETE', url: '/api/v1/sync/webhooks/r/dead-letters', body: undefined }]);
  assert.equal(dropped.exit, 0);
});

test('ids that are no dead letters are told, with exit code 1', async () => {
  const { exit, out, err } = await play('webhook drop r 7 8 9', { body: { data: { count: 1 } } });
  assert.deepEqual([exit, out], [1, 'count: 1\n']);
  assert.match(err, /2 of 3 ids are no dead letters of r/);
});

test('nothing is sent again or deleted by a slip', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['webhook lst', /found 'lst', allowed is one of list, show, retry, drop; did you mean list\?/],
    ['webhook show', /name of a receiver/],
    ['webhook show r', /id of one dead letter; sekisho webhook list r lists them/],
    ['webhook drop r', /webhook drop needs ids of dead letters, or all/],
    ['webhook retry r', /webhook retry needs ids of dead letters, or all/],
    ['webhook drop r all 7', /found all and ids; give one of them/],
    ['webhook drop r seven', /found 'seven', expected the id of a dead letter/],
    ['webhook list r limt=3', /unknown key 'limt'; did you mean limit\?/],
  ];
  for (const [line, want] of cases) {
    const { exit, err, calls } = await play(line);
    assert.equal(exit, 2, line);
    assert.match(err, want);
    assert.deepEqual(calls, []);
  }
});
