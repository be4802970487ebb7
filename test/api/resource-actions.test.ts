import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { extension } from '../support/extensions.ts';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const TENANT = 'fc394f2ab2df4114bde39905f800dc57';
const NAME =
  '{type: object, properties: {name: {type: string, maxLength: 5}, tenant_id: {type: string}}, required: [name], additionalProperties: false}';

const GOHAN = `
gohan_register_handler("greet", function (context) {
  context.response = {hello: context.input.name, id: context.id, params: context.params, query: context.query, path: context.path, tx: typeof context.transaction};
});
gohan_register_handler("word", function (context) { context.response = "plain"; });
gohan_register_handler("nothing", function (context) { context.response = null; });
gohan_register_handler("report", function (context) { context.response = ["report", context.input]; });
gohan_register_handler("port", function (context) { context.response = context.params; });
gohan_register_handler("change", function (context) { context.response = {changed: context.input}; });
gohan_register_handler("socket", function (context) { context.response = {upstream: "ws://nowhere", input: context.input}; });
gohan_register_handler("quiet", function (context) {});
gohan_register_handler("late", function (context) { throw new TimeOutException("busy"); });
gohan_register_handler("secret", function (context) { throw new CustomException("do not tell", 500); });
gohan_register_handler("textless", function (context) { throw new BaseException(); });
gohan_register_handler("list_of_none", function (context) { throw new CustomException("no object", 200); });
`;

const SCHEMAS = [
  'schemas:',
  schema('plant', [property('title', 'string')]),
  schema(
    'machine',
    [property('title', 'string'), property('tenant_id', 'string')],
    [
      'parent: plant',
      'actions:',
      `  greet: {method: POST, path: '/:id/greet', input: ${NAME}}`,
      "  word: {method: GET, path: '/:id/word'}",
      "  nothing: {method: GET, path: '/:id/nothing'}",
      "  report: {method: GET, path: '/report'}",
      "  port: {method: DELETE, path: '/:id/ports/:port_id'}",
      `  change: {method: PATCH, path: '/', input: {type: object}}`,
      "  quiet: {method: POST, path: '/quiet'}",
      "  owned: {method: POST, path: '/owned', has_response_ownership: true}",
      "  unhandled: {method: POST, path: '/unhandled'}",
      "  late: {method: POST, path: '/late'}",
      "  textless: {method: POST, path: '/textless'}",
      "  secret: {method: POST, path: '/secret'}",
      "  list_of_none: {method: POST, path: '/none'}",
      `  socket: {method: POST, path: '/:id/socket', protocol: websocket, input: ${NAME}}`,
    ],
  ),
  'policies:',
  "- {id: greet, action: greet, principal: Member, condition: [is_owner], resource: {path: '^/t/machines/.*', properties: [id, name, tenant_id]}}",
  "- {id: read, action: read, principal: Member, condition: [is_owner], resource: {path: '^/t/machines.*'}}",
  "- {id: report, action: report, principal: Member, resource: {path: '^/t/machines$'}}",
  "- {id: change, action: change, principal: Member, condition: [{type: property, action: change, match: {state: [on]}}], resource: {path: '^/t/machines$', blacklistProperties: [price]}}",
  "- {id: no, action: late, effect: deny, principal: admin, resource: {path: '^/t/machines'}}",
  'extensions:',
  extension('machine', '^/t/machines$', GOHAN),
].join('\n');

