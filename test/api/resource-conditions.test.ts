import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const TENANT = property('tenant_id', '[string, "null"]');
const DEMO_TENANT = 'fc394f2ab2df4114bde39905f800dc57';
const OTHER_TENANT = 'acf5662bbff44060b93ac3db3c25a590';

const SCHEMAS = `
policies:
- id: mixed
  action: '*'
  principal: Member
  condition:
  - and:
    - or: [is_owner, {match: {property: kind, type: eq, value: [public, shared]}}]
    - match: {property: kind, type: neq, value: gone}
    - match: {property: size, type: neq, value: 13}
  resource: {path: '^/t/mixeds.*'}
- {id: homes, action: '*', principal: Member, condition: [is_domain_owner], resource: {path: '^/t/homes.*'}}
- {id: admins, action: '*', principal: Member, scope: [admin], resource: {path: '^/t/scopes.*'}}
- {id: by_name, action: '*', principal: Member, tenant_name: '^other', resource: {path: '^/t/names.*'}}
- {id: picky_read, action: read, principal: Member, condition: [{type: property, match: {ok: [true], size: [1, 2]}}], resource: {path: '^/t/pickys.*'}}
- {id: picky_make, action: create, principal: Member, condition: [{type: property, match: {ok: [true]}}], resource: {path: '^/t/pickys.*'}}
- {id: narrow, action: read, principal: Member, resource: {path: '^/t/firsts', properties: [id, kind]}}
- {id: wide, action: read, principal: Member, resource: {path: '^/t/firsts'}}
- {id: seen, action: read, principal: Nobody, resource: {path: '^/t/opens.*', properties: [id, kind]}}
- {id: same, action: __attach__, principal: Member, relation_property: 'many', target_condition: [{and: [same_tenancy]}], resource: {path: '^/t/links.*'}}
- {id: links, action: '*', principal: Member, condition: [is_owner], resource: {path: '^/t/links.*'}}
schemas:
${schema('mixed', [TENANT, property('kind', '[string, "null"]'), property('size', '[integer, "null"]')])}
${schema('home', [TENANT, property('domain_id', 'string')])}
${schema('scope', [])}
${schema('name', [])}
${schema('picky', [property('ok', 'boolean', 'default: false'), property('size', '[integer, "null"]')])}
${schema('first', [property('kind', '[string, "null"]'), property('size', '[integer, "null"]')])}
${schema('open', [property('kind', '[string, "null"]'), property('secret', '[string, "null"]')])}
${schema('link', [TENANT, property('many', '[array, "null"]', 'items: {type: string, relation: mixed}')])}
`;

