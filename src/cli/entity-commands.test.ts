import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInProcess, type StubAnswer, startAdminStub } from '../../test/support/admin-stub.ts';
import { createTempFolder } from '../../test/support/temp.ts';

/** Runs one line against a stub; gives what the server saw (without headers) and what was printed. */
async function play(line: readonly string[], answer?: StubAnswer) {
  await using stub = await startAdminStub(answer && (() => answer));
  const result = await runInProcess(['--admin', stub.url, ...line]);
  return { ...result, calls: stub.calls.map(({ method, url, body }) => ({ method, url, body })) };
}

test('create sends typed values and prints what was sent, in the order of the fields', async () => {
  const words = ['retryTimeout=50ms', 'urls=http://a,http://b', 'name=s', 'tlsSkipVerify=t', 'retries=2', 'requestTimeout:=1500'];
  const { exit, out, calls } = await play(['svc', 'mk', ...words]);
  const settings = { urls: ['http://a', 'http://b'], retries: 2, retryTimeout: 50e6, requestTimeout: 1500, tlsSkipVerify: true };
  assert.equal(exit, 0);
  assert.deepEqual(calls, [{ method: 'PUT', url: '/api/v1/service', body: { name: 's', ...settings } }]);
  assert.equal(out, `${JSON.stringify({ name: 's', namespace: '', ...settings }, undefined, 2)}\n`);
});

test('every kind has its path and its aliases', async () => {
  const kinds: readonly (readonly [string, readonly string[]])[] = [
    ['namespace', ['namespace', 'ns', 'namespaces']],
    ['service', ['service', 'svc', 'services']],
    ['module', ['module', 'mod', 'modules']],
    ['route', ['route', 'rt', 'routes']],
    ['domain', ['domain', 'dom', 'domains']],
    ['collection', ['collection', 'col', 'collections']],
    ['secret', ['secret', 'sec', 'secrets']],
  ];
  for (const [kind, words] of kinds) {
    for (const word of words) {
      const { calls } = await play([word, 'ls']);
      assert.deepEqual(calls, [{ method: 'GET', url: `/api/v1/${kind}`, body: undefined }], word);
    }
  }
});

test('secrets and private keys are never printed', async () => {
  const secret = await play(['sec', 'mk', 'name=s', 'data=abc']);
  assert.deepEqual(secret.calls[0]?.body, { name: 's', data: 'abc' });
  assert.deepEqual(JSON.parse(secret.out), { name: 's', namespace: '', data: '**redacted**' });
  const domain = await play(['dom', 'mk', 'name=d', 'patterns=a.com', 'cert=C', 'key=PRIVATE']);
  assert.doesNotMatch(domain.out, /PRIVATE/);
});

test('files: source as base64, PEM as text, a schema as JSON', async () => {
  using folder = createTempFolder();
  const source = folder.write('m.ts', 'export const a = 1;\n');
  folder.write('d.crt', 'PEM');
  folder.write('s.json', '{"type":"object"}');
  const mod = await play(['mod', 'mk', 'name=m', `payload@=${source}`]);
  assert.deepEqual(mod.calls[0]?.body, { name: 'm', payload: Buffer.from('export const a = 1;\n').toString('base64') });
  await using stub = await startAdminStub();
  const world = { cwd: folder.path };
  await runInProcess(['--admin', stub.url, 'dom', 'mk', 'name=d', 'patterns=*', 'cert@=d.crt', 'key=K'], world);
  await runInProcess(['--admin', stub.url, 'col', 'mk', 'name=c', 'schema@=s.json'], world);
  assert.deepEqual(
    stub.calls.map((call) => call.body),
    [
      { name: 'd', patterns: ['*'], cert: 'PEM', key: 'K' },
      { name: 'c', schema: { type: 'object' } },
    ],
  );
});

test('the namespace comes from its key, else from the flag', async () => {
  const sent = async (...line: string[]) => (await play(line)).calls[0];
  assert.deepEqual((await sent('-n', 'a', 'sec', 'mk', 'name=s', 'data=x'))?.body, { name: 's', namespace: 'a', data: 'x' });
  assert.deepEqual((await sent('-n', 'a', 'sec', 'mk', 'name=s', 'data=x', 'namespace=b'))?.body, { name: 's', namespace: 'b', data: 'x' });
  assert.equal((await sent('rt', 'ls', '--namespace', 'a'))?.url, '/api/v1/route?namespace=a');
  assert.equal((await sent('rt', 'get', 'r', '-n', 'a'))?.url, '/api/v1/route/r?namespace=a');
  assert.deepEqual((await sent('rt', 'rm', 'r', '-n', 'a'))?.body, { name: 'r', namespace: 'a' });
  const refused = await play(['ns', 'mk', 'name=a', '-n', 'b']);
  assert.equal(refused.exit, 2);
  assert.match(refused.err, /--namespace has no meaning for namespaces/);
});

