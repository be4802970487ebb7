import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInProcess, type SeenCall, type StubAnswer, startAdminStub } from '../../test/support/admin-stub.ts';
import { createTempFolder } from '../../test/support/temp.ts';

const PATH = '/api/v1/sync/resync';
const done = (result: unknown): StubAnswer => ({ body: { data: { state: 'done', result } } });
const RESULT = { written: 3, removed: 1, kept: 2, waiting: 0 };

/** `line` is run against a stub, in a folder with the configuration `config`, in which `PORT` is that of the stub. */
async function play(line: string, answer: (call: SeenCall) => StubAnswer = () => done(RESULT), config = '') {
  await using stub = await startAdminStub(answer);
  using folder = createTempFolder();
  folder.write('gohan.yaml', config.replace('PORT', new URL(stub.url).port));
  const env = config === '' ? { SEKISHO_ADMIN_API: stub.url } : {};
  const result = await runInProcess(line.split(' '), { cwd: folder.path, env });
  return { ...result, calls: stub.calls };
}

test('schemas, former templates and a rehearsal are asked for', async () => {
  const whole = await play('resync');
  assert.deepEqual([whole.calls[0]?.method, whole.calls[0]?.url, whole.calls[0]?.body], ['POST', PATH, { schemas: [] }]);
  assert.deepEqual([whole.exit, whole.out], [0, 'written: 3\nremoved: 1\nkept: 2\nwaiting: 0\n']);
  const { calls } = await play('resync net --former /old/{{id}} --former=/older/{{id}}');
  assert.deepEqual(calls[0]?.body, { schemas: ['net'], former: ['/old/{{id}}', '/older/{{id}}'] });
  const rehearsal = await play('resync --dry-run', () => done({ resources: 3, missing: 1, examples: ['missing /config/a'] }));
  assert.deepEqual(rehearsal.calls[0]?.body, { schemas: [], dry_run: true });
  assert.deepEqual([rehearsal.exit, rehearsal.out], [0, 'resources: 3\nmissing: 1\nexamples:\n  - missing /config/a\n']);
});

test('progress is told once for each step, and what still waits is exit code 1', async () => {
  const progress = { phase: 'write', schema: 'net', done: 1, total: 2 };
  let asked = 0;
  const { exit, err, calls } = await play('resync', () => {
    asked += 1;
    return asked < 4 ? { body: { data: { state: 'running', progress } } } : done({ ...RESULT, waiting: 5 });
  });
  assert.equal(exit, 1);
  assert.equal(err, 'net: 1 of 2 into the event log\n5 changes still wait: sekisho sync status tells who delivers, and what hinders\n');
  assert.deepEqual(
    calls.map(({ method }) => method),
    ['POST', 'GET', 'GET', 'GET'],
  );
  const failed = await play('resync', () => ({ body: { data: { state: 'failed', error: 'no such schema' } } }));
  assert.deepEqual([failed.exit, failed.err], [1, 'no such schema\n']);
});

test('--config-file names the gateway that runs with that file, as with Gohan', async () => {
  const open = await play(
    'resync --config-file gohan.yaml',
    undefined,
    'version: v1\nstorage: { type: memory }\nadmin: { host: 127.0.0.1, port: PORT }\n',
  );
  assert.deepEqual([open.exit, open.calls.length], [0, 1], open.err);
  const basic =
    'version: v1\nstorage: { type: memory }\nadmin: { host: 0.0.0.0, port: PORT, auth_method: basic, basic_auth: { users: [{ username: ann, password: p }] } }\n';
  const named = await play('resync -c gohan.yaml', undefined, basic);
  assert.equal(named.calls[0]?.headers.authorization, `Basic ${Buffer.from('ann:p').toString('base64')}`, named.err);
  const header =
    'version: v1\nstorage: { type: memory }\nadmin: { port: PORT, auth_method: key, key_auth: { key: k, header_name: X-K } }\n';
  assert.equal((await play('resync -c gohan.yaml', undefined, header)).calls[0]?.headers['x-k'], 'k');
  const query =
    'version: v1\nstorage: { type: memory }\nadmin: { port: PORT, auth_method: key, key_auth: { key: k, query_param_name: key } }\n';
  assert.equal((await play('resync -c gohan.yaml', undefined, query)).calls[0]?.url, `${PATH}?key=k`);
});

test('a file that does not tell where the gateway is says what to give instead', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['version: v1\nstorage: { type: memory }\n', /gohan\.yaml has no section `admin`; name the gateway with --admin URL/],
    ['version: v1\nstorage: { type: memory }\nadmin: { port: 0 }\n', /admin\.port is 0.*--admin URL/],
    [
      'version: v1\nstorage: { type: memory }\nadmin: { port: PORT, auth_method: jwt, jwt_auth: { algorithm: HS256, key: k } }\n',
      /auth_method jwt.*--admin URL and --token JWT/,
    ],
    ['version: v1\nstorage: { type: memory }\nadmn: { port: PORT }\n', /did you mean `?admin/],
  ];
  for (const [config, want] of cases) {
    const { exit, err, calls } = await play('resync --config-file gohan.yaml', undefined, config);
    assert.equal(exit, 2, config);
    assert.match(err, want);
    assert.equal(calls.length, 0);
  }
});
