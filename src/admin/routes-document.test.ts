import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, EXAMPLES, put } from '../../test/support/admin-answers.ts';
import { startAdmin } from '../../test/support/admin-server.ts';

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
