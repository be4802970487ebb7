import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { extension, GOHAN_TRACE, MODULE_TRACE } from '../support/extensions.ts';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const MARK = schema('mark', [property('text', 'string')]);

const GOHAN = `
gohan_register_handler("pre_create", function (context) {
  var resource = context.resource;
  if (resource.title === "too long") { resource.title = "longer than twenty letters"; }
  if (resource.title === "replace") { context.resource = {id: resource.id, title: "replaced"}; }
  if (resource.title === "refuse") { throw new CustomException("no", 451); }
  if (resource.title === "ignored") { context.response = {note: "ignored"}; }
  if (resource.title === "hidden") { resource.secret = "s"; }
});
gohan_register_handler("pre_create_in_transaction", function (context) {
  if (context.resource.title === "extra") { context.resource.title = "longer than twenty letters"; context.resource.scratch = 1; }
});
gohan_register_handler("post_create_in_transaction", function (context) {
  var title = context.resource.title;
  gohan_db_create(context.transaction, "mark", {id: "of " + context.resource.id, text: title});
  if (title === "late") { throw new CustomException("too late", 423); }
  if (title === "defect") { throw new Error("a defect"); }
});
gohan_register_handler("post_create", function (context) {
  var title = context.response.item.title;
  if (title === "after") { throw new CustomException("after the commit", 424); }
  if (title === "no answer") { delete context.response; }
  if (title === "accepted") { throw new CustomException({queued: context.resource.id}, 202); }
  if (context.response) { context.response.item.title += "!"; }
});
gohan_register_handler("pre_update", function (context) {
  if (context.resource.title === "both") { context.resource.note = "of " + context.resource.id; }
});
gohan_register_handler("pre_update_in_transaction", function (context) {
  if (context.resource.title === "whole") { context.resource.note = "kept " + context.resource.secret; }
});
gohan_register_handler("post_update_in_transaction", function (context) {
  if (context.resource.title === "undo") { throw new ResourceException("undone", 6); }
});
gohan_register_handler("pre_list", function (context) {
  if (context.query && context.query.title && context.query.title[0] === "none") { context.response = {items: [], from: "extension"}; }
  if (context.query && context.query.title && context.query.title[0] === "text") { context.response = "no object"; }
});
gohan_register_handler("post_list", function (context) {
  context.response.seen = context.response.items.map(function (item) { return item.secret; });
  context.response.total = context.total;
});
gohan_register_handler("pre_show_in_transaction", function (context) {
  if (context.id === "virtual") { context.response = {item: {id: "virtual"}}; }
});
gohan_register_handler("post_show", function (context) { context.response.item.shown = true; });
gohan_register_handler("pre_delete", function (context) { if (context.id === "keep") { throw new CustomException("not today", 409); } });
gohan_register_handler("post_delete_in_transaction", function (context) {
  if (context.resource.title === "stays") { throw new CustomException("it stays", 409); }
});
`;

const SCHEMAS = [
  'schemas:',
  MARK,
  schema('old', [property('title', 'string')]),
  schema('new', [property('title', 'string')]),
  schema(
    'item',
    [
      property('title', 'string', 'maxLength: 20'),
      property('note', 'string'),
      '      secret: {title: secret, description: secret, type: string, default: hush, permission: [create]}',
    ],
    ['metadata: {state_versioning: true}'],
  ),
  schema('twice', [property('title', 'string')]),
  'policies:',
  "- {id: items, action: '*', principal: Member, resource: {path: '^/t/items.*', blacklistProperties: [secret]}}",
  'extensions:',
  extension('old', '^/t/olds$', GOHAN_TRACE),
  extension('new', '^/t/news$', MODULE_TRACE, 'typescript'),
  extension('item', '^/t/items$', GOHAN),
  extension(
    'first',
    '^/t/twices$',
    `gohan_register_handler("pre_create", function (context) { context.resource.title += "1"; throw new CustomException("first", 418); });
     gohan_register_handler("pre_create", function (context) { context.resource.title += "2"; });`,
  ),
  extension(
    'second',
    '^/t/twices$',
    'gohan_register_handler("pre_create", function (context) { throw new CustomException("second after " + context.resource.title, 419); });',
  ),
].join('\n');

