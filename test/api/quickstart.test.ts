import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ask } from '../support/client.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { until } from '../support/until.ts';

// The copy is somewhere else: the schemas of the neighbouring example are named by their whole path.
const read = (name: string): string =>
  readFileSync(`${REPOSITORY}/examples/quickstart/${name}`, 'utf8').replace('../petstore', `${REPOSITORY}/examples/petstore`);
const MODULES = ['modules/echo.ts', 'modules/hello.ts'];

/** The quickstart in a copy of its folder, on free ports. */
const startQuickstart = (): Promise<Gateway> =>
  startGateway({ config: read('sekisho.yaml'), files: Object.fromEntries(MODULES.map((name) => [name, read(name)])) });

test('the quickstart proxies through a module, answers by a module, and tells what to try', async () => {
  await using gateway = await startQuickstart();

  const echoed = await ask(`${gateway.proxyUrl}/echo/hello?a=1`);
  assert.equal(echoed.status, 200);
  assert.equal(echoed.headers['x-sekisho'], 'hello');
  assert.equal(echoed.json().data.path, '/hello?a=1');

  const hello = await ask(`${gateway.proxyUrl}/hello/ann`);
  assert.deepEqual(hello.json(), { message: 'Hello, ann!' });
  assert.match(String(hello.headers['content-type']), /^application\/json/);

  assert.equal((await ask(`http://127.0.0.1:${gateway.ports.echo}/direct`)).json().data.path, '/direct');
  assert.equal((await gateway.admin('GET', '/healthz')).status, 200);
  await until('four commands to try', () => gateway.log().match(/curl .*127\.0\.0\.1:\d+/g)?.length === 4);
  assert.match(gateway.log(), /curl http:\/\/127\.0\.0\.1:\d+\/petstore\/v1\/\w+"/);
  const { listeners } = (await gateway.admin('GET', '/api/v1/status')).json().data;
  assert.deepEqual(
    listeners.filter(({ name }: { name: string }) => name === 'echo server'),
    [{ name: 'echo server', address: `http://127.0.0.1:${gateway.ports.echo}` }],
  );

  assert.equal(await gateway.stop(), 0);
});

test('the quickstart serves the petstore from SQLite, and keeps it over a restart', async () => {
  await using gateway = await startQuickstart();
  const url = `${gateway.proxyUrl}/petstore/v1/categories`;
  const made = await ask(url, { method: 'POST', headers: { 'x-auth-token': 'admin_token' }, body: { name: 'dog' } });
  assert.equal(made.status, 201, made.text);
  await gateway.restart();
  assert.deepEqual((await ask(url)).json().categories, [made.json().category]);
});

test('saving a module file changes the answer', async () => {
  await using gateway = await startQuickstart();
  const message = async (): Promise<string> => (await ask(`${gateway.proxyUrl}/hello/ann`)).json().message;
  assert.equal(await message(), 'Hello, ann!');

  gateway.write('modules/hello.ts', read('modules/hello.ts').replace('Hello,', 'Good day,'));
  await until('the new text is served', async () => (await message()) === 'Good day, ann!');
});

test('a module file with an error is reported with its place, and the last good version serves on', async () => {
  await using gateway = await startQuickstart();
  gateway.write('modules/hello.ts', 'export const requestHandler = (ctx) => {\n  ctx.response().json({ a: );\n};\n');
  await until('the error is logged with file, line and column', () => /hello(\.ts)?:2:2\d/.test(gateway.log()));
  assert.deepEqual((await ask(`${gateway.proxyUrl}/hello/ann`)).json(), { message: 'Hello, ann!' });

  gateway.write('modules/hello.ts', read('modules/hello.ts').replace('Hello,', 'Back,'));
  await until('the mended version is served', async () => (await ask(`${gateway.proxyUrl}/hello/ann`)).json().message === 'Back, ann!');
});
