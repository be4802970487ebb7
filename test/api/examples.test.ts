import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ask } from '../support/client.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { REPOSITORY } from '../support/source-files.ts';

/** One of examples/modules in a copy of its folder, on free ports. */
function startExample(name: string, env: Readonly<Record<string, string>> = {}): Promise<Gateway> {
  const read = (file: string): string => readFileSync(`${REPOSITORY}/examples/modules/${name}/${file}`, 'utf8');
  return startGateway({ config: read('sekisho.yaml'), files: { 'module.ts': read('module.ts') }, env });
}

test('ip-hash: a client stays with one upstream, clients spread', async () => {
  await using gateway = await startExample('ip-hash');
  const pathOf = async (client: string): Promise<string> =>
    (await ask(`${gateway.proxyUrl}/nodes`, { headers: { 'X-Client': client } })).json().data.path;
  const seen = new Set<string>();
  for (let i = 0; i < 12; i += 1) seen.add(await pathOf(`client-${i}`));
  assert.deepEqual([...seen].toSorted(), ['/a', '/b', '/c']);
  assert.equal(await pathOf('ann'), await pathOf('ann'));
  assert.match(String((await ask(`${gateway.proxyUrl}/nodes`)).headers['x-picked']), /^[123] of 3$/);
});

test('url-shortener: makes links and follows them', async () => {
  await using gateway = await startExample('url-shortener');
  const made = await ask(`${gateway.proxyUrl}/?url=${encodeURIComponent('https://example.com/a?b=c')}`, { method: 'POST' });
  assert.equal(made.status, 201);
  const { id } = made.json();
  assert.equal(made.headers['location'], `/${id}`);
  const followed = await ask(`${gateway.proxyUrl}/${id}`);
  assert.deepEqual([followed.status, followed.headers['location']], [307, 'https://example.com/a?b=c']);
  assert.equal((await ask(`${gateway.proxyUrl}/nope`)).status, 404);
  assert.equal((await ask(`${gateway.proxyUrl}/?url=ftp://x`, { method: 'POST' })).status, 400);
});

test('modify-json: bodies are changed in both directions, nonsense is refused', async () => {
  await using gateway = await startExample('modify-json');
  const order = (body: string) => ask(`${gateway.proxyUrl}/orders`, { method: 'POST', body });
  const made = await order('{"item":"tea"}');
  assert.equal(made.status, 201);
  assert.deepEqual(made.json(), { order: { item: 'tea', count: 1, from: '127.0.0.1' }, path: '/orders' });
  assert.equal(made.headers['cache-control'], 'no-store');
  assert.equal((await order('{"item":5}')).status, 422);
  assert.equal((await order('no json')).status, 400);
});

test('merge: one answer of several calls', async () => {
  await using gateway = await startExample('merge');
  const answer = await ask(`${gateway.proxyUrl}/dashboard/ann`);
  assert.deepEqual(answer.json(), { profile: '/users/ann', orders: '/orders?user=ann', broken: null });
});

test('api-key: only the key opens the route, and the upstream does not see it', async () => {
  await using gateway = await startExample('api-key', { API_KEY: 'open sesame' });
  const refused = await ask(`${gateway.proxyUrl}/private/x`);
  assert.deepEqual([refused.status, refused.headers['www-authenticate']], [401, 'ApiKey']);
  assert.equal((await ask(`${gateway.proxyUrl}/private/x`, { headers: { 'X-Api-Key': 'change-me' } })).status, 401);
  const passed = await ask(`${gateway.proxyUrl}/private/x`, { headers: { 'X-Api-Key': 'open sesame' } });
  assert.equal(passed.status, 200);
  assert.ok(!passed.text.includes('open sesame'));
});

test("rewrite-error: clients see the module's answer when the upstream is down", async () => {
  await using gateway = await startExample('rewrite-error');
  const down = await ask(`${gateway.proxyUrl}/down/x`);
  assert.equal(down.status, 503);
  assert.deepEqual(down.json(), { error: 'the service is down', code: 'UPSTREAM_CONNECT' });
  assert.equal(down.headers['retry-after'], '5');
  const page = await ask(`${gateway.proxyUrl}/down/x`, { headers: { Accept: 'text/html' } });
  assert.equal(page.text, '<h1>We will be back soon</h1>');
});
