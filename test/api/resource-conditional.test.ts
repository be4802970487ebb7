import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const SCHEMAS = [
  'schemas:',
  schema('base', [property('name', 'string')]),
  schema('doc', [
    property('text', 'string'),
    property('tag', '[string, "null"]', 'unique: true'),
    property('more', 'object', 'default: {}'),
    property('base_id', '[string, "null"]', 'relation: base, relation_property: base'),
  ]),
].join('\n');

onEveryDatabaseServing(SCHEMAS, ({ api, make }) => {
  before(async () => {
    await make('/t/bases', { id: 'b', name: 'base' });
  });

  const tagOf = async (path: string): Promise<string> => String((await api('GET', path)).headers['etag']);

  test('If-None-Match: 304 while nothing changed, also of what is embedded', async () => {
    await make('/t/docs', { id: 'f', text: 'x', base_id: 'b', more: { z: 1, a: 2 } });
    const tag = await tagOf('/t/docs/f');
    const fresh = await api('GET', '/t/docs/f', { headers: { 'if-none-match': `"other", ${tag}` } });
    assert.deepEqual([fresh.status, fresh.text, fresh.headers['etag']], [304, '', tag]);
    await api('PUT', '/t/bases/b', { body: { name: 'changed' } });
    const changed = await api('GET', '/t/docs/f', { headers: { 'if-none-match': tag } });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers['etag'], tag);
    // What is embedded is no part of the resource: its writers are not disturbed.
    assert.equal((await api('PUT', '/t/docs/f', { headers: { 'if-match': tag }, body: { text: 'y' } })).status, 200);
  });

  test('If-Match: 412 on an older version, for every write', async () => {
    await make('/t/docs', { id: 'm', text: 'x' });
    const tag = await tagOf('/t/docs/m');
    const put = await api('PUT', '/t/docs/m', { headers: { 'if-match': tag }, body: { text: 'y' } });
    assert.equal(put.status, 200);
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const answer = await api(method, '/t/docs/m', { headers: { 'if-match': tag }, ...(method !== 'DELETE' && { body: { text: 'z' } }) });
      assert.deepEqual([answer.status, answer.json().code], [412, 'RESOURCE_PRECONDITION'], method);
    }
    assert.equal(
      (await api('PATCH', '/t/docs/m', { headers: { 'if-match': String(put.headers['etag']) }, body: { text: 'z' } })).status,
      200,
    );
    assert.equal((await api('PUT', '/t/docs/none', { headers: { 'if-match': '*' }, body: { text: 'z' } })).status, 412);
    assert.equal((await api('PUT', '/t/docs/m', { headers: { 'if-none-match': '*' }, body: { text: 'z' } })).status, 412);
    assert.equal((await api('PUT', '/t/docs/new', { headers: { 'if-none-match': '*' }, body: { text: 'z' } })).status, 201);
    assert.equal((await api('DELETE', '/t/docs/m', { headers: { 'if-match': '*' } })).status, 204);
  });

  test('of writers with the same tag one wins', async () => {
    await make('/t/docs', { id: 'race', text: 'x' });
    const tag = await tagOf('/t/docs/race');
    const writes = ['a', 'b', 'c', 'd'].map((text) => api('PUT', '/t/docs/race', { headers: { 'if-match': tag }, body: { text } }));
    const statuses = (await Promise.all(writes)).map(({ status }) => status).toSorted((a, b) => a - b);
    assert.deepEqual(statuses, [200, 412, 412, 412]);
  });

  test('PUTs of a new resource at the same time all succeed; with If-None-Match one does', async () => {
    const put = (id: string, text: string, headers = {}) => api('PUT', `/t/docs/${id}`, { body: { text }, headers });
    const plain = await Promise.all(['a', 'b', 'c', 'd'].map((text) => put('together', text)));
    const statuses = plain.map(({ status }) => status);
    assert.ok(statuses.includes(201) && statuses.every((status) => status < 300), plain.map(({ text }) => text).join('\n'));
    const only = await Promise.all(['a', 'b', 'c', 'd'].map((text) => put('once', text, { 'if-none-match': '*' })));
    assert.deepEqual(
      only.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 412, 412, 412],
    );
  });

  test('return=minimal', async () => {
    const headers = { prefer: 'return=minimal' };
    const made = await api('POST', '/t/docs', { headers, body: { id: 'min', text: 'x' } });
    assert.deepEqual([made.status, made.text, made.headers['location']], [201, '', '/t/docs/min']);
    const put = await api('PUT', '/t/docs/min', { headers, body: { text: 'y' } });
    assert.deepEqual([put.status, put.text, put.headers['etag']], [204, '', await tagOf('/t/docs/min')]);
  });

  test('a repeated request with its Idempotency-Key gets the first answer', async () => {
    const headers = { 'idempotency-key': 'k1' };
    const first = await api('POST', '/t/docs', { headers, body: { text: 'once' } });
    const again = await api('POST', '/t/docs', { headers, body: { text: 'once' } });
    assert.deepEqual([again.status, again.text, again.headers['location']], [201, first.text, first.headers['location']]);
    assert.deepEqual([first.headers['idempotency-replayed'], again.headers['idempotency-replayed']], [undefined, 'true']);
    assert.equal((await api('GET', '/t/docs?text=once')).headers['x-total-count'], '1');
    const other = await api('POST', '/t/docs', { headers, body: { text: 'twice' } });
    assert.deepEqual([other.status, other.json().code], [422, 'IDEMPOTENCY_MISMATCH']);
    // Keys of other callers are other keys.
    assert.equal((await api('POST', '/t/docs', { headers, token: 'demo_token', body: { text: 'once' } })).status, 403);
  });

  test('the same key at the same time makes one resource', async () => {
    const headers = { 'idempotency-key': 'k2' };
    const all = await Promise.all([1, 2, 3, 4].map(() => api('POST', '/t/docs', { headers, body: { id: 'k2', text: 'four' } })));
    assert.deepEqual(
      all.map(({ status }) => status),
      [201, 201, 201, 201],
      all.map(({ text }) => text).join('\n'),
    );
    assert.equal((await api('GET', '/t/docs?text=four')).headers['x-total-count'], '1');
  });

  test('a failed request keeps no key', async () => {
    const headers = { 'idempotency-key': 'k3' };
    assert.equal((await api('POST', '/t/docs', { headers, body: { text: 5 } })).status, 400);
    assert.equal((await api('POST', '/t/docs', { headers, body: { text: 'five' } })).status, 201);
  });

  test('validate_only does everything and keeps nothing', async () => {
    await make('/t/docs', { id: 'v', text: 'x', tag: 'taken' });
    const made = await api('POST', '/t/docs?validate_only=true', { body: { id: 'v1', text: 'x' } });
    assert.deepEqual([made.status, made.json().doc.id], [200, 'v1']);
    assert.equal((await api('GET', '/t/docs/v1')).status, 404);
    assert.equal((await api('POST', '/t/docs?validate_only=true', { body: { text: 'x', tag: 'taken' } })).status, 409);
    assert.equal((await api('PUT', '/t/docs/v?validate_only=true', { body: { text: 'y' } })).json().doc.text, 'y');
    assert.equal((await api('DELETE', '/t/docs/v?validate_only=true')).status, 204);
    assert.equal((await api('GET', '/t/docs/v')).json().doc.text, 'x');
    assert.equal((await api('POST', '/t/docs?validate_onyl=true', { body: { text: 'x' } })).status, 400);
  });

  test('HEAD and OPTIONS', async () => {
    await make('/t/docs', { id: 'h', text: 'x' });
    const head = await api('HEAD', '/t/docs/h');
    assert.deepEqual([head.status, head.text, head.headers['etag']], [200, '', await tagOf('/t/docs/h')]);
    const options = await api('OPTIONS', '/t/docs/h', { token: '' });
    assert.deepEqual([options.status, options.text, options.headers['allow']], [200, '', 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS']);
  });
});
