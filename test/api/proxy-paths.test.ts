import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy, putModule } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const TELLS_MATCH = `export const requestHandler = (ctx: any) =>
  ctx.response().json({ route: ctx.route().name, params: ctx.pathParams() })`;

let gateway: Gateway;

before(async () => {
  gateway = await startGateway();
  await putModule(gateway, 'tells', TELLS_MATCH);
});
after(() => gateway[Symbol.asyncDispose]());

/** Replaces all routes by one for each path, called as its path, and gives what `path` matches. */
async function routes(paths: Readonly<Record<string, readonly string[]>>): Promise<void> {
  const known = (await gateway.admin('GET', '/api/v1/route')).json().data as readonly { name: string }[];
  for (const { name } of known) await gateway.admin('DELETE', '/api/v1/route', { name });
  for (const [path, methods] of Object.entries(paths))
    await gateway.put('route', { name: path, paths: [path], methods, modules: ['tells'] });
}

async function match(path: string, method = 'GET'): Promise<unknown> {
  const { status, text } = await ask(gateway.proxyUrl + path, { method });
  return status === 200 ? Object.values(JSON.parse(text)) : status;
}

async function expectMatches(expected: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [path, wanted] of Object.entries(expected)) assert.deepEqual(await match(path), wanted, path);
}

const all = (...paths: string[]): Readonly<Record<string, readonly string[]>> => Object.fromEntries(paths.map((path) => [path, ['GET']]));

test('segments: static, param, regex, several in one segment, wildcard', async () => {
  await routes(
    all('/', '/a', '/a/*', '/u/{id}', '/n/{id:[0-9]+}', '/d/{m}-{y}', '/f/{name}.json', '/r/{x:a{2,3}}/t', '/e/{}', '/deep/{a}/x/{b}/*'),
  );
  await expectMatches({
    '/': ['/', {}],
    '/a': ['/a', {}],
    '/a/': ['/a/*', { '*': '' }],
    '/a/x/y/': ['/a/*', { '*': 'x/y/' }],
    '/ab': 404,
    '/A': 404,
    '/u/7': ['/u/{id}', { id: '7' }],
    '/u/7/': 404,
    '/u/': 404,
    '/u': 404,
    '/n/42': ['/n/{id:[0-9]+}', { id: '42' }],
    '/n/4x': 404,
    '/d/07-2024': ['/d/{m}-{y}', { m: '07', y: '2024' }],
    '/d/072024': 404,
    '/f/report.json': ['/f/{name}.json', { name: 'report' }],
    '/f/report.xml': 404,
    '/r/aa/t': ['/r/{x:a{2,3}}/t', { x: 'aa' }],
    '/r/aaaa/t': 404,
    '/e/v': ['/e/{}', { '': 'v' }],
    '/deep/1/x/2/y/z': ['/deep/{a}/x/{b}/*', { a: '1', b: '2', '*': 'y/z' }],
    '/deep/1/x/2': 404,
  });
});

test('precedence: static, then regex, then param, then wildcard; with backtracking', async () => {
  await routes(all('/p/me', '/p/{id:[0-9]+}', '/p/{name}', '/p/*', '/p/me/{x}/z', '/*'));
  await expectMatches({
    '/p/me': ['/p/me', {}],
    '/p/12': ['/p/{id:[0-9]+}', { id: '12' }],
    '/p/ann': ['/p/{name}', { name: 'ann' }],
    '/p/mee': ['/p/{name}', { name: 'mee' }],
    '/p/me/1/z': ['/p/me/{x}/z', { x: '1' }],
    '/p/me/1/y': ['/p/*', { '*': 'me/1/y' }],
    '/p/': ['/p/*', { '*': '' }],
    '/q': ['/*', { '*': 'q' }],
    '/': ['/*', { '*': '' }],
  });
});

test('percent-encoding: an encoded slash is no separator; other spellings of a path are the same path', async () => {
  await routes(all('/u/{id}', '/u/{id}/x', '/caf\u00e9', '/b/*'));
  await expectMatches({
    '/u/a%2Fb': ['/u/{id}', { id: 'a%2Fb' }],
    '/u/a%20b': ['/u/{id}', { id: 'a b' }],
    '/u/%61nn': ['/u/{id}', { id: 'ann' }],
    '/caf%C3%A9': ['/caf\u00e9', {}],
    '/b/../u/1': ['/u/{id}', { id: '1' }],
    '/b/./c': ['/b/*', { '*': 'c' }],
  });
});

