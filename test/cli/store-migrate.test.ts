import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { startEtcd } from '../support/etcd.ts';
import { SEKISHO_BIN, startGateway } from '../support/gateway.ts';

const KEY = '6'.repeat(64);

test('store migrate moves a gateway from its file to etcd', async () => {
  await using servers = await startEtcd();
  const toEtcd = { type: 'etcd', endpoints: servers.endpoints, dir: 'cache', encryption_key: KEY };
  const fleet = (storage: object): string => JSON.stringify({ version: 'v1', storage });
  await using gateway = await startGateway({
    config: { workers: 0, storage: { type: 'file', dir: 'data' } },
    files: { 'fleet.json': fleet(toEtcd), 'memory.json': fleet({ type: 'memory' }) },
  });
  await gateway.put('secret', { name: 's', data: 'hush' });
  await gateway.put('collection', { name: 'c', schema: {} });
  await gateway.put('document', { collection: 'c', id: 'd', data: { n: 1 } });
  const before = (await gateway.admin('GET', '/readyz')).json();
  const history = (await gateway.admin('GET', '/api/v1/history')).json().data;
  const run = (...args: string[]) => spawnSync(SEKISHO_BIN, ['store', 'migrate', ...args], { cwd: gateway.folder, encoding: 'utf8' });
  const running = run('--from', 'sekisho.yaml', '--to', 'fleet.json');
  assert.notEqual(running.status, 0, 'the gateway still has the store');
  assert.match(running.stderr, /STORE_LOCKED/);
  await gateway.stop();

  const moved = run('--from', 'sekisho.yaml', '--to', 'fleet.json', '-o', 'json');
  assert.equal(moved.status, 0, moved.stderr);
  assert.deepEqual(JSON.parse(moved.stdout), {
    entities: 2,
    masked: 0,
    documents: 1,
    records: 2,
    revision: before.revision,
    hash: before.hash,
  });
  const again = run('--from', 'sekisho.yaml', '--to', 'fleet.json');
  assert.equal(again.status, 1);
  assert.match(again.stderr, /the target holds 2 entities at revision 2, and documents: it would be lost.*STORE_NOT_EMPTY/s);
  assert.equal(run('--from', 'sekisho.yaml', '--to', 'fleet.json', '--force').status, 0);
  const memory = run('--from', 'memory.json', '--to', 'fleet.json');
  assert.equal(memory.status, 2);
  assert.match(memory.stderr, /cluster snapshot/);
  assert.equal(run('--from', 'sekisho.yaml', '--to', 'sekisho.yaml').status, 2);
  assert.equal(run('--from', 'sekisho.yaml').status, 2);

  await using node = await startGateway({ config: { workers: 0, storage: toEtcd } });
  const after = (await node.admin('GET', '/readyz')).json();
  assert.deepEqual([after.revision, after.hash], [before.revision, before.hash]);
  assert.deepEqual((await node.admin('GET', '/api/v1/history')).json().data, history);
  assert.deepEqual((await node.admin('GET', '/api/v1/document/d?collection=c')).json().data.data, { n: 1 });
});
