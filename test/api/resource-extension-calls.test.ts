import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extension } from '../support/extensions.ts';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const ACTION = '{method: POST, path: /run, input: {type: object}}';

/** Actions and in-transaction handlers that do what the body names, and answer with what came of it. */
const GOHAN = `
function attempt(work) { try { return work(); } catch (error) { return "failed: " + error.message; } }
var steps = {
  filters: function () {
    var ids = function (filter) { return gohan_db_list(null, "cell", filter, "id").map(function (row) { return row.id; }).join(""); };
    return [ids({kind: "x"}), ids({kind: ["x", "y"], size: 2}), ids({size__gt: 1}), ids({kind: null}),
      ids({"__or__": [{property: "size", type: "eq", value: 1}, {property: "kind", type: "eq", value: "y"}]}),
      ids({"__and__": [{property: "kind", type: "neq", value: "x"}, {property: "size", type: "eq", value: [2, 3]}]}),
      ids({"__bool__": false}), ids({on: true}), attempt(function () { return ids({nosuch: 1}); })];
  },
  page: function () { return gohan_db_list(null, "cell", {}, "size", 2, 1).map(function (row) { return row.id; }); },
  committed: function () {
    var tx = gohan_db_transaction();
    gohan_db_create(tx, "cell", {id: "committed", size: 7});
    tx.Commit();
    return gohan_db_fetch(null, "cell", "committed", "").on;
  },
  closed: function () {
    var tx = gohan_db_transaction();
    gohan_db_create(tx, "cell", {id: "closed"});
    tx.Close();
    return attempt(function () { return gohan_db_fetch(null, "cell", "closed", ""); });
  },
  left_open: function () { gohan_db_create(gohan_db_transaction(), "cell", {id: "left"}); return "left"; },
  query: function () {
    gohan_db_create(null, "cell", {id: "q", kind: "it's", on: false, data: {a: [1]}});
    return gohan_db_query(null, "cell", "SELECT " + gohan_db_sql_make_columns("cell") + " FROM cells WHERE id = ? AND kind = ?", ["q", "it's"]);
  },
  state: function () {
    gohan_db_create(null, "cell", {id: "s", size: 1});
    gohan_db_update(null, "cell", {id: "s", size: 2});
    gohan_db_state_update(null, "cell", {id: "s", size: 3});
    return gohan_db_state_fetch(null, "cell", "s", "");
  },
  deleted: function () {
    gohan_db_create(null, "cell", {id: "del"});
    gohan_db_delete(null, "cell", "del");
    return attempt(function () { gohan_db_delete(null, "cell", "del"); });
  }
};
gohan_register_handler("run", function (context) { context.response = {result: steps[context.input.step]()}; });
gohan_register_handler("post_create_in_transaction", function (context) {
  var tx = context.transaction;
  var note = null;
  if (context.resource.kind === "clash") {
    note = attempt(function () { gohan_db_create(tx, "cell", {id: context.resource.id}); });
    gohan_db_create(tx, "cell", {id: "beside " + context.resource.id});
  }
  if (context.resource.kind === "own") { note = attempt(function () { gohan_db_create(null, "cell", {id: "own"}); return "made"; }); }
  if (context.resource.kind === "begin") { note = attempt(function () { gohan_db_transaction(); return "begun"; }); }
  if (context.resource.kind === "read") { note = gohan_db_list(null, "cell", {id: context.resource.id}).length; }
  if (context.resource.kind === "nested") {
    context.mine = "kept";
    var child = gohan_model_create(context, "child", {id: "c " + context.resource.id, text: "t"});
    gohan_model_update(context, "child", child.id, {text: "changed"}, []);
    var refused = attempt(function () { gohan_model_create(context, "child", {id: "refused", text: "refuse"}); });
    var listed = gohan_model_list(context, "child", {text: ["t", "changed"]}).length;
    gohan_model_create(context, "child", {id: "gone " + context.resource.id, text: "t"});
    gohan_model_delete(context, "child", "gone " + context.resource.id);
    note = {child: child, listed: listed, refused: refused, mine: context.mine, seen: context.seen, id: context.id};
  }
  if (context.resource.kind === "count") {
    var count = gohan_db_lock_fetch(tx, "counter", "one", "", 1);
    gohan_db_update(tx, "counter", {id: "one", value: count.value + 1});
  }
  context.response.note = note;
});
`;

