import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extension } from '../support/extensions.ts';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

/** Each step works on children in a transaction that the handler itself begins. */
const STEPS = `
function begin(context) { context.transaction = gohan_db_transaction(); return context.transaction; }
function attempt(work) { try { return work(); } catch (error) { return String(error.name) + ": " + error.message; } }
var steps = {
  commit: function (context) {
    var tx = begin(context);
    try {
      gohan_model_create(context, "child", {id: "kept", text: "one"});
      gohan_model_update(context, "child", "kept", {text: "two"}, null);
      gohan_model_create(context, "child", {id: "brief", text: "x"});
      gohan_model_delete(context, "child", "brief");
      var seen = gohan_model_fetch(context, "child", "kept", null).text + gohan_model_list(context, "child", {}).length;
      tx.Commit();
      return seen;
    } finally { tx.Close(); }
  },
  close: function (context) {
    var tx = begin(context);
    gohan_model_create(context, "child", {id: "undone", text: "one"});
    tx.Close();
    return attempt(function () { return gohan_model_fetch(context, "child", "undone", null); });
  },
  left: function (context) { begin(context); gohan_model_create(context, "child", {id: "left", text: "one"}); return "open"; },
  refused: function (context) {
    var tx = begin(context);
    gohan_model_create(context, "child", {id: "before", text: "one"});
    var told = attempt(function () { gohan_model_create(context, "child", {id: "refused", text: "refuse"}); });
    gohan_model_create(context, "child", {id: "behind", text: "one"});
    tx.Commit();
    return told;
  },
  own_context: function () {
    var tx = gohan_db_transaction();
    var context = {transaction: tx, note: "mine"};
    var made = gohan_model_create(context, "child", {id: "own", text: "look"});
    tx.Commit();
    return [made.text, context.schema_id, context.resource];
  },
  module: function (context) {
    var tx = begin(context);
    gohan_model_create(context, "typed", {id: "t1", text: "one"});
    var seen = gohan_db_list(tx, "mark", {text: "typed"}).length + gohan_db_list(null, "mark", {text: "typed"}).length;
    tx.Commit();
    return seen;
  },
  deep: function (context) {
    var tx = begin(context);
    gohan_model_create(context, "child", {id: "deep", text: "deeper"});
    tx.Close();
    return gohan_db_list(null, "mark", {text: ["deeper", "deepest"]}).length;
  },
  trigger: function (context) {
    var tx = begin(context);
    context.heard = "";
    gohan_trigger_event("announce", context);
    var seen = gohan_db_list(tx, "mark", {text: "announced"}).length;
    tx.Close();
    return [context.heard, context.response, seen, gohan_db_list(null, "mark", {text: "announced"}).length];
  },
  trigger_refused: function (context) {
    context.heard = "refuse";
    return attempt(function () { gohan_trigger_event("announce", context); });
  },
  nothing: function () { return attempt(function () { gohan_model_list({transaction: {}}, "child", {}); }); },
  unknown: function (context) { return attempt(function () { gohan_model_list(context, "nope", {}); }); }
};
gohan_register_handler("announce", function (context) { if (context.heard === "") { context.heard += "job "; } });
gohan_register_handler("run", function (context) { context.response = {result: steps[context.input.step](context)}; });
`;

const CHILD = `
gohan_register_handler("pre_create", function (context) { throw new Error("is not for model calls"); });
gohan_register_handler("pre_create_in_transaction", function (context) {
  gohan_db_create(context.transaction, "mark", {id: "of " + context.resource.id, text: context.resource.text});
  if (context.resource.text === "refuse") { throw new CustomException("refused inside", 422); }
  if (context.resource.text === "look") { context.resource.text = context.note + " " + context.schema_id; }
  if (context.resource.text === "deeper") { gohan_model_create(context, "child", {id: "deepest", text: "deepest"}); }
});
`;

const TYPED = `
import { ResponseError } from 'sekisho/extension';
export async function announce(context) {
  if (context.heard === 'refuse') throw new ResponseError(423, 'not now');
  await context.tx.create('mark', { id: 'announced by ' + context.schemaId, text: 'announced' });
  context.response = { heard: context.heard };
}
export async function preCreateInTransaction(context) {
  await context.tx.create('mark', { id: 'of ' + context.resource.id, text: 'typed' });
}
`;

const SCHEMAS = [
  'schemas:',
  schema('mark', [property('text', 'string')]),
  schema('child', [property('text', 'string')]),
  schema('typed', [property('text', 'string')]),
  schema('job', [property('text', 'string')], ['actions: {run: {method: POST, path: /run, input: {type: object}}}']),
  'extensions:',
  extension('job', '^/t/jobs$', STEPS),
  extension('child', '^/t/childs$', CHILD),
  extension('typed', '^/t/typeds$', TYPED, 'typescript'),
].join('\n');

onEveryDatabaseServing(SCHEMAS, ({ api }) => {
  const run = async (step: string): Promise<unknown> => {
    const answer = await api('POST', '/t/jobs/run', { body: { step } });
    assert.equal(answer.status, 200, answer.text);
    return answer.json().result;
  };
  const isThere = async (path: string): Promise<boolean> => (await api('GET', `/t/${path}`)).status === 200;

  test('models in it see its changes; handlers of their events write in it; Commit makes all of it count', async () => {
    assert.equal(await run('commit'), 'two1');
    assert.ok(await isThere('childs/kept'));
    assert.ok(await isThere('marks/of%20kept'));
    assert.ok(!(await isThere('childs/brief')));
  });

  test('Close undoes it, and it is over then', async () => {
    assert.match(String(await run('close')), /^Error: Transaction: the transaction is over|^ResourceException: Transaction/);
    assert.ok(!(await isThere('childs/undone')));
    assert.ok(!(await isThere('marks/of%20undone')));
  });

  test('what a handler leaves open is undone', async () => {
    assert.equal(await run('left'), 'open');
    assert.ok(!(await isThere('childs/left')));
  });

  test('a nested refusal undoes its own work alone', async () => {
    assert.match(String(await run('refused')), /^ExtensionException: refused inside/);
    assert.deepEqual(
      [
        await isThere('childs/before'),
        await isThere('childs/refused'),
        await isThere('marks/of%20refused'),
        await isThere('childs/behind'),
      ],
      [true, false, false, true],
    );
  });

  test('the context that the call is given is what nested handlers see a copy of', async () => {
    assert.deepEqual(await run('own_context'), ['mine child', null, null]);
  });

  test('modules write in it too', async () => {
    assert.equal(await run('module'), 1);
    assert.ok(await isThere('marks/of%20t1'));
  });

  test('as deep as events are nested', async () => {
    assert.equal(await run('deep'), 0);
  });

  test('triggered events reach scripts and modules, in the transaction of the context', async () => {
    assert.deepEqual(await run('trigger'), ['job ', { heard: 'job ' }, 1, 0]);
    assert.equal(await run('trigger_refused'), 'ExtensionException: not now');
  });

  test('what is no transaction, and what is no schema, is told', async () => {
    assert.match(String(await run('nothing')), /^Error: context.transaction is no transaction/);
    assert.equal(await run('unknown'), "Error: Unknown schema 'nope'");
  });
});
