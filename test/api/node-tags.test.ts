import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from '../support/client.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

/** One set of entities, put to a plain node and to a canary. */
let plain: Gateway;
let canary: Gateway;

const sends = (text: string): string =>
  Buffer.from(`export const requestHandler = (ctx: any) => ctx.response().send('${text}')`).toString('base64');

before(async () => {
  [plain, canary] = await Promise.all([startGateway({ config: { tags: ['eu'] } }), startGateway({ config: { tags: ['eu', 'canary'] } })]);
  for (const gateway of [plain, canary]) {
    await gateway.put('module', { name: 'stable', payload: sends('stable') });
    await gateway.put('module', { name: 'next', payload: sends('next') });
    await gateway.put('route', { name: 'stable', paths: ['/app'], methods: ['GET'], modules: ['stable'], tags: ['!canary'] });
    await gateway.put('route', { name: 'next', paths: ['/app'], methods: ['GET'], modules: ['next'], tags: ['#canary', 'team-a'] });
  }
});
after(async () => {
  await Promise.all([plain[Symbol.asyncDispose](), canary[Symbol.asyncDispose]()]);
});

const served = async (gateway: Gateway, path: string): Promise<string> => {
  const { status, text } = await ask(gateway.proxyUrl + path);
  return status === 200 ? text : `${status}`;
};

test('two routes have one path, and each node serves its own', async () => {
  assert.equal(await served(plain, '/app'), 'stable');
  assert.equal(await served(canary, '/app'), 'next');
});

test('what a node does not serve is stored there all the same', async () => {
  const answer = await plain.admin('GET', '/api/v1/route/next');
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json().data.tags, ['#canary', 'team-a']);
});

test('explain tells why', async () => {
  const { outcome, leftOut } = (await plain.admin('GET', '/api/v1/explain?path=/app&host=localhost')).json().data;
  assert.equal(outcome, 'route "stable"');
  assert.deepEqual(leftOut, [{ kind: 'route', namespace: 'default', name: 'next', reason: 'it is for nodes with the tag canary' }]);
});

test('a canary that becomes the rule: tags are changed, not paths', async () => {
  const route = { name: 'next', paths: ['/app'], methods: ['GET'], modules: ['next'] };
  const changes = [
    { op: 'delete', kind: 'route', name: 'stable' },
    { op: 'put', kind: 'route', entity: route },
  ];
  for (const gateway of [plain, canary]) assert.equal((await gateway.admin('PUT', '/api/v1/changes', { changes })).status, 200);
  assert.equal(await served(plain, '/app'), 'next');
  assert.equal(await served(canary, '/app'), 'next');
});

test('a route whose service is left out is left out; one with the same path and no conditions is refused', async () => {
  await plain.put('service', { name: 's', urls: ['http://127.0.0.1:1'], tags: ['!eu'] });
  await plain.put('route', { name: 's', paths: ['/s'], methods: ['GET'], service: 's' });
  assert.equal(await served(plain, '/s'), '404');
  const clash = await plain.admin('PUT', '/api/v1/route', { name: 's2', paths: ['/s'], methods: ['GET'], service: 's' });
  assert.equal(clash.status, 400);
  await plain.put('service', { name: 's', urls: ['http://127.0.0.1:1'], tags: ['?eu', '?us'] });
  assert.equal(await served(plain, '/s'), '502');
});

test('a condition that names no tag is refused with its place', async () => {
  const answer = await plain.admin('PUT', '/api/v1/namespace', { name: 'n', tags: ['fine', '#'] });
  assert.equal(answer.status, 400);
  assert.match(answer.text, /names no tag of a node/);
  assert.match(answer.text, /"pointer":"\/tags\/1"/);
});