onEveryDatabaseServing(SCHEMAS, ({ api, make }) => {
  const DEMO = 'demo_token';
  const OTHER = 'power_user_token';
  const status = async (method: string, path: string, token: string, body?: unknown): Promise<number> =>
    (await api(method, path, { token, ...(body !== undefined && { body }) })).status;

  before(async () => {
    await make('/t/mixeds', { id: 'mine', kind: 'private', size: 1 }, DEMO);
    await make('/t/mixeds', { id: 'shared', kind: 'shared', size: 2 }, OTHER);
    await make('/t/mixeds', { id: 'theirs', kind: 'private', size: 2 }, OTHER);
  });

  test('and, or, eq and neq, with owners, decide about rows of every action', async () => {
    const list = await api('GET', '/t/mixeds', { token: DEMO });
    assert.equal(list.headers['x-total-count'], '2');
    assert.deepEqual(
      list.json().mixeds.map(({ id }: { id: string }) => id),
      ['mine', 'shared'],
    );
    assert.equal(await status('GET', '/t/mixeds/theirs', DEMO), 404);
    assert.equal(await status('PUT', '/t/mixeds/theirs', DEMO, { size: 3 }), 404);
    assert.equal(await status('DELETE', '/t/mixeds/theirs', DEMO), 404);
    assert.equal(await status('PUT', '/t/mixeds/shared', DEMO, { size: 3 }), 200);
    assert.equal(await status('POST', '/t/mixeds', DEMO, { kind: 'gone', size: 1 }), 403);
    assert.equal(await status('POST', '/t/mixeds', DEMO, { kind: 'public', size: 13 }), 403);
    assert.equal(await status('POST', '/t/mixeds', DEMO, { kind: 'public', size: 1, tenant_id: OTHER_TENANT }), 201);
  });

  test('domains', async () => {
    const made = await make('/t/homes', { id: 'own' }, DEMO);
    assert.deepEqual(made.json().home, { id: 'own', tenant_id: DEMO_TENANT, domain_id: 'default' });
    const foreign = await api('POST', '/t/homes', { token: DEMO, body: { domain_id: 'elsewhere' } });
    assert.deepEqual([foreign.status, foreign.json().error], [403, 'Operating on resources from other domain is prohibited']);
    await make('/t/homes', { id: 'far', domain_id: 'elsewhere' });
    assert.equal((await api('GET', '/t/homes', { token: OTHER })).headers['x-total-count'], '1');
    assert.equal(await status('GET', '/t/homes/far', OTHER), 404);
  });

  test('scopes and names of tenants', async () => {
    assert.equal(await status('GET', '/t/scopes', DEMO), 403);
    assert.equal(await status('GET', '/t/names', DEMO), 403);
    assert.equal(await status('GET', '/t/names', OTHER), 200);
  });

  test('property conditions on booleans and numbers, on rows and on bodies', async () => {
    await make('/t/pickys', { id: 'in', ok: true, size: 1 }, DEMO);
    await make('/t/pickys', { id: 'large', ok: true, size: 9 });
    await make('/t/pickys', { id: 'no', size: 1 });
    assert.equal(await status('POST', '/t/pickys', DEMO, { ok: false }), 403);
    const list = await api('GET', '/t/pickys', { token: DEMO });
    assert.deepEqual([list.headers['x-total-count'], list.json().pickys.length], ['1', 1]);
    assert.equal(await status('GET', '/t/pickys/large', DEMO), 404);
  });

  test('the first policy that matches decides alone', async () => {
    await make('/t/firsts', { id: 'f', kind: 'k', size: 4 });
    assert.deepEqual((await api('GET', '/t/firsts/f', { token: DEMO })).json().first, { id: 'f', kind: 'k' });
    assert.equal((await api('GET', '/t/firsts?size=5', { token: DEMO })).json().firsts.length, 1);
    assert.equal(await status('GET', '/t/firsts?sort_key=size', DEMO), 400);
  });

  test('Nobody sees what its policy shows, and may nothing else', async () => {
    await make('/t/opens', { id: 'o', kind: 'k', secret: 's' });
    assert.deepEqual((await api('GET', '/t/opens', { token: '' })).json(), { opens: [{ id: 'o', kind: 'k' }] });
    assert.equal(await status('POST', '/t/opens', '', { kind: 'x' }), 401);
    assert.equal(await status('GET', '/t/opens', 'wrong'), 401);
  });

  test('attach conditions hold for every item of a list', async () => {
    await make('/t/links', { id: 'l', many: ['mine'] }, DEMO);
    const refused = await api('PUT', '/t/links/l', { token: DEMO, body: { many: ['mine', 'theirs'] } });
    assert.equal(refused.status, 400);
    assert.match(refused.json().error, /^Related resource mixed ID "theirs" not found/);
    assert.equal(refused.json().errors[0].pointer, '/many/1');
    assert.equal(await status('PUT', '/t/links/l', DEMO, { many: [] }), 200);
  });

  test('/_all shows rows and properties as the lists do, and takes filters', async () => {
    const all = (await api('GET', '/_all', { token: DEMO })).json();
    assert.ok(!('scopes' in all) && !('opens' in all), 'nothing of schemas without a policy');
    assert.ok(!all.mixeds.some(({ id }: { id: string }) => id === 'theirs'));
    assert.deepEqual(all.firsts, [{ id: 'f', kind: 'k' }]);
    const filtered = (await api('GET', '/_all?id=mine', { token: DEMO })).json();
    assert.deepEqual([filtered.mixeds.length, filtered.firsts.length], [1, 0]);
    assert.equal((await api('GET', '/_all?size=5', { token: DEMO })).json().firsts.length, 1, 'what is hidden does not filter');
    assert.equal(await status('GET', '/_all?colour=red', DEMO), 400);
  });
});
