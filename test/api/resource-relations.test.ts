import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const LABEL = property('label', 'string', "default: ''");

const SCHEMAS = `
schemas:
${schema('node', [
  LABEL,
  property('up_id', '[string, "null"]', 'relation: node, relation_property: up'),
  property('twin_id', '[string, "null"]', 'relation: twin, relation_property: twin'),
])}
${schema('twin', [LABEL, property('node_id', '[string, "null"]', 'relation: node, relation_property: node')])}
${schema('kid', [LABEL], ['parent: node', 'on_parent_delete_cascade: true'])}
${schema('toy', [LABEL, property('code', '[string, "null"]', 'unique: true')], ['parent: kid', 'on_parent_delete_cascade: true'])}
`;

onEveryDatabaseServing(SCHEMAS, ({ api, make }) => {
  before(async () => {
    await make('/t/nodes', { id: 'a', label: 'first' });
    await make('/t/nodes', { id: 'b', label: 'second', up_id: 'a' });
    await make('/t/twins', { id: 't', label: 'twin', node_id: 'b' });
    await make('/t/kids', { id: 'k', node_id: 'a' });
  });

  test('a schema relates to itself, and a row to itself', async () => {
    assert.equal((await api('GET', '/t/nodes/b')).json().node.up.label, 'first');
    assert.equal((await api('PUT', '/t/nodes/a', { body: { up_id: 'a' } })).status, 200);
    assert.equal((await api('GET', '/t/nodes/a')).json().node.up.id, 'a');
    await make('/t/nodes', { id: 'self', up_id: 'self' });
  });

  test('relations that go round are embedded from either side', async () => {
    assert.equal((await api('PUT', '/t/nodes/b', { body: { twin_id: 't' } })).status, 200);
    assert.equal((await api('GET', '/t/nodes/b')).json().node.twin.label, 'twin');
    assert.equal((await api('GET', '/t/twins/t')).json().twin.node.label, 'second');
    assert.equal((await api('DELETE', '/t/twins/t')).status, 409);
  });

  test('a relation without a value is null; _details=false leaves relations out', async () => {
    const made = await make('/t/twins', { id: 'alone' });
    assert.deepEqual(made.json().twin, { id: 'alone', label: '', node_id: null, node: null });
    assert.deepEqual((await api('GET', '/t/twins/alone')).json(), made.json());
    assert.deepEqual((await api('GET', '/t/twins?id=alone')).json().twins, [made.json().twin]);
    assert.deepEqual((await api('GET', '/t/twins/t?_details=false')).json().twin, { id: 't', label: 'twin', node_id: 'b' });
  });

  test('_fields reaches into relations, and leaves out what has no value', async () => {
    const fields = '_fields=id&_fields=up_id&_fields=twin.label';
    assert.deepEqual((await api('GET', `/t/nodes/b?${fields}`)).json().node, { id: 'b', up_id: 'a', twin: { label: 'twin' } });
    await make('/t/nodes', { id: 'bare' });
    assert.deepEqual((await api('GET', `/t/nodes?id=bare&${fields}`)).json().nodes, [{ id: 'bare' }]);
    assert.deepEqual((await api('GET', '/t/nodes/bare?_fields=node.id&_fields=nothing')).json().node, { id: 'bare' });
  });

  test('long paths are walked to their end, and every ancestor must be right', async () => {
    await make('/t/nodes/a/kids/k/toys', { id: 'x' });
    await make('/t/toys', { id: 'y', kid_id: 'k' });
    const list = await api('GET', '/t/nodes/a/kids/k/toys?sort_order=desc&limit=1');
    assert.equal(list.headers['x-total-count'], '2');
    assert.equal(list.json().toys[0].id, 'y');
    for (const path of [
      '/t/nodes/b/kids/k/toys',
      '/t/nodes/a/kids/none/toys',
      '/t/nodes/none/kids',
      '/t/nodes/b/kids/k',
      '/t/kids/k/toys',
    ]) {
      assert.equal((await api('GET', path)).status, 404, path);
    }
    assert.equal((await api('POST', '/t/nodes/b/kids/k/toys', { body: {} })).status, 404);
    assert.equal((await api('PUT', '/t/nodes/b/kids/k', { body: { label: 'x' } })).status, 404);
    assert.equal((await api('DELETE', '/t/nodes/b/kids/k')).status, 404);
    assert.equal((await api('PUT', '/t/nodes/a/kids/put', { body: {} })).json().kid.node_id, 'a');
  });

  test('refusals of the database begin as Gohan writes them, and name the property', async () => {
    const missing = await api('PUT', '/t/nodes/b', { body: { up_id: 'none' } });
    assert.equal(missing.status, 400);
    assert.match(missing.json().error, /^Related resource does not exist\. Please check your request: .*up_id/);
    assert.equal(missing.json().errors[0].pointer, '/up_id');
    await make('/t/toys', { id: 'u1', kid_id: 'k', code: 'c' });
    const taken = await api('POST', '/t/toys', { body: { id: 'u2', kid_id: 'k', code: 'c' } });
    assert.equal(taken.status, 409);
    assert.match(taken.json().error, /^Failed to store data in database: .*code/);
    assert.equal(taken.json().errors[0].pointer, '/code');
  });

  test('a delete takes children and their children along', async () => {
    await make('/t/nodes', { id: 'root' });
    await make('/t/nodes/root/kids', { id: 'child' });
    await make('/t/nodes/root/kids/child/toys', { id: 'grandchild' });
    assert.equal((await api('DELETE', '/t/nodes/root')).status, 204);
    assert.equal((await api('GET', '/t/kids/child')).status, 404);
    assert.equal((await api('GET', '/t/toys/grandchild')).status, 404);
  });
});
