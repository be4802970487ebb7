import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const TENANT = property('tenant_id', '[string, "null"]');

const SCHEMAS = `
policies:
- {id: person_own, action: '*', principal: Member, condition: [is_owner], resource: {path: '^/t/persons.*', blacklistProperties: [salary]}}
- {id: person_seen, action: read, principal: Visible, resource: {path: '^/t/persons/open-.*', properties: [id, name]}}
- {id: badge_member, action: '*', principal: Member, resource: {path: '^/t/badges.*'}}
- {id: badge_visible, action: read, principal: Visible, resource: {path: '^/t/badges.*', properties: [id, person_id, person]}}
- {id: badge_hidden, action: read, principal: Hidden, resource: {path: '^/t/badges.*', blacklistProperties: [person_id]}}
- {id: paper_read, action: read, principal: Member, condition: [{type: property, action: read, match: {state: [open, done]}}], resource: {path: '^/t/papers.*'}}
- {id: paper_make, action: create, principal: Member, resource: {path: '^/t/papers.*'}}
- {id: paper_write, action: update, principal: Member, condition: [{type: property, action: update, match: {state: {open: [open, done]}}}], resource: {path: '^/t/papers.*'}}
- {id: draft_read, action: read, principal: Member, condition: [{type: property, action: read, match: {state: [open]}}], resource: {path: '^/t/drafts.*'}}
- {id: draft_write, action: '*', principal: Member, resource: {path: '^/t/drafts.*'}}
- {id: drop_box, action: create, principal: Hidden, resource: {path: '^/t/drafts.*'}}
- {id: board, action: '*', principal: Nobody, resource: {path: '^/t/boards.*'}}
- {id: no_archive, action: '*', principal: Member, effect: deny, resource: {path: '^/t/papers/archive'}}
- {id: link_attach, action: __attach__, principal: Member, relation_property: '*', target_condition: [is_owner], resource: {path: '^/t/links.*'}}
- {id: link_member, action: '*', principal: Member, condition: [is_owner], resource: {path: '^/t/links.*'}}
- {id: schema_read, action: read, principal: Visible, resource: {path: '^/gohan/v0.1/schema.*'}}
schemas:
${schema('person', [property('name', 'string'), property('salary', '[integer, "null"]'), TENANT])}
${schema('badge', [property('code', 'string'), property('person_id', '[string, "null"]', 'relation: person, relation_property: person')])}
${schema('paper', [property('state', 'string')])}
${schema('draft', [property('state', 'string'), property('note', '[string, "null"]')])}
${schema('board', [property('text', 'string')])}
${schema('link', [
  TENANT,
  property('to_id', '[string, "null"]', 'relation: person'),
  property(
    'box',
    '[object, "null"]',
    'properties: {list: {type: array, items: {type: object, properties: {to_id: {type: string, relation: person}}}}}',
  ),
])}
`;

