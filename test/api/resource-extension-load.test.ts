import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extension } from '../support/extensions.ts';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const PARENT = `
gohan_register_handler("pre_create", function (context) { gohan_db_list(null, "child", {}); });
gohan_register_handler("post_create_in_transaction", function (context) {
  gohan_db_list(null, "child", {id: "none"});
  gohan_model_create(context, "child", {id: "a " + context.resource.id, name: "script"});
  gohan_model_create(context, "part", {id: "b " + context.resource.id, name: "module"});
});
`;
const CHILD =
  'gohan_register_handler("pre_create_in_transaction", function (context) { gohan_db_list(context.transaction, "parent", {}); });';
const PART = `export async function preCreateInTransaction(context) { await context.tx.list('parent', { id: 'none' }); }
export async function postCreateInTransaction(context) {
  if (!context.resource.id.startsWith('b ')) await context.model.create('child', { id: 'c ' + context.resource.id, name: 'nested' });
}`;

const SCHEMAS = [
  'schemas:',
  schema('parent', [property('name', 'string')]),
  schema('child', [property('name', 'string')]),
  schema('part', [property('name', 'string')]),
  'extensions:',
  extension('parent', '^/t/parents$', PARENT),
  extension('child', '^/t/childs$', CHILD),
  extension('part', '^/t/parts$', PART, 'typescript'),
].join('\n');

onEveryDatabaseServing(
  SCHEMAS,
  ({ kind, gateway, api }) => {
    test('a hundred requests at once on four threads and five connections wait for each other, not for ever', async () => {
      assert.ok(gateway().pid() > 0, kind);
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, at) =>
          api('POST', at % 2 === 0 ? '/t/parents' : '/t/parts', { body: { id: `n${at}`, name: 'x' } }),
        ),
      );
      const refused = answers.find(({ status }) => status !== 201);
      assert.equal(refused, undefined, refused?.text);
      assert.equal((await api('GET', '/t/childs?limit=0')).headers['x-total-count'], '100');
      assert.equal((await api('GET', '/t/parts?limit=0')).headers['x-total-count'], '100');
    });
  },
  { extension: { threads: 4, shared_threads: 1 } },
  { max_open_conn: 5 },
);
