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
${schema('thing', [property('name', 'string')])}
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

  test('what became wrong is left out, and the rest is served', async () => {
    await make(policies, { id: 'broken', principal: 'Member', action: 'read', resource: { path: '^/t/things' } });
    assert.equal((await api('PUT', `${policies}/broken`, { body: { resource: { path: '(' } } })).status, 200);
    await gateway().restart();
    assert.equal(await demo('/t/things'), 403);
    await until('it is told', () => /policy broken of the database.*no regular expression/.test(gateway().log()));
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
