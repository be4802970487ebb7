import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createTempFolder } from '../../../test/support/temp.ts';
import { type ModelsUnderTest, startModels } from './start-models.ts';

const folder = createTempFolder();
after(() => folder[Symbol.dispose]());

folder.write(
  'things.yaml',
  `
schemas:
- {id: thing, singular: thing, plural: things, title: t, description: t, prefix: /v1, schema: {type: object, properties: {
    id: {type: string, title: i, description: i, permission: [create]},
    name: {type: string, title: n, description: n, permission: [create, update]},
    tenant_id: {type: string, title: t, description: t, permission: [create]}}},
  actions: {call: {method: POST, path: /:id/call, input: {type: object}}, now: {method: GET, path: /:id/now}, script: {method: GET, path: /:id/script}}}
policies:
- {id: own, action: '*', principal: Member, condition: [is_owner], resource: {path: ^/v1/things}}
extensions:
- {id: thing, path: ^/v1/things$, code_type: typescript, url: thing.ts}
- {id: script, path: ^/v1/things$, code_type: javascript, code: 'gohan_register_handler("script", function (context) { context.response = {now: new Date().toISOString()}; });'}
`,
);
folder.write(
  'thing.ts',
  `
import { ResponseError } from 'sekisho/extension';
export const preCreate = (context: any) => { if (context.resource.name === 'bad') throw new ResponseError(422, 'a bad name'); };
export const postCreateInTransaction = async (context: any) => {
  await context.tx.update('thing', context.resource.id, { name: context.resource.name + '!' });
  if (context.resource.name === 'undone') throw new ResponseError(409, 'undone');
};
export const call = async (context: any) => {
  const url = await context.config('billing/url', 'http://default');
  context.log.info('calls', url);
  const answer = await context.fetch(url + '/charge', { method: 'POST', body: JSON.stringify(context.input), headers: { 'X-Key': 'k' } });
  context.response = { status: answer.status, body: await answer.json(), kind: answer.headers.get('content-type') };
};
export const now = (context: any) => { context.response = { now: new Date().toISOString(), ms: Date.now() }; };
`,
);

const start = (): Promise<ModelsUnderTest> =>
  startModels({ schemas: 'things.yaml', folder: folder.path, config: { billing: { url: 'http://billing' } } });
const text = (value: unknown): string => JSON.stringify(value);

test('requests go the whole way: policies, events, the transaction', async () => {
  await using models = await start();
  const made = await models.request('POST', '/v1/things', { token: 'demo_token', body: { id: 'a', name: 'tea' } });
  assert.equal(made.status, 201, text(made));
  assert.equal(made.headers['location'], '/v1/things/a');
  const rows = await (models.tx as { list(id: string): Promise<readonly { name: string }[]> }).list('thing');
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['tea!'],
  );
  assert.equal((await models.request('GET', '/v1/things/a', { token: 'power_user_token' })).status, 404);
  assert.equal((await models.request('GET', '/v1/things/a', { token: '' })).status, 401);
  assert.equal((await models.request('POST', '/v1/things', { body: { name: 'bad' } })).status, 422);
  assert.equal((await models.request('POST', '/v1/things', { body: { id: 'b', name: 'undone' } })).status, 409);
  assert.equal((await models.request('GET', '/v1/things/b')).status, 404);
  assert.equal((await models.request('DELETE', '/v1/things/a')).body, undefined);
  await assert.rejects(models.request('GET', '/v2/none'), /no schema has the path \/v2\/none/);
});

test('one event alone, with a transaction where its name says so', async () => {
  await using models = await start();
  await assert.rejects(models.trigger('thing', 'pre_create', { resource: { name: 'bad' } }), { status: 422, message: 'a bad name' });
  await (models.tx as { create(id: string, row: object): Promise<unknown> }).create('thing', { id: 'a', name: 'tea' });
  const { resource } = await models.trigger('thing', 'post_create_in_transaction', { resource: { id: 'a', name: 'new' } });
  assert.deepEqual(resource, { id: 'a', name: 'new' });
  assert.equal((await models.request('GET', '/v1/things/a')).status, 200);
  await assert.rejects(models.trigger('nothing', 'pre_create'), /there is no schema nothing; there are .*thing/);
});

const ask = (models: ModelsUnderTest) => models.request('POST', '/v1/things/a/call', { body: { euros: 5 } });

async function startWithThing(): Promise<ModelsUnderTest> {
  const models = await start();
  await models.request('POST', '/v1/things', { body: { id: 'a', name: 'tea' } });
  return models;
}

test('calls to others are expected and answered; the configuration is given; the log is kept', async () => {
  await using models = await startWithThing();
  models.fetch.expect('POST', 'http://billing/charge', { body: { euros: 5 }, headers: { 'x-key': 'k' } }).reply(201, { ok: true });
  const answer = await ask(models);
  assert.deepEqual(answer.body, { status: 201, body: { ok: true }, kind: 'application/json' }, text(models.log));
  models.config.set('billing/url', 'http://other');
  models.fetch.expect('POST', 'http://other/charge').fail('connect ECONNREFUSED');
  assert.equal((await ask(models)).status, 500);
  assert.ok(models.log.includes('INFO extension.thing.call: calls http://other'), text(models.log));
  assert.ok(models.log.includes('ERROR thing call: Error: connect ECONNREFUSED'), text(models.log));
});

test('unexpected, wrong and missing calls fail the test', async () => {
  const models = await startWithThing();
  assert.equal((await ask(models)).status, 500);
  assert.throws(() => models.verify(), /^AssertionError.*Unexpected call to fetch\(POST http:\/\/billing\/charge\)/);
  models.fetch.expect('POST', 'http://billing/charge', { body: { euros: 6 } }).reply(200);
  await ask(models);
  assert.throws(
    () => models.verify(),
    /Wrong arguments for call fetch\(POST http:\/\/billing\/charge\), expected the body {"euros":6}, found {"euros":5}/,
  );
  models.fetch.expect('GET', 'http://never/');
  await assert.rejects(models.close(), /Expected call to fetch\(GET http:\/\/never\/\) but not made/);
});

test('the clock of extensions stands where it is set', async () => {
  await using models = await startWithThing();
  models.clock.set('2030-01-02T03:04:05Z');
  assert.deepEqual((await models.request('GET', '/v1/things/a/now')).body, { now: '2030-01-02T03:04:05.000Z', ms: 1893553445000 });
  models.clock.advance(60_000);
  assert.deepEqual((await models.request('GET', '/v1/things/a/script')).body, { now: '2030-01-02T03:05:05.000Z' });
  models.clock.go();
  const { now } = (await models.request('GET', '/v1/things/a/now')).body as { now: string };
  assert.ok(Math.abs(Date.parse(now) - Date.now()) < 60_000, now);
  assert.throws(() => models.clock.set('soon'), /"soon" is no time/);
});

test('what is wrong with schemas and extensions is told as at a start', async () => {
  folder.write('wrong.yaml', 'schemas: [{id: x}]');
  await assert.rejects(startModels({ configFile: 'none.yaml', folder: folder.path }), { code: 'CONFIG_NOT_FOUND' });
  await assert.rejects(startModels({ schemas: 'wrong.yaml', folder: folder.path }), { code: 'SCHEMA_INVALID' });
  folder.write(
    'both.yaml',
    `schemas: [things.yaml]\nextensions: [{id: x, path: ^/v1/things, code_type: typescript, code: 'export const = 5'}]`,
  );
  await assert.rejects(startModels({ schemas: 'both.yaml', folder: folder.path }), { code: 'EXTENSION_COMPILE' });
});
