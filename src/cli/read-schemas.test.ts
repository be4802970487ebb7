import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runInProcess } from '../../test/support/admin-stub.ts';
import { assertOpenApi } from '../../test/support/openapi-structure.ts';
import { REPOSITORY } from '../../test/support/source-files.ts';
import { createTempFolder } from '../../test/support/temp.ts';

const folder = createTempFolder();
after(() => folder.remove());
const PETSTORE = `${REPOSITORY}/examples/petstore/schemas/petstore.yaml`;
const run = (...argv: readonly string[]) => runInProcess(argv, { cwd: folder.path });

test('validate accepts the schema files of the example, and counts what is in them', async () => {
  const { exit, out, err } = await run('validate', PETSTORE);
  assert.equal(err, '');
  assert.equal(exit, 0);
  assert.match(out, /petstore\.yaml: valid \(4 schemas, 8 policies, 1 extension\)\n/);
});

test('validate tells everything that is wrong with schema files at once, each with its place, and exits with 1', async () => {
  folder.write(
    'wrong.yaml',
    `schemas:
  - id: pet
    singular: pet
    plural: pets
    title: Pet
    description: an animal
    parnt: store
    schema:
      type: object
      properties:
        id: { type: strin, title: ID, description: ID }
        name: { type: string, title: Name, description: Name, permission: [make] }
  - id: toy
    plural: toys
    schema: { type: object, properties: {} }
`,
  );
  const { exit, out, err } = await run('validate', 'wrong.yaml');
  assert.equal(exit, 1);
  assert.equal(out, '');
  assert.match(err, /^sekisho: the schema files have \d+ problems\n/);
  for (const want of [
    /^wrong\.yaml:7:\d+ .*parnt.*parent/m,
    /^wrong\.yaml:11:\d+ .*strin/m,
    /^wrong\.yaml:12:\d+ .*make/m,
    /^wrong\.yaml:13:\d+ .*singular/m,
  ])
    assert.match(err, want);
});

test('validate compiles the policies too', async () => {
  folder.write('policy.yaml', `policies:\n  - { id: p, principal: Member, action: '*', resource: { path: .* }, condition: [is_ownr] }\n`);
  const { exit, err } = await run('validate', 'policy.yaml');
  assert.equal(exit, 1);
  assert.match(err, /policy\.yaml:2:\d+.*"is_ownr" is no condition; did you mean is_owner\?/);
});

test('validate names a file that is not there', async () => {
  const { exit, err } = await run('validate', 'missing.yaml');
  assert.equal(exit, 1);
  assert.match(err, /there is no such file/);
});

test('validate config checks the schema files that the configuration names', async () => {
  folder.write('broken.yaml', 'schemas: [{ id: x }]\n');
  folder.write(
    'sekisho.yaml',
    'version: v1\nstorage: { type: memory }\ndatabase: { type: sqlite3, connection: ":memory:" }\nkeystone: { fake: true }\nproxy: { host: 127.0.0.1 }\nschemas: [broken.yaml]\n',
  );
  const { exit, err } = await run('validate', 'config');
  assert.equal(exit, 2);
  assert.match(err, /broken\.yaml:1:\d+ /);
});

const HOOKED = `version: v1
storage: { type: memory }
database: { type: sqlite3, connection: ':memory:' }
keystone: { fake: true }
proxy: { host: 127.0.0.1 }
webhooks: [{ name: r, url: 'http://127.0.0.1:1', secret: s, schemas: [pet, pett] }]
schemas: ['${PETSTORE}']
`;

test('validate config checks the schemas that receivers of webhooks name', async () => {
  folder.write('hooked.yaml', HOOKED);
  const { exit, err } = await run('validate', 'config', '-c', 'hooked.yaml');
  assert.equal(exit, 2);
  assert.match(err, /hooked\.yaml:6:\d+ webhooks\[0\]\.schemas\[1\]: found "pett": there is no such schema; did you mean pet\?/);
  folder.write('hooked.yaml', HOOKED.replace('pett', 'store'));
  assert.equal((await run('validate', 'config', '-c', 'hooked.yaml')).exit, 0);
});