onEveryDatabaseServing(
  SCHEMAS,
  ({ api, make }) => {
    for (const style of ['old', 'new']) {
      describe(`order of events (${style})`, () => {
        const path = `/t/${style}s`;
        const steps = (name: string): string[] => [
          `pre_${name}`,
          `pre_${name}_in_transaction`,
          `post_${name}_in_transaction`,
          `post_${name}`,
        ];

        test('every operation runs its four events', async () => {
          const created = await make(path, { id: 'a', title: 'x' });
          assert.deepEqual(created.json().trace, steps('create'));
          assert.equal(created.json()[style].title, 'x');
          assert.deepEqual((await api('GET', path)).json().trace, steps('list'));
          assert.deepEqual((await api('GET', `${path}/a`)).json().trace, steps('show'));
          assert.deepEqual((await api('PUT', `${path}/a`, { body: { title: 'y' } })).json().trace, steps('update'));
          assert.deepEqual((await api('PATCH', `${path}/a`, { body: { title: 'z' } })).json().trace, steps('update'));
          assert.deepEqual((await api('PUT', `${path}/b`, { body: { title: 'z' } })).json().trace, steps('create'));
          assert.equal((await api('DELETE', `${path}/a`)).status, 204);
          assert.equal(
            (await api('GET', '/t/marks/a')).json().mark.text,
            'pre_delete pre_delete_in_transaction post_delete_in_transaction',
          );
          assert.equal((await api('DELETE', '/t/marks/a')).status, 204);
        });

        test('what is listed of everything runs the events inside the transaction alone', async () => {
          const all = await api('GET', '/_all');
          assert.equal(all.status, 200, all.text);
          assert.equal(all.json()[`${style}s`].length, 1);
        });

        test('what is only validated runs no event behind the transaction', async () => {
          const answer = await api('POST', `${path}?validate_only=true`, { body: { id: 'v', title: 'x' } });
          assert.equal(answer.status, 200);
          assert.equal(answer.json().trace, undefined);
          assert.equal((await api('GET', `${path}/v`)).status, 404);
        });

        test('a repeated request is answered without events', async () => {
          const headers = { 'idempotency-key': `key-${style}` };
          const first = await api('POST', path, { headers, body: { title: 'once' } });
          const again = await api('POST', path, { headers, body: { title: 'once' } });
          assert.equal(first.status, 201);
          assert.equal(again.headers['idempotency-replayed'], 'true');
          assert.equal(again.json()[style].id, first.json()[style].id);
        });

        test('a tag of a show with events is good for a write', async () => {
          const shown = await api('GET', `${path}/b`);
          const tag = String(shown.headers['etag']);
          assert.equal((await api('GET', `${path}/b`, { headers: { 'if-none-match': tag } })).status, 304);
          assert.equal((await api('PATCH', `${path}/b`, { headers: { 'if-match': tag }, body: { title: 'tagged' } })).status, 200);
          assert.equal((await api('PATCH', `${path}/b`, { headers: { 'if-match': tag }, body: { title: 'again' } })).status, 412);
        });
      });
    }

    test('what pre_create leaves is validated and stored', async () => {
      const tooLong = await api('POST', '/t/items', { body: { title: 'too long' } });
      assert.equal(tooLong.status, 400);
      assert.equal(tooLong.json().code, 'RESOURCE_INVALID');
      const replaced = await make('/t/items', { id: 'r', title: 'replace', note: 'gone' });
      assert.deepEqual([replaced.json().item.title, replaced.json().item.note], ['replaced!', null]);
      const ignored = await make('/t/items', { id: 'i', title: 'ignored' });
      assert.equal(ignored.json().item.title, 'ignored!');
      const unknown = await api('POST', '/t/items', { body: { title: 'x', unknown: 1 } });
      assert.equal(unknown.status, 400);
    });

    test('exceptions become the answer, before the transaction, in it and behind it', async () => {
      const refused = await api('POST', '/t/items', { body: { id: 'e1', title: 'refuse' } });
      assert.equal(refused.status, 451);
      assert.equal(refused.headers['content-type'], 'application/problem+json');
      assert.deepEqual([refused.json().error, refused.json().title, refused.json().code], ['no', 'CustomException', 'EXTENSION_ANSWER']);
      const late = await api('POST', '/t/items', { body: { id: 'e2', title: 'late' } });
      assert.equal(late.status, 423);
      const defect = await api('POST', '/t/items', { body: { id: 'e3', title: 'defect' } });
      assert.equal(defect.status, 500);
      assert.doesNotMatch(defect.text, /a defect/);
      assert.ok(defect.json().id);
      for (const id of ['e1', 'e2', 'e3']) {
        assert.equal((await api('GET', `/t/items/${id}`)).status, 404, id);
        assert.equal((await api('GET', `/t/marks/of%20${id}`)).status, 404, id);
      }
      const events = await api('GET', '/gohan/v0.1/events');
      assert.doesNotMatch(events.text, /items\/e[123]/);
      assert.equal((await api('POST', '/t/items', { body: { id: 'e4', title: 'after' } })).status, 424);
      assert.equal((await api('GET', '/t/items/e4')).status, 200);
      const queued = await api('POST', '/t/items', { body: { id: 'e5', title: 'accepted' } });
      assert.deepEqual([queued.status, queued.json()], [202, { queued: 'e5' }]);
      assert.equal((await api('POST', '/t/items', { body: { id: 'e6', title: 'no answer' } })).status, 500);
      assert.equal((await api('GET', '/t/items/e6')).status, 200);
    });

    test('what handlers leave inside the transaction is stored without being validated again', async () => {
      const made = await make('/t/items', { id: 'x', title: 'extra' });
      assert.equal(made.json().item.title, 'longer than twenty letters!');
      assert.equal((await api('GET', '/t/items/x')).json().item.title, 'longer than twenty letters');
    });

    test('updates: the body with its id before, the whole resource inside', async () => {
      await make('/t/items', { id: 'u', title: 'x' });
      assert.equal((await api('PATCH', '/t/items/u', { body: { title: 'both' } })).json().item.note, 'of u');
      assert.equal((await api('PATCH', '/t/items/u', { body: { title: 'whole' } })).json().item.note, 'kept hush');
      const undone = await api('PATCH', '/t/items/u', { body: { title: 'undo' } });
      assert.deepEqual([undone.status, undone.json().error], [409, 'undone']);
      assert.equal((await api('GET', '/t/items/u')).json().item.title, 'whole');
      const patch = { 'content-type': 'application/json-patch+json' };
      const patched = await api('PATCH', '/t/items/u', { headers: patch, body: [{ op: 'replace', path: '/title', value: 'whole' }] });
      assert.equal(patched.status, 200, patched.text);
      assert.equal((await api('PATCH', '/t/items/u', { body: { id: 'other' } })).status, 400);
    });

    test('responses of pre events skip the database', async () => {
      assert.deepEqual((await api('GET', '/t/items?title=none')).json(), { items: [], from: 'extension' });
      assert.equal((await api('GET', '/t/items?title=text')).status, 500);
      assert.deepEqual((await api('GET', '/t/items/virtual')).json(), { item: { id: 'virtual', shown: true } });
    });

    test('what the policy hides is seen by handlers and taken out at the end', async () => {
      await make('/t/items', { id: 'h', title: 'h' });
      const options = { token: 'demo_token' };
      const list = await api('GET', '/t/items?id=h', options);
      assert.deepEqual(list.json().seen, ['hush']);
      assert.equal(list.json().total, 1);
      assert.ok(!('secret' in list.json().items[0]));
      const shown = await api('GET', '/t/items/h', options);
      assert.ok(!('secret' in shown.json().item));
      assert.equal(shown.json().item.shown, true);
      const made = await api('POST', '/t/items', { ...options, body: { title: 'mine' } });
      assert.ok(!('secret' in made.json().item), made.text);
    });

    test('deletes', async () => {
      assert.equal((await api('DELETE', '/t/items/keep')).status, 409);
      await make('/t/items', { id: 'd', title: 'stays' });
      assert.equal((await api('DELETE', '/t/items/d')).status, 409);
      assert.equal((await api('GET', '/t/items/d')).status, 200);
      assert.equal((await api('DELETE', '/t/items/none')).status, 404);
    });

    test('after an exception the next handlers still run, of the next extension too; the last exception wins', async () => {
      const answer = await api('POST', '/t/twices', { body: { title: 'x' } });
      assert.deepEqual([answer.status, answer.json().error], [419, 'second after x12']);
    });
  },
  { event_log: 'on' },
);