onEveryDatabaseServing(SCHEMAS, ({ api, make }) => {
  const member = { token: 'demo_token' };
  const post = (path: string, body: unknown = {}, options: object = {}) => api('POST', `/t/machines${path}`, { body, ...options });

  test('preparation', async () => {
    await make('/t/plants', { id: 'p' });
    await make('/t/machines', { id: 'own', plant_id: 'p', tenant_id: TENANT });
    await make('/t/machines', { id: 'other', plant_id: 'p', tenant_id: 'other' });
    await make('/t/machines', { id: 'report', plant_id: 'p', tenant_id: TENANT });
  });

  describe('answers', () => {
    test('input, id, parameters and query reach the handler; no transaction is open', async () => {
      const answer = await post('/own/greet?a=1&a=2', { name: 'Ada' });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(answer.json(), {
        hello: 'Ada',
        id: 'own',
        params: { id: 'own' },
        query: { a: ['1', '2'] },
        path: '/t/machines/own/greet',
        tx: 'undefined',
      });
    });

    test('under the path of the parent too, which has to be that of the resource', async () => {
      const answer = await api('POST', '/t/plants/p/machines/own/greet', { body: { name: 'Ada' } });
      assert.deepEqual(answer.json().params, { plant: 'p', id: 'own' });
      assert.equal((await api('POST', '/t/plants/none/machines/own/greet', { body: { name: 'Ada' } })).status, 404);
      assert.deepEqual((await api('GET', '/t/plants/p/machines/report')).json(), ['report', {}]);
    });

    test('any JSON is answered as it is', async () => {
      assert.equal((await api('GET', '/t/machines/own/word')).text, '"plain"');
      assert.equal((await api('HEAD', '/t/machines/own/word')).status, 200);
      assert.equal((await api('GET', '/t/machines/own/nothing')).text, 'null');
    });

    test('more parameters, and a path that is the collection', async () => {
      assert.deepEqual((await api('DELETE', '/t/machines/own/ports/7')).json(), { id: 'own', port_id: '7' });
      assert.deepEqual((await api('PATCH', '/t/machines', { body: { a: 1 } })).json(), { changed: { a: 1 } });
    });

    test('without an answer: a defect, unless the handler owns it', async () => {
      for (const path of ['/quiet', '/unhandled']) assert.equal((await post(path)).status, 500, path);
      const owned = await post('/owned');
      assert.deepEqual([owned.status, owned.text], [200, '']);
    });

    test('exceptions: 500 tells nothing, a success needs an object', async () => {
      const secret = await post('/secret');
      assert.equal(secret.status, 500);
      assert.doesNotMatch(secret.text, /do not tell/);
      assert.equal((await post('/none')).status, 500);
      const textless = await post('/textless');
      assert.deepEqual([textless.status, textless.json().error], [400, 'BaseException']);
    });
  });

  describe('refusals', () => {
    test('the input is one object that fits its schema', async () => {
      assert.equal((await post('/own/greet', { name: 'too long' })).json().code, 'RESOURCE_INVALID');
      assert.match((await post('/own/greet', { other: 1 })).json().error, /^Validation error: Json validation error:/);
      assert.equal((await post('/own/greet', [])).json().code, 'RESOURCE_MALFORMED');
      assert.equal((await api('POST', '/t/machines/own/greet')).status, 400);
    });

    test('without an input no body is read', async () => {
      assert.equal((await api('POST', '/t/machines/owned', { headers: { 'content-type': 'text/plain' }, body: 'no JSON' })).status, 200);
    });

    test('policies are those of the action', async () => {
      assert.equal((await post('/own/greet', { name: 'Ada' }, member)).status, 200);
      assert.equal((await post('/other/greet', { name: 'Ada' }, member)).status, 404);
      assert.equal((await post('/none/greet', { name: 'Ada' })).status, 404);
      assert.equal((await post('/own/greet', { name: 'Ada', tenant_id: 'other' }, member)).status, 403);
      assert.equal((await post('/quiet', {}, member)).status, 403);
      assert.equal((await post('/late')).status, 403);
      assert.equal((await post('/own/greet', { name: 'Ada' }, { token: '' })).status, 401);
      const change = (body: unknown) => api('PATCH', '/t/machines', { body, ...member });
      assert.equal((await change({ state: 'on' })).status, 200);
      assert.equal((await change({ state: 'off' })).status, 403);
      assert.match((await change({ state: 'on', price: 1 })).json().error, /price is prohibited/);
    });

    test('of another protocol no body is read, nor validated', async () => {
      const answer = await api('POST', '/t/machines/own/socket', { headers: { 'content-type': 'text/plain' }, body: 'no JSON' });
      assert.deepEqual([answer.status, answer.json()], [200, { upstream: 'ws://nowhere', input: {} }]);
    });
  });

  describe('paths', () => {
    test('an action wins over the resource that has its name; other methods are those of the resource', async () => {
      assert.deepEqual((await api('GET', '/t/machines/report', member)).json(), ['report', {}]);
      assert.equal((await api('PATCH', '/t/machines/report', { body: { title: 'x' } })).status, 200);
    });

    test('methods are told', async () => {
      const wrong = await api('GET', '/t/machines/own/greet');
      assert.equal(wrong.status, 405);
      assert.equal(wrong.headers['allow'], 'POST, OPTIONS');
      assert.equal((await api('OPTIONS', '/t/machines/own/word')).headers['allow'], 'GET, HEAD, OPTIONS');
      assert.equal((await api('OPTIONS', '/t/machines')).headers['allow'], 'GET, HEAD, POST, PATCH, OPTIONS');
      assert.equal((await post('/own/none')).status, 404);
    });
  });
});