test('openapi has what the role may do and see, and everything without one', async () => {
  const all = JSON.parse((await run('openapi', PETSTORE, '--title', 'Pets', '--api-version', '7')).out);
  assert.deepEqual(all.info, { title: 'Pets', version: '7' });
  assert.ok(all.paths['/petstore/v1/pets'].post);
  assert.ok(all.components.schemas.pet.properties.purchase_price);

  const nobody = JSON.parse((await run('openapi', PETSTORE, '--policy', 'Nobody')).out);
  assert.equal(nobody.paths['/petstore/v1/pets'].post, undefined);
  assert.equal(nobody.components.schemas.pet.properties.purchase_price, undefined);
  assert.equal(nobody.paths['/petstore/v1/orders'], undefined);

  const admin = JSON.parse((await run('openapi', PETSTORE, '--policy', 'admin', '--scope', 'admin')).out);
  assert.ok(admin.paths['/petstore/v1/orders'].post);
  const tenant = JSON.parse((await run('openapi', PETSTORE, '--policy', 'admin', '--scope', 'tenant', '--scope', 'domain')).out);
  assert.equal(tenant.paths['/petstore/v1/orders'], undefined);
});

test('types, markdown and dot read the schemas of a configuration too', async () => {
  folder.write(
    'models.yaml',
    `version: v1\nstorage: { type: memory }\nproxy: { host: 127.0.0.1 }\nkeystone: { fake: true }\ndatabase: { type: sqlite3, connection: ./x.db }\nschemas: ['${PETSTORE}']\n`,
  );
  assert.match((await run('types', '-c', 'models.yaml')).out, /export interface PetCreate \{/);
  assert.match((await run('markdown', '-c', 'models.yaml', '--title', 'Pets')).out, /^# Pets\n/);
  assert.match((await run('dot', '-c', 'models.yaml')).out, /"pet" -> "store"/);
});

test('template fills a template with what the role may see', async () => {
  folder.write(
    'list.txt',
    '{% for s in schemas -%}\n{{ s.url }} {% for p in s.schema.propertiesOrder %}{{ p }} {% endfor %}\n{% endfor %}\n{{ title }}\n',
  );
  const { exit, out, err } = await run('template', '-t', 'list.txt', PETSTORE, '--policy', 'Nobody');
  assert.equal(err, '');
  assert.equal(exit, 0);
  assert.match(out, /^\/petstore\/v1\/categories id name description \n/);
  assert.doesNotMatch(out, /purchase_price|orders/);
  assert.match(out, /\nSekisho\n$/);
});

const GROUPED = `
policies:
- {id: member, action: '*', principal: Member, resource: {path: '^/t/(ports|nets).*'}}
- {id: no_reset, action: reset, effect: deny, principal: Member, resource: {path: '^/t/ports.*'}}
schemas:
${['port', 'net', 'box']
  .map(
    (id) => `- id: ${id}
  singular: ${id}
  plural: ${id}s
  title: ${id}
  description: ${id}
  prefix: /t
  metadata: {${id === 'box' ? '' : `resource_group: ${id === 'net' ? '../net' : 'links'}`}}
  actions:
    reset: {method: POST, path: '/:id/reset', input: {type: object, properties: {hard: {type: boolean}}}}
    ping: {method: GET, path: '/:id/ping'}
  schema: {type: object, required: [name], properties: {
    id: {type: string, title: ID, description: ID, permission: [create]},
    name: {type: [string, "null"], title: Name, description: Name, permission: [create, update]}}}`,
  )
  .join('\n')}
`;

test('outputs are split by resource group or schema, into files', async () => {
  folder.write('grouped.yaml', GROUPED);
  const read = (name: string): string => readFileSync(join(folder.path, name), 'utf8');
  const { exit, out, err } = await run('openapi', 'grouped.yaml', '--split-by-resource-group', '--output-path', 'api/__resource__.json');
  assert.deepEqual([exit, out], [0, ''], err);
  assert.deepEqual(readdirSync(join(folder.path, 'api')).toSorted(), ['__net.json', 'links.json', 'resources.json']);
  const links = JSON.parse(read('api/links.json'));
  assertOpenApi(links);
  assert.deepEqual(
    Object.keys(links.paths).filter((path) => path.startsWith('/t/')),
    ['/t/ports', '/t/ports/{id}', '/t/ports/{id}/reset', '/t/ports/{id}/ping'],
  );

  folder.write('go.tpl', '{{ schema.Schema.ID|snake_to_camel }} {{ schema.JSONSchema.properties.name.type|to_go_type }}');
  await run('template', '-t', 'go.tpl', 'grouped.yaml', '--split-by-resource', '--output-path', 'go/__resource__.txt');
  assert.deepEqual(
    ['port', 'net', 'box'].map((id) => read(`go/${id}.txt`)),
    ['Port string', 'Net string', 'Box string'],
  );

  assert.equal((await run('markdown', 'grouped.yaml', '--output-path', 'one.md')).out, '');
  assert.match(read('one.md'), /^# Sekisho/);
  for (const [argv, want] of [
    [['markdown', 'grouped.yaml', '--split-by-resource-group', '--output-path', 'one.md'], /one file for several; __resource__ in it/],
    [['template', '-t', 'go.tpl', 'grouped.yaml', '--split-by-resource', '--split-by-resource-group'], /exclude each other/],
  ] as const) {
    const refused = await run(...argv);
    assert.equal(refused.exit, 2);
    assert.match(refused.err, want);
  }
});

test('a role sees its schemas, properties and actions alone, in templates as in documents', async () => {
  folder.write('grouped.yaml', GROUPED);
  folder.write(
    'all.tpl',
    '{% for s in schemas %}{{ s.Schema.URL }}:{% for a in s.Schema.Actions %} {{ a.ID }} {{ a.Path|swagger_path }}{% endfor %}{% for id in s.actions %} {{ id }}{% endfor %}\n{% endfor %}{{ schemas.0.JSONSchemaOnCreate|openapi3 }}',
  );
  const { out } = await run('template', '-t', 'all.tpl', 'grouped.yaml', '--policy', 'Member');
  assert.match(out, /^\/t\/ports: ping \/\{id\}\/ping ping\n\/t\/nets: reset \/\{id\}\/reset ping \/\{id\}\/ping reset ping\n\{/);
  assert.match(out, /"nullable": true/);
  const documents = await Promise.all(['openapi', 'markdown', 'types'].map((name) => run(name, 'grouped.yaml', '--policy', 'Member')));
  for (const { out: text } of documents) {
    assert.doesNotMatch(text, /ports\/(:|\{)id\}?\/reset|PortReset|box/i);
    assert.match(text, /reset/i);
  }
});

test("validate takes Gohan's flags and gives its answers", async () => {
  const valid = await run('validate', '--schema', 'etc/schema/gohan.json', '--document', PETSTORE);
  assert.deepEqual([valid.exit, valid.out], [0, 'Schema is valid\n']);
  folder.write('broken.yaml', 'schemas: [{ id: x }]\n');
  const { exit, err } = await run('v', '-s', 'etc/schema/gohan.json', '-d', PETSTORE, '-d', 'broken.yaml');
  assert.equal(exit, 1);
  assert.match(err, /^Schema is not valid, see errors below:\n[^]*broken\.yaml:1:\d+ /);
});

test('slips are usage errors', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['openapi', PETSTORE, '--policy', 'a', '--scope', 'tenent'], /--scope: found 'tenent', allowed are tenant, domain, admin/],
    [['openapi', PETSTORE, '--scope', 'tenant'], /--scope needs --policy/],
    [['openapi', PETSTORE, '-c', 'models.yaml'], /exclude each other/],
    [['dot', PETSTORE, '--title', 'x'], /--title is a flag of openapi, markdown and template, not of dot/],
    [['template', PETSTORE], /template needs a template/],
    [['template', '-t', 'none.txt', PETSTORE], /the template none\.txt can not be read/],
    [['validate', 'conifg'], /found 'conifg', allowed is config/],
  ];
  for (const [argv, want] of cases) {
    const { exit, err } = await run(...argv);
    assert.equal(exit, 2, argv.join(' '));
    assert.match(err, want);
  }
});
