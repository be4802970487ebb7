import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const SCHEMAS = [
  'schemas:',
  schema('shop', [property('name', 'string', 'default: ""')], ['metadata: {state_versioning: true}']),
  schema(
    'shelf',
    [property('name', 'string', 'default: ""'), property('code', '[string, "null"]', 'unique: true')],
    ['parent: shop', 'on_parent_delete_cascade: true'],
  ),
  schema('slot', [property('size', '[integer, "null"]')], ['parent: shelf', 'on_parent_delete_cascade: true']),
  schema('ware', [
    property('title', 'string', 'minLength: 1'),
    property('detail', 'object'),
    property('setup', 'object', 'default: {a: {b: 1}}'),
    property('tags', 'array', 'default: [], items: {type: string}'),
    property('count', '[integer, "null"]'),
    property('shelf_id', '[string, "null"]', 'relation: shelf, relation_property: shelf'),
    property('next_id', '[string, "null"]', 'relation: ware, relation_property: next'),
    '      owner: {title: o, description: o, type: string, default: house, permission: []}',
    '    required: [title]',
  ]),
  schema('tally', [property('label', 'string')]).replace(
    'type: string, permission: [create]',
    'type: integer, sql: integer primary key auto_increment, permission: [create]',
  ),
].join('\n');

interface EventLine {
  readonly type: string;
  readonly path: string;
  readonly version: number;
  readonly body: string;
}

