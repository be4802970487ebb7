import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import { startGateway } from '../support/gateway.ts';
import { SERVICE_USER, startKeystone } from '../support/keystone-server.ts';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';
import { until } from '../support/until.ts';

/** Policies that speak of tenants by pattern or name: Keystone's list of projects decides what they open. */

const TENANT = property('tenant_id', '[string, "null"]');
const SCHEMAS = `
policies:
- id: doc_read
  action: read
  principal: Member
  condition: [is_owner, {type: belongs_to, action: read, tenant_name: '^dev-'}]
  resource: {path: '^/t/docs.*'}
- id: doc_write
  action: '*'
  principal: Member
  condition: [is_owner, {type: belongs_to, action: create, tenant_name: '^dev-'}]
  resource: {path: '^/t/docs.*'}
- {id: page, action: '*', principal: Member, condition: [is_owner, {type: belongs_to, tenant_id: '^p-dev[0-9]$'}], resource: {path: '^/t/pages.*'}}
- {id: one, action: '*', principal: Member, condition: [is_owner, {type: belongs_to, tenant_name: ops}], resource: {path: '^/t/ones.*'}}
- {id: note, action: '*', principal: Member, condition: [is_owner], resource: {path: '^/t/notes.*'}}
- id: note_attach
  action: __attach__
  principal: Member
  relation_property: doc_id
  target_condition: [is_owner, skip_tenant_domain_check, {type: belongs_to, tenant_name: '^dev-'}]
  resource: {path: '^/t/notes.*'}
schemas:
${schema('doc', [TENANT, property('text', '[string, "null"]')])}
${schema('page', [TENANT])}
${schema('one', [TENANT])}
${schema('note', [TENANT, property('doc_id', '[string, "null"]', 'relation: doc, relation_property: doc')])}
`;

const DOMAIN = { id: 'default', name: 'Default' };
const PROJECTS = [
  { id: 'p-mine', name: 'mine' },
  { id: 'p-dev1', name: 'dev-one' },
  { id: 'p-dev2', name: 'dev-two' },
  { id: 'p-off', name: 'dev-off', enabled: false },
  { id: 'p-ops', name: 'ops' },
  { id: 'p-my-dev', name: 'my-dev-x' },
];

const keystone = await startKeystone();
after(() => keystone[Symbol.asyncDispose]());
const tokenOf = (id: string): string => keystone.issueToken({ project: { id, name: id, domain: DOMAIN } }, ['Member']);
const admin = keystone.issueToken({ project: { id: 'p-admin', name: 'admin', domain: DOMAIN }, is_admin_project: true }, ['admin']);
const member = tokenOf('p-mine');
const KEYSTONE = {
  auth_url: keystone.url,
  user_name: SERVICE_USER.userName,
  password: SERVICE_USER.password,
  domain_name: SERVICE_USER.domainName,
  tenant_name: SERVICE_USER.tenantName,
  cache_ttl: '1s',
};
keystone.collections.set('projects', PROJECTS);
keystone.collections.setPage(2);

const idsOf = (answer: Answer, plural: string): unknown => {
  assert.equal(answer.status, 200, answer.text);
  return answer.json()[plural].map(({ id }: { id: string }) => id);
};