test('methods: 404 for no path, 405 with Allow for another method; routes may share a path', async () => {
  await routes({ '/m': ['GET', 'PUT'], '/all': ['*'] });
  await gateway.put('route', { name: 'other', paths: ['/m', '/second'], methods: ['POST'], modules: ['tells'] });
  assert.deepEqual(await match('/m', 'POST'), ['other', {}]);
  assert.deepEqual(await match('/m', 'PUT'), ['/m', {}]);
  assert.deepEqual(await match('/second', 'POST'), ['other', {}]);
  const refused = await ask(`${gateway.proxyUrl}/m`, { method: 'DELETE' });
  assert.equal(refused.status, 405);
  assert.deepEqual(String(refused.headers.allow).split(', ').toSorted(), ['GET', 'POST', 'PUT']);
  assert.equal((await ask(`${gateway.proxyUrl}/m`, { method: 'HEAD' })).status, 405, 'GET does not imply HEAD');
  assert.equal((await ask(`${gateway.proxyUrl}/nope`, { method: 'DELETE' })).status, 404);
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])
    assert.equal((await ask(`${gateway.proxyUrl}/all`, { method })).status, 200, method);
  assert.equal((await ask(`${gateway.proxyUrl}/all`, { method: 'PROPFIND' })).status, 405);
});

test('a replaced route leaves its old paths, methods and modules; deleting gives the path free', async () => {
  await routes({ '/one': ['GET'] });
  const put = (paths: readonly string[], methods: readonly string[], modules: readonly string[] = ['tells']): Promise<unknown> =>
    gateway.put('route', { name: '/one', paths, methods, modules });
  await put(['/two', '/three/{x}'], ['POST']);
  assert.equal(await match('/one'), 404);
  assert.equal(await match('/two'), 405);
  assert.deepEqual(await match('/three/1', 'POST'), ['/one', { x: '1' }]);
  await put([], ['GET']);
  assert.equal(await match('/two', 'POST'), 404, 'a route without paths matches nothing');
  await put(['/two'], ['GET'], []);
  assert.equal(await match('/two'), 501, 'neither service nor modules');
  await deploy(gateway, 'two', { route: { paths: ['/free'], modules: ['tells'] } });
  assert.equal((await gateway.admin('DELETE', '/api/v1/route', { name: '/one' })).status, 202);
  await gateway.put('route', { name: 'next', paths: ['/two'], methods: ['*'], modules: ['tells'] });
  assert.deepEqual(await match('/two'), ['next', {}]);
});

test('what the grammar forbids, and what another route claims, is refused and changes nothing', async () => {
  await routes(all('/x', '/p/{id}'));
  const refused: readonly (readonly [string[], string[]])[] = [
    [['x'], ['GET']],
    [[''], ['GET']],
    [['/a*b'], ['GET']],
    [['/*/b'], ['GET']],
    [['/{id'], ['GET']],
    [['/{id:[}'], ['GET']],
    [['/{id}/{id}'], ['GET']],
    [['/x'], ['GET']],
    [['/x'], ['*']],
    [['/p/{other}'], ['GET']],
    [['/twice', '/twice'], ['GET']],
    [['/y'], []],
    [['/y'], ['get']],
    [['/y'], ['BREW']],
    [['/y'], ['*', 'GET']],
  ];
  for (const [paths, methods] of refused) {
    const answer = await gateway.admin('PUT', '/api/v1/route', { name: 'bad', paths, methods, modules: ['tells'] });
    assert.equal(answer.status, 400, `${paths} ${methods}: ${answer.text}`);
    assert.ok(answer.json().error, 'it says why');
  }
  assert.equal((await gateway.admin('GET', '/api/v1/route/bad')).status, 404);
  await expectMatches({ '/x': ['/x', {}], '/p/1': ['/p/{id}', { id: '1' }], '/y': 404 });
});