onEveryDatabaseServing(SCHEMAS, ({ api, make }) => {
  before(async () => {
    await make('/t/shops', { id: 'one' });
    await make('/t/shops', { id: 'two' });
    await make('/t/shelfs', { id: 's1', shop_id: 'one' });
  });

  const events = async (path: string): Promise<readonly EventLine[]> =>
    (await api('GET', `/gohan/v0.1/events?path=${encodeURIComponent(path)}&sort_key=id`)).json().events;

  test('a create answers like a show, with its place and tag', async () => {
    const made = await api('POST', '/t/wares', { body: { id: 'w 1', title: 'Ware', shelf_id: 's1' } });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers['location'], '/t/wares/w%201');
    const shown = await api('GET', String(made.headers['location']));
    assert.deepEqual(made.json(), shown.json());
    assert.equal(made.headers['etag'], shown.headers['etag']);
    const { ware } = shown.json();
    assert.deepEqual([ware.detail, ware.setup], [null, { a: { b: 1 } }]);
    assert.deepEqual([ware.tags, ware.count, ware.owner, ware.next, ware.next_id, ware.shelf.id], [[], null, 'house', null, null, 's1']);
  });

  test('ids are made: UUIDs for texts, numbers by the database', async () => {
    const made = await make('/t/wares', { ware: { title: 'wrapped' } });
    assert.match(made.json().ware.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
    const first = await make('/t/tallys', { label: 'x' });
    const second = await make('/t/tallys', { label: 'y' });
    assert.equal(typeof first.json().tally.id, 'number');
    assert.equal(second.json().tally.id, first.json().tally.id + 1);
    assert.equal(second.headers['location'], `/t/tallys/${second.json().tally.id}`);
    assert.equal((await make('/t/tallys', { id: 77, label: 'z' })).json().tally.id, 77);
    assert.equal((await api('GET', '/t/tallys/77')).json().tally.label, 'z');
    assert.equal((await api('GET', '/t/tallys/none')).status, 404);
  });

  test('invalid bodies are refused with every broken rule', async () => {
    const answer = await api('POST', '/t/wares', { body: { title: '', count: 'many', bogus: 1, tags: [1] } });
    assert.equal(answer.status, 400);
    assert.deepEqual(
      answer
        .json()
        .errors.map(({ pointer }: { pointer: string }) => pointer)
        .toSorted(),
      ['/bogus', '/count', '/tags/0', '/title'],
    );
    for (const body of ['', 'x', '[1]', '"a"', 'null', '{"a":1', '{"title":"\\u0000"}', '{"title":"\\ud800"}', '{"\\u0000":1}']) {
      const refused = await api('POST', '/t/wares', { body: Buffer.from(body) });
      assert.deepEqual([refused.status, refused.json().code], [400, 'RESOURCE_MALFORMED'], body);
    }
    assert.equal((await api('POST', '/t/wares', { body: { id: '..', title: 'x' } })).status, 400, 'no path could name it');
    const readOnly = await api('POST', '/t/wares', { body: { title: 'x', owner: 'me' } });
    assert.ok(readOnly.status === 400 && readOnly.text.includes('owner'));
  });

  test('clashes are 409 with the property, missing relations 400', async () => {
    await make('/t/shelfs', { id: 's2', shop_id: 'one', code: 'c1' });
    for (const [body, pointer] of [
      [{ id: 's2', shop_id: 'one' }, '/id'],
      [{ id: 's3', shop_id: 'one', code: 'c1' }, '/code'],
    ] as const) {
      const answer = await api('POST', '/t/shelfs', { body });
      assert.deepEqual([answer.status, answer.json().errors?.[0]?.pointer], [409, pointer], answer.text);
    }
    const missing = await api('POST', '/t/wares', { body: { title: 'x', shelf_id: 'nowhere' } });
    assert.deepEqual([missing.status, missing.json().code], [400, 'RESOURCE_REFERENCE'], missing.text);
    assert.ok(missing.text.includes('shelf_id'));
  });

  test('PUT merges deeply or creates; PATCH never creates', async () => {
    const made = await api('PUT', '/t/wares/p1', { body: { title: 'put', detail: { x: 1 } } });
    assert.deepEqual([made.status, made.headers['location'], made.json().ware.id], [201, '/t/wares/p1', 'p1']);
    const put = await api('PUT', '/t/wares/p1', { body: { detail: { y: { z: 2 } }, tags: ['a'] } });
    assert.equal(put.status, 200);
    assert.deepEqual([put.json().ware.detail, put.json().ware.tags, put.json().ware.title], [{ x: 1, y: { z: 2 } }, ['a'], 'put']);
    const shown = await api('GET', '/t/wares/p1');
    assert.deepEqual(shown.json(), put.json());
    assert.equal(shown.headers['etag'], put.headers['etag']);
    assert.equal((await api('PATCH', '/t/wares/none', { body: { title: 'x' } })).status, 404);
    assert.equal((await api('PUT', '/t/wares/p1', { body: {} })).status, 200);
    assert.equal((await api('PUT', '/t/wares/p1', { body: { title: null } })).status, 400);
  });

  test('merge patch removes nested keys by null', async () => {
    await make('/t/wares', { id: 'm1', title: 'm', count: 3, detail: { a: 1, b: { c: 2, d: 3 } } });
    const type = { 'content-type': 'application/merge-patch+json' };
    const answer = await api('PATCH', '/t/wares/m1', { headers: type, body: { count: null, detail: { b: { c: null, e: 4 } } } });
    assert.deepEqual([answer.json().ware.count, answer.json().ware.detail], [null, { a: 1, b: { d: 3, e: 4 } }]);
    const plain = await api('PATCH', '/t/wares/m1', { body: { detail: { a: null } } });
    assert.deepEqual(plain.json().ware.detail, { a: null, b: { d: 3, e: 4 } });
  });

  test('JSON patch: every operation, and what does not fit', async () => {
    await make('/t/wares', { id: 'j1', title: 'j', tags: ['a', 'b'], detail: { k: 1 } });
    const send = (patch: unknown) =>
      api('PATCH', '/t/wares/j1', { headers: { 'content-type': 'application/json-patch+json' }, body: patch });
    const answer = await send([
      { op: 'test', path: '/title', value: 'j' },
      { op: 'replace', path: '/title', value: 'J' },
      { op: 'add', path: '/tags/1', value: 'x' },
      { op: 'add', path: '/tags/-', value: 'z' },
      { op: 'move', from: '/detail/k', path: '/detail/l~1m' },
      { op: 'copy', from: '/title', path: '/detail/t' },
      { op: 'remove', path: '/tags/0' },
    ]);
    assert.equal(answer.status, 200, answer.text);
    const { ware } = answer.json();
    assert.deepEqual([ware.title, ware.tags, ware.detail], ['J', ['x', 'b', 'z'], { 'l/m': 1, t: 'J' }]);
    assert.equal((await send([{ op: 'test', path: '/title', value: 'j' }])).status, 409);
    assert.equal((await send([{ op: 'replace', path: '/id', value: 'other' }])).status, 400);
    assert.equal((await send([{ op: 'remove', path: '/nothing' }])).status, 400);
    assert.equal((await send([{ op: 'dance', path: '/title' }])).status, 400);
    assert.equal((await send({ title: 'x' })).status, 400);
    assert.equal((await api('GET', '/t/wares/j1')).json().ware.title, 'J');
  });

  test('children: parent by body, query and path, which is really checked', async () => {
    assert.equal((await api('POST', '/t/shelfs?shop_id=two', { body: { id: 'q1' } })).json().shelf.shop_id, 'two');
    assert.equal((await api('POST', '/t/shops/two/shelfs', { body: { id: 'q2' } })).json().shelf.shop_id, 'two');
    assert.equal((await api('POST', '/t/shops/none/shelfs', { body: { id: 'q3' } })).status, 404);
    assert.equal((await api('POST', '/t/shops/two/shelfs', { body: { id: 'q4', shop_id: 'one' } })).json().shelf.shop_id, 'one');
    assert.equal((await api('POST', '/t/shelfs', { body: { id: 'q3' } })).status, 400);
    assert.equal((await api('GET', '/t/shops/two/shelfs')).headers['x-total-count'], '2');
    assert.equal((await api('GET', '/t/shops/none/shelfs')).status, 404);
    assert.equal((await api('GET', '/t/shops/two/shelfs/q1')).status, 200);
    assert.equal((await api('GET', '/t/shops/one/shelfs/q1')).status, 404);
    assert.equal((await api('PUT', '/t/shops/one/shelfs/q1', { body: { name: 'x' } })).status, 404);
    assert.equal((await api('DELETE', '/t/shops/one/shelfs/q1')).status, 404);
    assert.equal((await api('POST', '/t/shops/two/shelfs/q1/slots', { body: { id: 'x1' } })).status, 201);
    assert.equal((await api('GET', '/t/shops/one/shelfs/q1/slots')).status, 404);
    assert.equal((await api('GET', '/t/shops/two/shelfs/q1/slots/x1')).json().slot.shelf_id, 'q1');
    assert.equal((await api('PUT', '/t/shelfs/q1', { body: { shop_id: 'one' } })).status, 400);
  });

  test('every change leaves its event in the same transaction, cascades too', async () => {
    await make('/t/shops', { id: 'ev', name: 'a' });
    await make('/t/shelfs', { id: 'ev1', shop_id: 'ev' });
    await make('/t/slots', { id: 'ev2', shelf_id: 'ev1' });
    await api('PUT', '/t/shops/ev', { body: { name: 'b' } });
    assert.equal((await api('PUT', '/t/shops/ev', { body: { name: 5 } })).status, 400);
    assert.equal((await api('DELETE', '/t/shops/ev')).status, 204);
    assert.equal((await api('GET', '/t/slots/ev2')).status, 404);
    const told = (await events('/t/shops/ev')).map(({ type, version, body }) => [type, version, JSON.parse(body).name]);
    assert.deepEqual(told, [
      ['create', 1, 'a'],
      ['update', 2, 'b'],
      ['delete', 3, 'b'],
    ]);
    assert.deepEqual(
      (await events('/t/slots/ev2')).map(({ type, version }) => [type, version]),
      [
        ['create', 1],
        ['delete', 0],
      ],
    );
    assert.equal((await events('/t/shelfs/ev1')).at(-1)?.type, 'delete');
  });

  test('what others refer to is not deleted', async () => {
    await make('/t/wares', { id: 'n1', title: 'n' });
    await make('/t/wares', { id: 'n2', title: 'n', next_id: 'n1' });
    const answer = await api('DELETE', '/t/wares/n1');
    assert.deepEqual([answer.status, answer.json().code], [409, 'RESOURCE_CONFLICT'], answer.text);
    assert.equal((await api('GET', '/t/wares/n2')).json().ware.next.id, 'n1');
    assert.equal((await api('DELETE', '/t/wares/n2')).status, 204);
    assert.equal((await api('DELETE', '/t/wares/n1')).status, 204);
    assert.equal((await api('DELETE', '/t/wares/n1')).status, 404);
  });

  test('numbers beyond 2^53 travel as texts', async () => {
    const exact = '9007199254740993';
    const made = await api('POST', '/t/wares', { body: { id: 'big', title: 'big', count: exact } });
    assert.equal(made.json().ware?.count, exact, made.text);
    assert.equal((await api('GET', `/t/wares?count=${exact}`)).json().wares[0].id, 'big');
    assert.equal((await api('GET', `/t/wares?count=9007199254740992`)).json().wares.length, 0);
    const inexact = await api('POST', '/t/wares', { body: Buffer.from(`{"title":"x","count":${exact}}`) });
    assert.equal(inexact.status, 400, inexact.text);
  });

  test('methods that a path does not have', async () => {
    for (const [method, path, allow] of [
      ['DELETE', '/t/wares', 'GET, HEAD, POST, OPTIONS'],
      ['POST', '/t/wares/x', 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
    ] as const) {
      const answer = await api(method, path);
      assert.deepEqual([answer.status, answer.headers['allow']], [405, allow]);
    }
    assert.equal((await api('GET', '/t/nothing')).status, 404);
    assert.equal((await api('GET', '/t/wares/.json')).status, 404);
    assert.equal((await api('GET', '/t/wares.json')).status, 200);
    assert.equal((await api('GET', '/t/wares/')).status, 200);
  });
});