const CHILD = `
gohan_register_handler("pre_create_in_transaction", function (context) {
  context.seen = context.schema_id;
  if (context.resource.text === "refuse") { throw new CustomException("refused inside", 422); }
});
gohan_register_handler("post_create_in_transaction", function (context) { context.response.child.extra = context.mine; });
gohan_register_handler("pre_create", function (context) { context.resource.text = "not for model calls"; });
`;

const MODULE = `
export async function run(context) {
  const attempt = (work) => work().catch((error) => \`\${error.code}: \${error.message}\`);
  const steps = {
    many: async () => (await Promise.all(['m1', 'm2', 'm3'].map((id) => context.model.create('part', { id, title: 'many' })))).length,
    direct: async () => (await Promise.all(['d1', 'd2', 'd3'].map((id) => context.tx.create('cell', { id, size: 1 })))).map(({ id }) => id),
    full: async () => [
      await context.model.create('part', { id: 'f', title: 'whole' }),
      await attempt(() => context.model.create('part', { title: 'x'.repeat(30) })),
      await attempt(() => context.model.update('part', 'none', { title: 'x' })),
      (await context.model.update('part', 'f', { title: 'next' })).title,
      (await context.model.list('part', { id: 'f' })).length,
      await attempt(async () => (await context.model.delete('part', 'f')) ?? 'deleted'),
    ],
    transact: async () => {
      await context.transact(async (tx) => { await tx.create('cell', { id: 't1' }); });
      const lost = await attempt(() => context.transact(async (tx) => { await tx.create('cell', { id: 't2' }); throw new Error('undo'); }));
      return [await context.tx.count('cell', { id: ['t1', 't2'] }), lost];
    },
  };
  context.response = await steps[context.input.step]();
}
export async function preCreate(context) { if (context.resource.title === 'whole') context.resource.note = 'from preCreate'; }
export async function preCreateInTransaction(context) {
  if (context.resource.title === 'many') await context.tx.create('cell', { id: 'of ' + context.resource.id });
}
export async function postCreate(context) { context.response.part.after = true; }
`;

const SCHEMAS = [
  'schemas:',
  schema(
    'cell',
    [
      property('kind', '[string, "null"]'),
      property('size', '[integer, "null"]'),
      property('on', 'boolean', 'default: true'),
      property('data', '[object, "null"]'),
    ],
    [`metadata: {state_versioning: true}`, `actions: {run: ${ACTION}}`],
  ),
  schema('child', [property('text', 'string')]),
  schema('counter', [property('value', 'integer')]),
  schema('part', [property('title', 'string', 'maxLength: 20'), property('note', '[string, "null"]')], [`actions: {run: ${ACTION}}`]),
  'extensions:',
  extension('cell', '^/t/cells$', GOHAN),
  extension('child', '^/t/childs$', CHILD),
  extension('part', '^/t/parts$', MODULE, 'typescript'),
].join('\n');