test('get and delete take the name as a word or as a key; delete prints nothing', async () => {
  for (const word of ['a b/c', 'name=a b/c']) {
    const got = await play(['svc', 'get', word], { body: { data: { name: 'x' }, status_code: 200 } });
    assert.equal(got.calls[0]?.url, '/api/v1/service/a%20b%2Fc');
    assert.equal(got.out, '{\n  "name": "x"\n}\n');
    const gone = await play(['svc', 'rm', word], { status: 204, body: '' });
    assert.deepEqual(gone.calls, [{ method: 'DELETE', url: '/api/v1/service', body: { name: 'a b/c' } }]);
    assert.deepEqual([gone.exit, gone.out], [0, '']);
  }
});

test('documents are named by id and collection', async () => {
  const created = await play(['doc', 'mk', 'id=d', 'collection=c', 'data:={"a":1}']);
  assert.deepEqual(created.calls, [{ method: 'PUT', url: '/api/v1/document', body: { id: 'd', collection: 'c', data: { a: 1 } } }]);
  const url = async (...line: string[]) => {
    const { calls } = await play(['doc', ...line]);
    return `${calls[0]?.method} ${calls[0]?.url}`;
  };
  assert.equal(await url('get', 'd', 'collection=c'), 'GET /api/v1/document/d?collection=c');
  assert.equal(await url('rm', 'id=d', 'collection=c', 'namespace=n'), 'DELETE /api/v1/document/d?namespace=n&collection=c');
  assert.equal(await url('rm', '--all', 'collection=c'), 'DELETE /api/v1/document?collection=c');
  assert.equal(await url('ls', 'collection=c', 'limit=5', 'offset=2'), 'GET /api/v1/document?collection=c&limit=5&offset=2');
});

test('what could delete or show something else than was meant is refused', async () => {
  for (const line of [
    'doc rm collection=c',
    'doc rm id= collection=c',
    'doc rm . collection=c',
    'doc rm --all d collection=c',
    'svc get ..',
    'svc rm --all x',
    'svc rm',
  ]) {
    const { exit, err, calls } = await play(line.split(' '));
    assert.equal(exit, 2, line);
    assert.notEqual(err, '', line);
    assert.deepEqual(calls, [], line);
  }
});

test('every problem of the words is told, and nothing is sent', async () => {
  const { exit, err, calls } = await play(['svc', 'mk', 'nmae=s', 'retries=many', 'left', 'over']);
  assert.equal(exit, 2);
  assert.deepEqual(calls, []);
  assert.match(err, /words without a value: left, over/);
  assert.match(err, /unknown key 'nmae'; did you mean name\?/);
  assert.match(err, /missing required keys: name, urls\n/);
  assert.match(err, /retries: found "many", allowed is a whole number/);
  assert.match((await play(['rt', 'mk', 'name=r', 'methods=GET'])).err, /missing required keys: paths\n/);
  assert.match((await play(['rt', 'ls', 'name=r'])).err, /unknown key 'name'/);
});

test('get and list print in three formats', async () => {
  const answer = {
    body: {
      count: 2,
      data: [
        { name: 'a', tags: ['x', 'y'], n: { a: 1 } },
        { name: 'bb\u001b[2J', retries: 3 },
      ],
      status_code: 200,
    },
  };
  const table = await play(['svc', 'ls', '-o', 'table'], answer);
  assert.equal(table.out, 'NAME    TAGS  N        RETRIES\na       x,y   {"a":1}  -\nbb [2J  -     -        3\n');
  const yaml = await play(['svc', 'ls', '-o', 'yaml'], answer);
  assert.match(yaml.out, /^- name: a\n {2}tags:\n {4}- x\n/);
  const json = await play(['svc', 'ls', '-o', 'json'], answer);
  assert.deepEqual(JSON.parse(json.out), answer.body.data);
  assert.equal((await play(['svc', 'ls', '-o', 'table'])).out, '(none)\n');
});