onEveryDatabaseServing(
  SCHEMAS,
  ({ api, make }) => {
    before(async () => {
      for (const plural of ['docs', 'pages', 'ones']) {
        for (const { id } of PROJECTS) await make(`/t/${plural}`, { id: `of-${id}`, tenant_id: id }, admin);
        await make(`/t/${plural}`, { id: 'of-nobody', tenant_id: null }, admin);
        await make(`/t/${plural}`, { id: 'of-deleted', tenant_id: 'p-dev9' }, admin);
      }
    });
    beforeEach(() => keystone.collections.set('projects', PROJECTS));

    test('a pattern of names opens the tenants of those names, in rows and totals', async () => {
      const list = await api('GET', '/t/docs', { token: member });
      assert.deepEqual(idsOf(list, 'docs'), ['of-p-dev1', 'of-p-dev2', 'of-p-mine']);
      assert.equal(list.headers['x-total-count'], '3');
      const part = await api('GET', '/t/docs?limit=1&offset=1', { token: member });
      assert.deepEqual([idsOf(part, 'docs'), part.headers['x-total-count']], [['of-p-dev2'], '3']);
      const filtered = await api('GET', '/t/docs?tenant_id=p-dev1&tenant_id=p-ops', { token: member });
      assert.deepEqual([idsOf(filtered, 'docs'), filtered.headers['x-total-count']], [['of-p-dev1'], '1']);
      const page = await api('GET', '/t/docs?page_size=2', { token: member, headers: { prefer: 'count=exact' } });
      assert.deepEqual([idsOf(page, 'docs'), page.headers['x-total-count']], [['of-p-dev1', 'of-p-dev2'], '3']);
      assert.equal((await api('GET', '/_all', { token: member })).json().docs.length, 3);
    });

    test('a pattern of ids opens known tenants alone, a plain name the one of that name', async () => {
      const pages = await api('GET', '/t/pages', { token: member });
      assert.deepEqual([idsOf(pages, 'pages'), pages.headers['x-total-count']], [['of-p-dev1', 'of-p-dev2', 'of-p-mine'], '3']);
      const ones = await api('GET', '/t/ones', { token: member });
      assert.deepEqual([idsOf(ones, 'ones'), ones.headers['x-total-count']], [['of-p-mine', 'of-p-ops'], '2']);
    });

    test('single rows: what is opened for reading is not opened for writing', async () => {
      const status = async (method: string, path: string, body?: unknown) =>
        (await api(method, path, { token: member, ...(body !== undefined && { body }) })).status;
      assert.equal(await status('GET', '/t/docs/of-p-dev1'), 200);
      assert.equal(await status('GET', '/t/docs/of-p-ops'), 404);
      assert.equal(await status('GET', '/t/docs/of-nobody'), 404);
      assert.equal(await status('PUT', '/t/docs/of-p-dev1', { text: 'x' }), 403);
      assert.equal(await status('DELETE', '/t/docs/of-p-dev1'), 403);
      assert.equal(await status('PUT', '/t/docs/of-p-ops', { text: 'x' }), 404);
      assert.equal(await status('PUT', '/t/ones/of-p-ops', {}), 200);
    });

    test('a create may name an opened tenant, and no other', async () => {
      const create = async (tenant: string) => (await api('POST', '/t/docs', { token: member, body: { tenant_id: tenant } })).status;
      assert.equal(await create('p-ops'), 403);
      assert.equal(await create('p-off'), 403, 'a disabled project is none');
      const made = await api('POST', '/t/docs', { token: member, body: { id: 'made', tenant_id: 'p-dev1' } });
      assert.equal(made.status, 201, made.text);
      await api('DELETE', '/t/docs/made', { token: admin });
    });

    test('references and embedded resources follow the opened tenants', async () => {
      const refused = await api('POST', '/t/notes', { token: member, body: { id: 'n', doc_id: 'of-p-ops' } });
      assert.deepEqual([refused.status, refused.json().detail], [400, 'Related resource doc ID "of-p-ops" not found']);
      assert.equal((await api('POST', '/t/notes', { token: member, body: { id: 'n', doc_id: 'of-p-dev1' } })).status, 201);
      assert.equal((await api('GET', '/t/notes/n', { token: member })).json().note.doc.tenant_id, 'p-dev1');
      await api('PUT', '/t/notes/n', { token: admin, body: { doc_id: 'of-p-ops' } });
      assert.equal((await api('GET', '/t/notes/n', { token: member })).json().note.doc, null);
    });

    test('tenants that come, are renamed and go are noticed', async () => {
      const sees = async (...wanted: string[]) =>
        until(
          `the list has ${wanted.join()}`,
          async () => String(idsOf(await api('GET', '/t/docs', { token: member }), 'docs')) === wanted.join(),
        );
      keystone.collections.set(
        'projects',
        PROJECTS.map((project) => (project.id === 'p-ops' ? { ...project, name: 'dev-ops' } : project)),
      );
      await sees('of-p-dev1', 'of-p-dev2', 'of-p-mine', 'of-p-ops');
      keystone.collections.set(
        'projects',
        PROJECTS.filter(({ id }) => id !== 'p-dev2'),
      );
      await sees('of-p-dev1', 'of-p-mine');
      keystone.collections.set('projects', PROJECTS);
      await sees('of-p-dev1', 'of-p-dev2', 'of-p-mine');
    });

    test('while Keystone tells no projects, the last ones known count', async () => {
      keystone.breakLists(500);
      const { listed } = keystone.counts;
      await until('it was asked again in vain', () => keystone.counts.listed > listed);
      assert.equal((await api('GET', '/t/docs', { token: member })).headers['x-total-count'], '3');
      keystone.breakLists(undefined);
    });
  },
  { keystone: KEYSTONE },
);

test('a Keystone that tells no projects at the start keeps only those policies from deciding that need them', async () => {
  keystone.breakLists(403);
  await using gateway = await startGateway({
    config: { log_level: 'error', database: { connection: './data.db' }, schemas: ['./schemas.yaml'], keystone: KEYSTONE },
    files: { 'schemas.yaml': SCHEMAS },
  });
  const get = (path: string, token = member) => ask(gateway.proxyUrl + path, { headers: { 'x-auth-token': token } });
  const docs = await get('/t/docs');
  assert.deepEqual([docs.status, docs.json().code], [503, 'IDENTITY_UNAVAILABLE']);
  assert.equal((await get('/t/docs', admin)).status, 200);
  assert.equal((await get('/t/notes')).status, 503, 'a list embeds docs');
  assert.equal((await get('/t/notes?_details=false')).status, 200);
  keystone.breakLists(undefined);
  await until('the projects are known', async () => (await get('/t/docs')).status === 200);
});

test('with the development tokens their two tenants are all that there are', async () => {
  const page =
    "- {id: one, action: '*', principal: Member, condition: [is_owner, {type: belongs_to, tenant_name: '^oth'}], resource: {path: '^/t/pages.*'}}";
  await using gateway = await startGateway({
    config: { log_level: 'warn', database: { connection: './data.db' }, schemas: ['./schemas.yaml'], keystone: { fake: true } },
    files: { 'schemas.yaml': ['policies:', page, 'schemas:', schema('page', [TENANT])].join('\n') },
  });
  const call = (token: string, method = 'GET', body?: unknown) =>
    ask(`${gateway.proxyUrl}/t/pages`, { method, headers: { 'x-auth-token': token }, body });
  await call('demo_token', 'POST', { id: 'of-demo' });
  await call('power_user_token', 'POST', { id: 'of-other' });
  assert.deepEqual(idsOf(await call('demo_token'), 'pages'), ['of-demo', 'of-other']);
  assert.deepEqual(idsOf(await call('power_user_token'), 'pages'), ['of-other']);
});
