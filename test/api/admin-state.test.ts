import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from '../support/client.ts';
import { type Gateway, SEKISHO_BIN, startGateway } from '../support/gateway.ts';

const FILE = { storage: { type: 'file', dir: 'data' } };
const SOURCE = Buffer.from("export const requestHandler = (ctx) => ctx.response().send('kept');\n").toString('base64');
const SECRET = 'canary-8c1f2e';

/** Starts a second gateway on the folder that must not start; gives its exit code and what it said. */
function startAgain(gateway: Gateway): { readonly exit: number | null; readonly said: string } {
  const { status, stderr } = spawnSync(SEKISHO_BIN, ['start', '-c', join(gateway.folder, 'sekisho.yaml')], {
    cwd: gateway.folder,
    encoding: 'utf8',
    timeout: 90_000,
  });
  return { exit: status, said: stderr };
}

test('state, documents, history and their hash are there after a restart and after a kill', async () => {
  await using gateway = await startGateway({ config: FILE });
  await gateway.put('namespace', { name: 'n', tags: ['t'] });
  await gateway.put('domain', { name: 'd', namespace: 'n', patterns: ['n.test'], priority: 7 });
  await gateway.put('module', { name: 'm', namespace: 'n', payload: SOURCE, moduleType: 'javascript' });
  await gateway.put('route', { name: 'r', namespace: 'n', paths: ['/kept'], methods: ['GET'], modules: ['m'] });
  await gateway.put('collection', { name: 'c', schema: { type: 'object', required: ['a'] } });
  await gateway.admin('PUT', '/api/v1/document/d1?collection=c', { a: 1 });
  await gateway.put('service', { name: 's', urls: ['http://127.0.0.1:1'], retryTimeout: '50ms' });
  assert.equal((await gateway.admin('DELETE', '/api/v1/service', { name: 's' })).status, 204);
  const paths = ['/changelog', '/api/v1/history', '/api/v1/namespace', '/api/v1/domain?namespace=n', '/api/v1/document?collection=c'];
  const read = async (): Promise<readonly string[]> => Promise.all(paths.map(async (path) => (await gateway.admin('GET', path)).text));
  const before = await read();
  assert.equal(JSON.parse(before[0] ?? '').count, 7);

  await gateway.restart();
  assert.deepEqual(await read(), before);
  await gateway.kill();
  await gateway.restart();
  assert.deepEqual(await read(), before);

  const served = await ask(`${gateway.proxyUrl}/kept`, { headers: { host: 'n.test' } });
  assert.deepEqual([served.status, served.text], [200, 'kept']);
  const broken = await gateway.admin('PUT', '/api/v1/document/d2?collection=c', { b: 1 });
  assert.equal(broken.json().code, 'DOCUMENT_INVALID', 'the schema is enforced as before');
  await gateway.put('namespace', { name: 'later' });
  const { count, hash } = (await gateway.admin('GET', '/changelog')).json();
  assert.equal(count, 8);
  assert.notEqual(hash, JSON.parse(before[0] ?? '').hash);
  assert.equal(
    (await gateway.admin('GET', '/')).headers['x-dgate-changehash'],
    String(BigInt(`0x${(await gateway.admin('GET', '/readyz')).json().hash}`)),
  );
});

test('memory forgets at the end', async () => {
  await using gateway = await startGateway();
  await gateway.put('namespace', { name: 'n' });
  assert.equal((await gateway.admin('GET', '/changelog')).json().count, 1);
  await gateway.restart();
  assert.deepEqual((await gateway.admin('GET', '/changelog')).json(), {
    ...(await gateway.admin('GET', '/changelog')).json(),
    count: 0,
    latest: '',
  });
  assert.equal((await gateway.admin('GET', '/api/v1/namespace')).json().count, 1);
});

test('of two writers that saw the same state, one wins', async () => {
  await using gateway = await startGateway({ config: FILE });
  const seen = await gateway.admin('GET', '/api/v1/service');
  const etag = String(seen.headers.etag);
  const write = (name: string) => gateway.admin('PUT', '/api/v1/service', { name, urls: ['http://127.0.0.1:1'] }, { 'if-match': etag });
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map(write));
  assert.deepEqual(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [201, 412, 412, 412],
  );
  assert.equal(answers.find(({ status }) => status === 412)?.json().code, 'REVISION_MISMATCH');
  assert.equal((await gateway.admin('GET', '/api/v1/service')).json().count, 1);
  const now = (await gateway.admin('GET', '/api/v1/service')).headers.etag;
  assert.equal(now, answers.find(({ status }) => status === 201)?.headers.etag);
  assert.equal((await gateway.admin('DELETE', '/api/v1/service?expect=0', { name: 'a' })).status, 412);
});

test('secrets are encrypted in the files, which only their owner may read, and are not in log, history or answers', async () => {
  await using gateway = await startGateway({ config: { ...FILE, log_level: 'debug', debug: true } });
  await gateway.put('secret', { name: 's', data: SECRET });
  await gateway.put('secret', { name: 's', data: `${SECRET}-2` });
  const folder = join(gateway.folder, 'data');
  for (const form of [SECRET, Buffer.from(SECRET).toString('base64').slice(0, 16), Buffer.from(SECRET).toString('hex')])
    for (const name of readdirSync(folder)) assert.ok(!readFileSync(join(folder, name)).includes(form), `${form} is in ${name}`);
  assert.equal(statSync(join(folder, 'secret.key')).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o077, 0);
  for (const path of ['/api/v1/secret', '/api/v1/secret/s', '/api/v1/history', '/api/v1/status', '/metrics'])
    assert.ok(!(await gateway.admin('GET', path)).text.includes(SECRET), path);
  await gateway.stop();
  assert.ok(!gateway.log().includes(SECRET));

  chmodSync(join(folder, 'secret.key'), 0o640);
  const refused = startAgain(gateway);
  assert.deepEqual([refused.exit, /secret\.key has mode 0640.*chmod 600/.test(refused.said)], [2, true], refused.said);
});

test('a second gateway on the same folder is refused, the first serves on', async () => {
  await using gateway = await startGateway({ config: FILE });
  // With ports of its own, which are asked for first.
  gateway.write('sekisho.yaml', readFileSync(join(gateway.folder, 'sekisho.yaml'), 'utf8').replaceAll(/"port": \d+/g, '"port": 0'));
  const { exit, said } = startAgain(gateway);
  assert.equal(exit, 2);
  assert.match(said, /sekisho\.db is in use by another process/);
  await gateway.put('namespace', { name: 'still' });
});

test('a damaged database is refused and left as it is', async () => {
  await using gateway = await startGateway({ config: FILE });
  await gateway.put('namespace', { name: 'n' });
  await gateway.stop();
  const path = join(gateway.folder, 'data', 'sekisho.db');
  assert.ok(existsSync(path));
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(2000, 0xa5), 0, 2000, 100);
  closeSync(file);
  const damaged = readFileSync(path);
  const { exit, said } = startAgain(gateway);
  assert.ok(exit !== 0 && exit !== null, said);
  assert.match(said, /sekisho\.db is damaged.*nothing was changed/);
  assert.ok(readFileSync(path).equals(damaged));
});
