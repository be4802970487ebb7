import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, EXAMPLES, put, putAll } from '../../test/support/admin-answers.ts';
import { startAdmin } from '../../test/support/admin-server.ts';
import { makeCertificate } from '../../test/support/certificates.ts';
import type { Answer } from '../../test/support/client.ts';
import { createTempFolder } from '../../test/support/temp.ts';

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
      assert.equal(one.headers.etag, `"${String(one.headers['x-sekisho-revision'])}"`);
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