onEveryDatabaseServing(SCHEMAS, ({ api, make }) => {
  const DEMO = 'demo_token';
  const OTHER = 'power_user_token';

  before(async () => {
    await make('/t/persons', { id: 'open-1', name: 'Ann', salary: 10, tenant_id: 'fc394f2ab2df4114bde39905f800dc57' });
    await make('/t/persons', { id: 'mine', name: 'Bob', salary: 30, tenant_id: 'fc394f2ab2df4114bde39905f800dc57' });
    await make('/t/persons', { id: 'theirs', name: 'Cid', salary: 20, tenant_id: 'acf5662bbff44060b93ac3db3c25a590' });
    for (const id of ['open-1', 'mine', 'theirs']) await make('/t/badges', { id: `b-${id}`, code: `secret-${id}`, person_id: id });
    for (const state of ['open', 'done', 'void']) await make('/t/papers', { id: state, state });
  });

  test('without credentials: 401 with a challenge, unless Nobody may', async () => {
    const answer = await api('GET', '/t/persons', { token: '' });
    assert.deepEqual([answer.status, answer.json().code], [401, 'IDENTITY_REQUIRED']);
    assert.match(String(answer.headers['www-authenticate']), /^Bearer/);
    assert.equal((await api('GET', '/t/persons', { token: 'wrong' })).status, 401);
    assert.equal((await api('POST', '/t/boards', { token: '', body: { id: 'x', text: 'hi' } })).status, 201);
    assert.equal((await api('GET', '/t/boards/x', { token: '' })).json().board.text, 'hi');
    assert.equal((await api('GET', '/t/boards/x', { token: 'wrong' })).status, 401);
    assert.equal((await api('GET', '/t/boards', { token: DEMO })).status, 403);
  });

  test('bearer and cookie carry tokens too', async () => {
    assert.equal((await api('GET', '/t/persons', { token: '', headers: { authorization: 'Bearer admin_token' } })).status, 200);
    assert.equal((await api('GET', '/t/persons', { token: '', headers: { cookie: 'a=b; Auth-Token=admin_token' } })).status, 200);
  });

  test('no answer has a hidden property', async () => {
    for (const path of ['/t/persons', '/t/persons/mine', '/t/persons?_fields=id&_fields=salary', '/t/persons?page_size=1', '/_all']) {
      const answer = await api('GET', path, { token: DEMO });
      assert.equal(answer.status, 200, answer.text);
      assert.ok(!answer.text.includes('salary'), path);
    }
    assert.equal((await api('GET', '/t/persons?_fields=salary', { token: DEMO })).status, 400);
    const put = await api('PUT', '/t/persons/mine', { token: DEMO, body: { name: 'Bob' } });
    assert.ok(put.status === 200 && !put.text.includes('salary'), put.text);
    const patched = await api('PATCH', '/t/persons/mine', {
      token: DEMO,
      headers: { 'content-type': 'application/json-patch+json' },
      body: [{ op: 'copy', from: '/salary', path: '/name' }],
    });
    assert.equal(patched.status, 400, patched.text);
  });

  test('a hidden property neither filters nor sorts', async () => {
    assert.equal((await api('GET', '/t/persons?salary=30', { token: DEMO })).headers['x-total-count'], '2');
    assert.equal((await api('GET', '/t/persons?salary__gt=20', { token: DEMO })).headers['x-total-count'], '2');
    for (const query of ['sort_key=salary', 'sort=salary:desc']) {
      const hidden = await api('GET', `/t/persons?${query}`, { token: DEMO });
      const missing = await api('GET', `/t/persons?${query.replace('salary', 'wages')}`, { token: DEMO });
      assert.deepEqual([hidden.status, hidden.json().detail.replace('salary', 'wages')], [400, missing.json().detail]);
    }
    assert.equal((await api('PUT', '/t/persons/mine', { token: DEMO, body: { salary: 1 } })).status, 403);
    assert.equal((await api('POST', '/t/persons', { token: DEMO, body: { salary: 1 } })).status, 403);
  });

  test('related resources are embedded as their own policy shows them', async () => {
    const seen = async (token: string): Promise<unknown> =>
      (await api('GET', '/t/badges', { token })).json().badges.map(({ person }: { person?: unknown }) => person);
    assert.deepEqual(await seen(DEMO), [
      { id: 'mine', name: 'Bob', tenant_id: 'fc394f2ab2df4114bde39905f800dc57' },
      { id: 'open-1', name: 'Ann', tenant_id: 'fc394f2ab2df4114bde39905f800dc57' },
      null,
    ]);
    assert.deepEqual(await seen('visible_token'), [null, { id: 'open-1', name: 'Ann' }, null]);
    assert.deepEqual(await seen('hidden_token'), [undefined, undefined, undefined]);
    const picked = await api('GET', '/t/badges?_fields=id&_fields=person.name&_fields=person.salary', { token: DEMO });
    assert.deepEqual(picked.json().badges, [
      { id: 'b-mine', person: { name: 'Bob' } },
      { id: 'b-open-1', person: { name: 'Ann' } },
      { id: 'b-theirs' },
    ]);
    assert.ok(!(await api('GET', '/t/badges?_fields=id&_fields=person.name', { token: 'hidden_token' })).text.includes('Ann'));
    assert.equal((await api('GET', '/t/badges/b-mine', { token: 'admin_token' })).json().badge.person.salary, 30);
  });

  test('rows of others are not there: show, list, write', async () => {
    assert.equal((await api('GET', '/t/persons/theirs', { token: DEMO })).status, 404);
    assert.equal((await api('PUT', '/t/persons/theirs', { token: DEMO, body: { name: 'x' } })).status, 404);
    assert.equal((await api('DELETE', '/t/persons/theirs', { token: DEMO })).status, 404);
    assert.deepEqual((await api('GET', '/t/persons?id=theirs', { token: DEMO })).json(), { persons: [] });
    const all = (await api('GET', '/_all', { token: DEMO })).json();
    assert.deepEqual(
      all.persons.map(({ id }: { id: string }) => id),
      ['mine', 'open-1'],
    );
    assert.equal((await api('POST', '/t/persons', { token: DEMO, body: { tenant_id: 'acf5662bbff44060b93ac3db3c25a590' } })).status, 403);
    assert.equal((await api('POST', '/t/persons', { token: DEMO, body: { tenant_id: null } })).status, 403);
  });

  test('property conditions are in the totals, and decide about updates', async () => {
    const list = await api('GET', '/t/papers', { token: DEMO });
    assert.equal(list.headers['x-total-count'], '2');
    assert.equal((await api('GET', '/t/papers/void', { token: DEMO })).status, 404);
    assert.equal((await api('PUT', '/t/papers/open', { token: DEMO, body: { state: 'void' } })).status, 403);
    assert.equal((await api('PUT', '/t/papers/done', { token: DEMO, body: { state: 'open' } })).status, 403);
    assert.equal((await api('PUT', '/t/papers/open', { token: DEMO, body: { state: 'done' } })).status, 200);
    assert.equal((await api('DELETE', '/t/papers/done', { token: DEMO })).status, 403);
  });

  test('what a write leaves out of the reach of reading is not shown, and stays', async () => {
    const made = await api('POST', '/t/drafts', { token: DEMO, body: { id: 'shut', state: 'shut', note: 'n' } });
    assert.deepEqual([made.status, made.text, made.headers['location'], made.headers['etag']], [201, '', '/t/drafts/shut', undefined]);
    assert.equal((await api('GET', '/t/drafts/shut', { token: DEMO })).status, 404);
    const blind = await api('PATCH', '/t/drafts/shut', { token: DEMO, body: {} });
    assert.deepEqual([blind.status, blind.text], [204, '']);

    const opened = await api('PATCH', '/t/drafts/shut', { token: DEMO, body: { state: 'open' } });
    assert.deepEqual([opened.status, opened.json().draft.note], [200, 'n']);
    const key = { headers: { 'idempotency-key': 'leave' }, token: DEMO, body: { state: 'shut' } };
    for (const answer of [await api('PUT', '/t/drafts/shut', key), await api('PUT', '/t/drafts/shut', key)])
      assert.deepEqual([answer.status, answer.text], [204, '']);
    assert.equal((await api('GET', '/t/drafts/shut')).json().draft.state, 'shut');

    const dropped = await api('POST', '/t/drafts', { token: 'hidden_token', body: { state: 'shut', note: 'in' } });
    assert.deepEqual([dropped.status, dropped.json().draft.note], [201, 'in'], 'without a policy of reading, that of the write decides');
  });

  test('a deny policy wins for the ids that it names alone', async () => {
    await make('/t/papers', { id: 'archive-1', state: 'open' });
    assert.equal((await api('GET', '/t/papers/archive-1', { token: DEMO })).status, 403);
    assert.equal((await api('GET', '/t/papers/done', { token: DEMO })).status, 200);
  });

  test('attach policies hold for every relation, nested ones too', async () => {
    assert.equal(
      (await api('POST', '/t/links', { token: DEMO, body: { id: 'l', to_id: 'mine', box: { list: [{ to_id: 'open-1' }] } } })).status,
      201,
    );
    for (const body of [{ to_id: 'theirs' }, { box: { list: [{ to_id: 'mine' }, { to_id: 'theirs' }] } }]) {
      const answer = await api('PUT', '/t/links/l', { token: DEMO, body });
      assert.deepEqual([answer.status, answer.json().detail], [400, 'Related resource person ID "theirs" not found']);
    }
    assert.equal((await api('PUT', '/t/links/l', { token: OTHER, body: { to_id: 'theirs' } })).status, 404);
  });

  test('the schema API shows what the caller may read', async () => {
    const answer = await api('GET', '/gohan/v0.1/schemas', { token: 'visible_token' });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(
      answer
        .json()
        .schemas.map(({ id }: { id: string }) => id)
        .filter((id: string) => id !== 'schema'),
      ['badge'],
    );
    assert.equal((await api('GET', '/gohan/v0.1/schemas/paper', { token: 'visible_token' })).status, 404);
    const badge = (await api('GET', '/gohan/v0.1/schemas/badge', { token: 'visible_token' })).json().schema;
    assert.deepEqual([Object.keys(badge.schema.properties), badge.schema.permission], [['id', 'person_id'], ['read']]);
    assert.equal((await api('GET', '/gohan/v0.1/schemas', { token: DEMO })).status, 403);
    assert.equal((await api('GET', '/gohan/v0.1/version', { token: DEMO })).json().app, '<unknown>');
    const openapi = (await api('GET', '/openapi.json', { token: DEMO })).json();
    assert.equal(openapi.openapi, '3.1.0');
    assert.ok('/t/persons' in openapi.paths && !('/t/boards' in openapi.paths) && !JSON.stringify(openapi).includes('salary'));
  });
});
