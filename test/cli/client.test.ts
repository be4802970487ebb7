import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type CliResult, runInProcess, type SeenCall, startAdminStub } from '../support/admin-stub.ts';
import type { Gateway } from '../support/gateway.ts';
import { startPetstore } from '../support/petstore.ts';
import { createTempFolder, type TempFolder } from '../support/temp.ts';

let gateway: Gateway;
let folder: TempFolder;
let cache: string;

before(async () => {
  folder = createTempFolder();
  cache = `${folder.path}/cache/schemas.json`;
  gateway = await startPetstore();
  assert.equal((await client('admin', 'category', 'create', '--name', 'dog')).exit, 0);
  assert.equal((await client('demo', 'store', 'create', '--name', 'Happy Paws', '--city', 'Kyoto')).exit, 0);
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  folder.remove();
});

function client(user: string, ...words: readonly string[]): Promise<CliResult> {
  return run({ SEKISHO_TOKEN: `${user}_token` }, ...words);
}

function run(env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<CliResult> {
  return runInProcess(['client', ...words], {
    env: { SEKISHO_ENDPOINT_URL: gateway.proxyUrl, SEKISHO_CACHE_PATH: cache, ...env },
    cwd: folder.path,
  });
}

/** What a line that has to succeed printed as JSON. */
async function done(...words: readonly string[]): Promise<any> {
  const { exit, out, err } = await client('demo', ...words, '--output-format', 'json');
  assert.equal(exit, 0, `${words.join(' ')}: ${err}`);
  return out === '' ? undefined : JSON.parse(out);
}

test('without words it lists the schemas, with one it tells what that has', async () => {
  const { out } = await client('demo');
  assert.match(out, /^sekisho client pet # Pet$/m);
  const help = (await client('demo', 'pet')).out;
  assert.match(help, /--store_id --store +string +required/);
  assert.match(help, /--purchase_price/);
  const general = await run({}, '--help');
  assert.equal(general.exit, 0);
  assert.match(general.out, /GOHAN_ENDPOINT_URL/);
});

test('create, list, show, set and delete, with names instead of ids and values of every type', async () => {
  const required = ['--name', 'Rex', '--store', 'Happy Paws', '--category', 'dog', '--price', '99.5'];
  const more = ['--purchase_price', '<null>', '--traits', '{"weight_kg": 30}', '--tags=["big"]'];
  const { pet } = await done('pet', 'create', ...required, ...more);
  assert.equal(pet.price, 99.5);
  assert.equal(pet.purchase_price, null);
  assert.deepEqual(pet.traits, { weight_kg: 30, colour: 'unknown' });
  assert.deepEqual(pet.tags, ['big']);
  assert.equal(pet.category.name, 'dog');

  assert.equal((await done('pet', 'set', '--price', '90', 'Rex')).pet.price, 90);
  const few = await done('pet', 'set', '--price', '91', '--fields', 'name,pet.price,category.name', 'Rex');
  assert.deepEqual(few, { pet: { name: 'Rex', price: 91, category: { name: 'dog' } } });
  assert.equal((await done('pet', 'set', '--price', '95', pet.id)).pet.price, 95);
  assert.equal((await done('pet', 'list', '--status', 'available')).pets.length, 1);
  assert.deepEqual((await done('pet', 'list', '--price__lt', '95')).pets, []);
  assert.equal((await done('pet', 'list', '--store', 'Happy Paws')).pets.length, 1);
  assert.deepEqual((await done('pet', 'list', '--category__ne', 'dog')).pets, []);
  assert.deepEqual((await done('pet', 'list', '--fields', 'name,price')).pets, [{ name: 'Rex', price: 95 }]);

  const shown = await done('store', 'show', 'Happy Paws');
  assert.equal(shown.store.city, 'Kyoto');
  assert.deepEqual(
    shown.pets.map(({ name }: { name: string }) => name),
    ['Rex'],
  );

  await done('pet', 'create', '--name', 'Rex', '--store', 'Happy Paws', '--category', 'dog', '--price', '1');
  const several = await client('demo', 'pet', 'show', 'Rex');
  assert.equal(several.exit, 1);
  assert.match(several.err, /^Multiple pets with name 'Rex' found/);
  assert.deepEqual(await client('demo', 'pet', 'delete', pet.id), { exit: 0, out: '', err: '' });
  assert.equal((await done('pet', 'list')).pets.length, 1);
});

test('tables have titles, and names of what is related', async () => {
  await done('pet', 'create', '--name', 'Tama', '--store', 'Happy Paws', '--category', 'dog', '--price', '5');
  const list = await client('demo', 'pet', 'list', '--name', 'Tama', '--fields', 'name,category_id,category.name,price');
  assert.equal(list.err, '');
  assert.match(list.out, /^Name +Category +Price\nTama +dog +5\n$/);
  assert.match((await client('demo', 'pet', 'show', 'Tama')).out, /^Property +Value\nID .*\nName +Tama\n/);
  assert.equal((await client('demo', 'order', 'list')).out, 'no orders\n');
});

test('what is wrong is told, and the exit code says whose fault it is', async () => {
  const cases: readonly (readonly [number, RegExp, readonly string[]])[] = [
    [2, /Command not found: 'pett'; did you mean pet\?/, ['pett']],
    [2, /Command not found: 'lst'; did you mean list\?/, ['pet', 'lst']],
    [2, /unknown option --pric; did you mean --price\?/, ['pet', 'create', '--pric', '1']],
    [2, /unknown option --colour/, ['pet', 'list', '--colour', 'red']],
    [2, /--price: found 'dear', allowed is a number/, ['pet', 'create', '--price', 'dear']],
    [2, /--tags: found 'a,b', allowed is JSON of an array/, ['pet', 'create', '--tags', 'a,b']],
    [2, /--price needs a value/, ['pet', 'create', '--price']],
    [2, /a word is missing; usage: show ID/, ['pet', 'show']],
    [2, /too many words: b; usage: show ID/, ['pet', 'show', 'a', 'b']],
    [2, /--output-format: found 'xml', allowed are json, table/, ['pet', 'list', '--output-format', 'xml']],
    [2, /--verbosity: found '9'/, ['pet', 'list', '--verbosity', '9']],
    [1, /^Resource not found/, ['pet', 'show', 'nobody']],
    [1, /^Resource not found/, ['pet', 'create', '--store', 'nowhere']],
    [1, /400 error from server/, ['pet', 'create', '--name', 'x']],
    [1, /403 error from server/, ['category', 'create', '--name', 'cat']],
  ];
  for (const [exit, want, words] of cases) {
    const result = await client('demo', ...words);
    assert.equal(result.exit, exit, `${words.join(' ')}: ${result.err}`);
    assert.equal(result.out, '');
    assert.match(result.err, want);
  }
});

test('schemas are kept in a file, per user, until its time is over', async () => {
  assert.ok(existsSync(cache));
  await client('demo', 'pet', 'list');
  const kept = JSON.parse(readFileSync(cache, 'utf8'));
  writeFileSync(cache, JSON.stringify({ ...kept, body: { schemas: [] } }));
  assert.equal((await client('demo')).out, '');
  assert.match((await run({ SEKISHO_TOKEN: 'demo_token', GOHAN_CACHE_TIMEOUT: '0s' })).out, /client pet/);
  writeFileSync(cache, JSON.stringify({ ...kept, body: { schemas: [] } }));
  assert.match((await client('admin')).out, /client pet/);
  writeFileSync(cache, '{');
  assert.match((await client('demo')).out, /client pet/);
  assert.match((await run({ SEKISHO_TOKEN: 'demo_token', SEKISHO_CACHE_TIMEOUT: 'soon' }, 'pet')).err, /expected a time such as 5m/);
});

test("it logs in at a Keystone, and reads Gohan's names of the variables", async () => {
  const env = {
    SEKISHO_ENDPOINT_URL: '',
    GOHAN_ENDPOINT_URL: gateway.proxyUrl,
    OS_AUTH_URL: `${gateway.proxyUrl}/v2.0`,
    OS_USERNAME: 'demo',
    OS_PASSWORD: 'any',
    GOHAN_OUTPUT_FORMAT: 'json',
    GOHAN_VERBOSITY: '3',
  };
  const { exit, out, err } = await run(env, 'store', 'list');
  assert.equal(exit, 0, err);
  assert.equal(JSON.parse(out).stores[0].name, 'Happy Paws');
  assert.match(err, /GET .*\/petstore\/v1\/stores - 200/);
  assert.match(err, /^X-Auth-Token: demo_token$/m);
  const missing = await run({ ...env, OS_PASSWORD: '' }, 'store', 'list');
  assert.equal(missing.exit, 2);
  assert.match(missing.err, /^Environment variable OS_PASSWORD needs to be set/);
});

const MACHINE = {
  id: 'machine',
  singular: 'machine',
  plural: 'machines',
  title: 'Machine',
  url: '/v1/machines',
  schema: { properties: { id: { type: 'string' }, name: { type: 'string' } }, propertiesOrder: ['id', 'name'] },
  actions: {
    scale: {
      method: 'POST',
      path: '/:id/scale',
      input: { type: 'object', properties: { size: { type: 'integer' }, tags: { type: 'array' } } },
    },
    summary: { method: 'GET', path: '/summary/all', input: null },
  },
};

test('actions get one JSON value or an option per property of their input, as it is', async () => {
  const answer = ({ url }: SeenCall) => ({
    body: url.startsWith('/gohan') ? { schemas: [MACHINE] } : url === '/v1/machines/m1' ? { machine: { id: 'm1' } } : { done: true },
  });
  await using stub = await startAdminStub(answer);
  const act = (...words: readonly string[]) => run({ SEKISHO_ENDPOINT_URL: stub.url, SEKISHO_CACHE_SCHEMAS: 'false' }, 'machine', ...words);

  assert.equal((await act('scale', '--size', '3', '--tags', '["a"]', 'm1')).out, '{\n  "done": true\n}\n');
  const last = () => stub.calls.at(-1);
  assert.equal(last()?.method, 'POST');
  assert.equal(last()?.url, '/v1/machines/m1/scale');
  assert.deepEqual(last()?.body, { size: 3, tags: ['a'] });
  assert.equal((await act('scale', '{"size": 4}', 'm1')).exit, 0);
  assert.deepEqual(last()?.body, { size: 4 });
  assert.equal((await act('summary')).exit, 0);
  assert.equal(last()?.url, '/v1/machines/summary/all');

  for (const [want, words] of [
    [/scale needs the ID of a machine/, ['scale', '--size', '3']],
    [/unknown option --sise; did you mean --size\?/, ['scale', '--sise', '3', 'm1']],
    [/either one JSON value or options/, ['scale', '--size', '3', '{}', 'm1']],
    [/summary takes no option --size/, ['summary', '--size', '3']],
  ] as const) {
    const { exit, err } = await act(...words);
    assert.equal(exit, 2, err);
    assert.match(err, want);
  }
});

test('a server that is not there is told', async () => {
  const { exit, err } = await run({ SEKISHO_ENDPOINT_URL: 'http://127.0.0.1:1', SEKISHO_TOKEN: 'x' }, 'pet', 'list');
  assert.equal(exit, 1);
  assert.match(err, /cannot reach the REST API at http:\/\/127\.0\.0\.1:1: connection refused/);
});
