import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';
import { until } from '../support/until.ts';

const SCHEMAS = `
policies:
- {id: filed, action: read, principal: Hidden, resource: {path: '^/t/things.*'}}
namespaces:
- {id: top, prefix: top, name: top, description: top}
schemas:
${schema('thing', [property('name', 'string'), property('to_id', '[string, "null"]', 'relation: thing')])}
`;

/** Policies, schema groups and extensions are resources too; what is stored of them counts from the next start on (gohan.md 1.13). */
onEveryDatabaseServing(SCHEMAS, ({ api, make, gateway }) => {
  const policies = '/gohan/v0.1/policies';
  const demo = async (path: string, method = 'GET', body?: unknown): Promise<number> =>
    (await api(method, path, { token: 'demo_token', body })).status;

  before(async () => {
    await make('/t/things', { id: 'a', name: 'x' });
  });

  test('a stored policy opens what no file opens, after a restart', async () => {
    const resource = { path: '^/t/things.*' };
    const condition = [{ or: [{ match: { property: 'name', type: 'eq', value: 'x' } }] }];
    await make(policies, { id: 'look', principal: 'Member', action: 'read', effect: 'allow', resource, condition });
    await make(policies, { id: 'filed', principal: 'Member', action: 'delete', resource });
    assert.equal(await demo('/t/things'), 403);
    await gateway().restart();
    assert.equal(await demo('/t/things/a'), 200);
    assert.equal(await demo('/t/things/a', 'PUT', { name: 'y' }), 403);
    assert.equal(await demo('/t/things/a', 'DELETE'), 403, 'the id is that of a policy in a file, which wins');
    await until('it is told', () => /a stored policy \(it is left out/.test(gateway().log()));

    assert.equal((await api('DELETE', `${policies}/look`)).status, 204);
    await gateway().restart();
    assert.equal(await demo('/t/things/a'), 403);
  });

  test('what would not build is refused when it is put', async () => {
    const refused = await api('POST', policies, { body: { id: 'bad', principal: 'Member', action: 'read', resource: { path: '(' } } });
    assert.deepEqual([refused.status, refused.json().code], [400, 'RESOURCE_INVALID']);
    assert.match(refused.text, /no regular expression/);
    const misspelt = { id: 'bad', principal: 'Member', action: 'read', resource: { path: '^/t' }, condition: ['is_ovner'] };
    assert.match((await api('POST', policies, { body: misspelt })).text, /is_owner/);
  });

  test('nor what an update would make wrong', async () => {
    await make(policies, { id: 'right', principal: 'Member', action: 'read', resource: { path: '^/t/none' } });
    const put = (path: string, body: unknown) => api('PUT', path, { body });
    const refused = await put(`${policies}/right`, { resource: { path: '(' } });
    assert.deepEqual([refused.status, refused.json().code], [400, 'RESOURCE_INVALID']);
    assert.match((await put(`${policies}/right`, { condition: ['is_ovner'] })).text, /is_owner/);
    assert.equal((await put(`${policies}/right`, { description: 'fine', effect: 'deny' })).status, 200);
    assert.equal((await api('DELETE', `${policies}/right`)).status, 204);

    const extensions = '/gohan/v0.1/extensions';
    const wrong = await api('POST', extensions, { body: { id: 'ext', path: '(', code: '1' } });
    assert.deepEqual([wrong.status, wrong.json().code], [400, 'RESOURCE_INVALID'], wrong.text);
    await make(extensions, { id: 'ext', path: '^/t/none', code: '1' });
    assert.equal((await put(`${extensions}/ext`, { path: '(' })).status, 400);
    assert.equal((await api('DELETE', `${extensions}/ext`)).status, 204);
  });

  test('what became wrong is left out, and the rest is served', async () => {
    const rule = { relation_property: 'to_id', target_condition: ['is_owner'] };
    await make(policies, { id: 'broken', principal: 'Member', action: '__attach__', resource: { path: '^/t/things' }, ...rule });
    gateway().write('schemas.yaml', SCHEMAS.replace('to_id', 'other_id'));
    await gateway().restart();
    assert.equal(await demo('/t/things'), 403);
    await until('it is told', () => /policy broken of the database.*no schema has a relation to_id/.test(gateway().log()));
    assert.equal((await api('DELETE', `${policies}/broken`)).status, 204);
  });

  test('stored schema groups are listed with those of the files', async () => {
    await make('/gohan/v0.1/namespaces', { id: 'a_child', parent: 'middle', prefix: 'v1' });
    await make('/gohan/v0.1/namespaces', { id: 'middle', parent: 'top', prefix: 'mid' });
    await make('/gohan/v0.1/namespaces', { id: 'clash', prefix: 't/things' });
    await gateway().restart();
    assert.deepEqual((await api('GET', '/top/')).json(), {
      versions: [{ status: 'CURRENT', id: 'mid', links: [{ href: '/top/mid/', rel: 'self' }] }],
    });
    assert.deepEqual((await api('GET', '/top/mid/v1')).json(), { resources: [] });
    assert.equal((await api('GET', '/t/things')).json().things.length, 1);
    for (const id of ['a_child', 'middle', 'clash']) assert.equal((await api('DELETE', `/gohan/v0.1/namespaces/${id}`)).status, 204);
  });
});