onEveryDatabaseServing(
  SCHEMAS,
  ({ kind, api, make }) => {
    const run = async (step: string, type = 'cell'): Promise<any> => {
      const answer = await api('POST', `/t/${type}s/run`, { body: { step } });
      assert.equal(answer.status, 200, answer.text);
      return answer.json().result ?? answer.json();
    };
    const noteOf = async (id: string, wish: string): Promise<any> => (await make('/t/cells', { id, kind: wish })).json().note;

    test('filters and pages', async () => {
      for (const [id, size, row] of [
        ['a', 1, { kind: 'x' }],
        ['b', 2, { kind: 'y', on: false }],
        ['c', 3, {}],
      ] as const)
        await make('/t/cells', { id, size, ...row });
      const [x, list, greater, none, or, and, never, on, unknown] = await run('filters');
      assert.deepEqual([x, list, greater, none, or, and, never, on], ['a', 'b', 'bc', 'c', 'ab', 'bc', '', 'ac']);
      assert.match(unknown, /nosuch/);
      assert.deepEqual(await run('page'), ['b', 'c']);
    });

    test('transactions of a handler: committed, closed, left open', async () => {
      assert.equal(await run('committed'), true);
      assert.match(await run('closed'), /not found/);
      assert.equal(await run('left_open'), 'left');
      assert.equal((await api('GET', '/t/cells/left')).status, 404);
      assert.equal((await api('POST', '/t/counters', { body: { id: 'free', value: 1 } })).status, 201);
      const events = (await api('GET', '/gohan/v0.1/events')).text;
      assert.match(events, /cells\/committed/);
      assert.doesNotMatch(events, /cells\/(closed|left)/);
    });

    test('statements with bound values give properties', async () => {
      const [row] = await run('query');
      assert.deepEqual([row.id, row.kind, row.on, row.data, row.size], ['q', "it's", false, { a: [1] }, null]);
    });

    test('state updates count no version and leave no event', async () => {
      const state = await run('state');
      assert.equal(state.config_version, 2);
      assert.equal((await api('GET', '/t/cells/s')).json().cell.size, 3);
      const events = (await api('GET', '/gohan/v0.1/events?path=/t/cells/s&sort_key=id')).json().events;
      assert.deepEqual(
        events.map(({ type, version }: { type: string; version: number }) => [type, version]),
        [
          ['create', 1],
          ['update', 2],
        ],
      );
      assert.match(await run('deleted'), /not found/);
    });

    test('a statement that fails inside the transaction fails alone when the handler catches it', async () => {
      assert.match(await noteOf('clash1', 'clash'), /failed/);
      assert.equal((await api('GET', '/t/cells/clash1')).status, 200);
      assert.equal((await api('GET', '/t/cells/beside%20clash1')).status, 200);
    });

    test('a second transaction inside of the first: SQLite says at once that it has one writer', async () => {
      const [own, begin] = [await noteOf('own1', 'own'), await noteOf('begin1', 'begin')];
      if (kind === 'sqlite3') {
        assert.match(own, /SQLite has one writing transaction/);
        assert.match(begin, /SQLite has one writing transaction/);
      } else assert.deepEqual([own, begin], ['made', 'begun']);
      // What is not committed yet is not seen from outside.
      assert.equal(await noteOf('read1', 'read'), 0);
    });

    test('model calls run the events inside the transaction, on a context of their own', async () => {
      const note = await noteOf('n', 'nested');
      assert.deepEqual(note.child, { id: 'c n', text: 't', extra: 'kept' });
      assert.match(note.refused, /refused inside/);
      assert.deepEqual([note.listed, note.mine, note.seen, note.id], [1, 'kept', undefined, 'n']);
      assert.equal((await api('GET', '/t/childs/c%20n')).json().child.text, 'changed');
      assert.equal((await api('GET', '/t/childs/refused')).status, 404);
      assert.equal((await api('GET', '/t/childs/gone%20n')).status, 404);
    });

    test('handlers that change one row from many requests lose nothing', async () => {
      await make('/t/counters', { id: 'one', value: 0 });
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, at) => api('POST', '/t/cells', { body: { id: `n${at}`, kind: 'count' } })),
      );
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201]);
      assert.equal((await api('GET', '/t/counters/one')).json().counter.value, 12);
    });

    test('modules: whole models outside of transactions, at once and one after the other', async () => {
      assert.equal((await api('POST', '/t/parts/run', { body: { step: 'many' } })).text, '3');
      assert.equal((await api('GET', '/t/cells/of%20m3')).status, 200);
      assert.deepEqual(await run('direct', 'part'), ['d1', 'd2', 'd3']);
      const [made, invalid, missing, title, listed, deleted] = await run('full', 'part');
      assert.deepEqual([made.title, made.note, made.after], ['whole', 'from preCreate', true]);
      assert.match(invalid, /^RESOURCE_INVALID/);
      assert.match(missing, /^RESOURCE_NOT_FOUND/);
      assert.deepEqual([title, listed, deleted], ['next', 1, 'deleted']);
      const [count, lost] = await run('transact', 'part');
      assert.equal(count, 1);
      assert.match(lost, /undo/);
    });
  },
  { event_log: 'on' },
);
