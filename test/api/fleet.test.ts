import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ask } from '../support/client.ts';
import { type EtcdServers, startEtcd } from '../support/etcd.ts';
import { startFleet, type TestFleet } from '../support/fleet.ts';
import { type Gateway, SEKISHO_BIN, startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

let etcd: EtcdServers;
let fleet: TestFleet;
let first: Gateway;
let second: Gateway;
let watcher: Gateway;

before(async () => {
  etcd = await startEtcd({ members: 3 });
  const config = (i: number) => (i === 2 ? { admin: { watch_only: true }, tags: ['canary'] } : {});
  fleet = await startFleet(etcd, { nodes: 3, config });
  [first, second, watcher] = fleet.gateways as [Gateway, Gateway, Gateway];
  await fleet.untilJoined();
});
after(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await etcd?.[Symbol.asyncDispose]();
});

const sends = (text: string): string =>
  Buffer.from(`export const requestHandler = (ctx: any) => ctx.response().send('${text}')`).toString('base64');
const route = (name: string) => ({ name, paths: [`/${name}`], methods: ['GET'], modules: [name] });

test('a change by one node that is waited for is served by all', async () => {
  for (const [i, gateway] of [first, second].entries()) {
    const name = `m${i}`;
    await gateway.put('module', { name, payload: sends(name) });
    const answer = await gateway.admin('PUT', '/api/v1/route?wait=all&wait_seconds=60', route(name));
    assert.equal(answer.status, 201, answer.text);
    for (const { proxyUrl } of fleet.gateways) assert.equal((await ask(`${proxyUrl}/${name}`)).text, name);
  }
});

test('nodes tell who they are and what they serve', async () => {
  const revision = Number((await first.admin('GET', '/readyz')).json().revision);
  const nodes = await until('all serve it', async () => {
    const { data } = (await second.admin('GET', '/api/v1/cluster/nodes')).json();
    return data.every((node: { revision: number }) => node.revision === revision) ? data : undefined;
  });
  assert.deepEqual(
    nodes.map(({ id, watchOnly, tags }: { id: string; watchOnly: boolean; tags: string[] }) => [id, watchOnly, tags]),
    [
      ['node-1', false, []],
      ['node-2', false, []],
      ['node-3', true, ['canary']],
    ],
  );
  assert.equal(new Set(nodes.map(({ hash }: { hash: string }) => hash)).size, 1);
  assert.equal(nodes[0].admin, first.adminUrl);
  assert.deepEqual(nodes[0].proxy, [first.proxyUrl]);
});

test('the state of nodes and members in one answer', async () => {
  const { nodes, etcd: view } = await until('there are no problems', async () => {
    const { data } = (await first.admin('GET', '/api/v1/cluster')).json();
    return data.problems.length === 0 && data;
  });
  assert.equal(nodes.length, 3);
  assert.equal(view.members.length, 3);
  assert.equal(view.hasQuorum, true);
  assert.equal(view.leader, (await etcd.leader()).name);
});

test('a watch-only node serves, and sends changes to a node that takes them', async () => {
  const answer = await watcher.admin('PUT', '/api/v1/namespace?dry_run=true', { name: 'x' });
  assert.equal(answer.status, 307);
  assert.match(answer.headers.location ?? '', /^http:\/\/127\.0\.0\.1:\d+\/api\/v1\/namespace\?dry_run=true$/);
  assert.ok([first.adminUrl, second.adminUrl].some((url) => answer.headers.location?.startsWith(url)));
  assert.equal(answer.json().code, 'ADMIN_WATCH_ONLY');
  const followed = await ask(answer.headers.location ?? '', { method: 'PUT', body: { name: 'x' } });
  assert.equal(followed.status, 200);
  for (const [method, path] of [
    ['DELETE', '/api/v1/route'],
    ['PUT', '/api/v1/document/1'],
    ['PUT', '/api/v1/changes'],
    ['POST', '/api/v1/cluster/restore'],
  ] as const)
    assert.equal((await watcher.admin(method, path, {})).status, 307, path);
  assert.equal((await watcher.admin('GET', '/api/v1/route')).status, 200);
});

test('headers of DGate tell who takes changes; its Raft is gone', async () => {
  const [writer, reader] = await Promise.all([first.admin('GET', '/'), watcher.admin('GET', '/')]);
  assert.deepEqual([writer.headers['x-dgate-watchonly'], writer.headers['x-dgate-raft-state']], ['false', 'Leader']);
  assert.deepEqual([reader.headers['x-dgate-watchonly'], reader.headers['x-dgate-raft-state']], ['true', 'Follower']);
  assert.equal(writer.headers['x-dgate-changehash'], reader.headers['x-dgate-changehash']);
  const states = await Promise.all([first, watcher].map(async (each) => (await each.admin('GET', '/readyz')).headers['x-raft-state']));
  assert.deepEqual(states, ['Leader', 'Follower']);
  const gone = await first.admin('POST', '/raftadmin/AddVoter', {});
  assert.equal(gone.status, 410);
  assert.match(gone.json().detail, /POST \/api\/v1\/cluster\/members/);
  assert.equal((await first.admin('POST', '/raft/AppendEntries', {})).status, 410);
});

test('a node that is stopped is named by who waits, and is not waited for once it is gone', async () => {
  process.kill(second.pid(), 'SIGSTOP');
  const behind = await first.admin('PUT', '/api/v1/namespace?wait=all&wait_seconds=1', { name: 'stopped' });
  assert.equal(behind.status, 504);
  assert.equal(behind.json().code, 'FLEET_BEHIND');
  assert.match(behind.json().detail, /node-2/);
  assert.equal((await first.admin('GET', '/api/v1/namespace/stopped')).status, 200);
  const gone = await first.admin('PUT', '/api/v1/namespace?wait=all&wait_seconds=60', { name: 'gone' });
  assert.equal(gone.status, 201);
  process.kill(second.pid(), 'SIGCONT');
  await fleet.untilJoined();
  assert.equal((await first.admin('PUT', '/api/v1/namespace?wait=all&wait_seconds=60', { name: 'back' })).status, 201);
  assert.equal((await second.admin('GET', '/api/v1/namespace/back')).status, 200);
});

test('the database of etcd as a file, with its checksum', async () => {
  const response = await fetch(`${first.adminUrl}/api/v1/cluster/etcd-snapshot`);
  assert.equal(response.status, 200);
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.deepEqual(createHash('sha256').update(bytes.subarray(0, -32)).digest(), bytes.subarray(-32));
});

test('members are added as learners and taken out again', async () => {
  const added = await first.admin('POST', '/api/v1/cluster/members', { peerUrls: ['http://127.0.0.1:1'], learner: true });
  assert.equal(added.status, 201, added.text);
  const { id } = added.json().data;
  const { data } = (await first.admin('GET', '/api/v1/cluster/members')).json();
  const learner = data.find((member: { id: string }) => member.id === id);
  assert.deepEqual([learner.isLearner, learner.isReachable], [true, false]);
  assert.equal((await first.admin('POST', `/api/v1/cluster/members/${id}/promote`)).status, 502);
  assert.equal((await first.admin('DELETE', `/api/v1/cluster/members/${id}`)).status, 204);
  assert.equal((await first.admin('DELETE', `/api/v1/cluster/members/${id}`)).status, 404);
  assert.equal((await first.admin('POST', '/api/v1/cluster/members', { peerUrls: ['x'] })).status, 400);
});

test('what was saved is restored: entities, secrets, documents', async () => {
  const schema = { type: 'object' };
  await first.put('collection', { name: 'c', schema });
  await first.put('secret', { name: 's', data: 'hidden' });
  await first.put('service', { name: 'kept', urls: ['http://127.0.0.1:1'] });
  for (const id of ['a', 'b']) await first.admin('PUT', `/api/v1/document/${id}?collection=c`, { id });
  const saved = await first.admin('GET', '/api/v1/cluster/snapshot');
  assert.equal(saved.status, 200);
  assert.ok(!saved.text.includes('hidden') && !saved.text.includes(Buffer.from('hidden').toString('base64')));

  await second.put('service', { name: 'kept', urls: ['http://127.0.0.1:2'] });
  await second.put('service', { name: 'extra', urls: ['http://127.0.0.1:2'] });
  await second.admin('DELETE', '/api/v1/secret', { name: 's' });
  await second.admin('PUT', '/api/v1/document/a?collection=c', { id: 'changed' });
  await second.admin('DELETE', '/api/v1/document/b?collection=c');
  await second.admin('PUT', '/api/v1/document/d?collection=c', {});
  const revisionOf = async (gateway: Gateway) => (await gateway.admin('GET', '/readyz')).json().revision;
  await until('the first knows', async () => (await revisionOf(first)) === (await revisionOf(second)));

  const broken = await first.admin('POST', '/api/v1/cluster/restore', { ...saved.json<object>(), revision: 1 });
  assert.equal(broken.status, 400);
  assert.equal(broken.json().code, 'SNAPSHOT_INVALID');
  const dry = await first.admin('POST', '/api/v1/cluster/restore?dry_run=true', saved.json());
  assert.deepEqual(dry.json().data.entities, { put: 2, deleted: 1 }, dry.text);
  assert.equal((await first.admin('GET', '/api/v1/service/extra')).status, 200);

  const restored = await first.admin('POST', '/api/v1/cluster/restore', saved.json());
  assert.equal(restored.status, 200, restored.text);
  assert.deepEqual(restored.json().data.documents, { put: 2, deleted: 1 });
  assert.equal((await first.admin('GET', '/api/v1/service/extra')).status, 404);
  assert.deepEqual((await first.admin('GET', '/api/v1/service/kept')).json().data.urls, ['http://127.0.0.1:1']);
  const documents = (await first.admin('GET', '/api/v1/document?collection=c')).json().documents;
  assert.deepEqual(
    documents.map(({ id, data }: { id: string; data: unknown }) => [id, data]),
    [
      ['a', { id: 'a' }],
      ['b', { id: 'b' }],
    ],
  );
  const again = await first.admin('POST', '/api/v1/cluster/restore', saved.json());
  assert.deepEqual(again.json().data.entities, { put: 0, deleted: 0 });
});

test('the command line shows the fleet, waits for it, saves and restores it', async () => {
  const run = async (...words: string[]) => {
    const env = { ...process.env, SEKISHO_ADMIN_API: first.adminUrl };
    return await promisify(execFile)(SEKISHO_BIN, words, { cwd: first.folder, env }).catch(
      (error) => error as { stdout: string; stderr: string },
    );
  };
  const table = (await run('cluster', 'nodes')).stdout.split('\n');
  assert.match(table[0] ?? '', /^ID +VERSION +REVISION +HASH +WORKERS +TAGS +ROLE +ADMIN +PROBLEMS$/);
  assert.match(table[3] ?? '', /^node-3 .* canary +watches /);
  assert.equal(JSON.parse((await run('cluster', 'nodes', '-o', 'json')).stdout).length, 3);
  assert.match((await run('cluster', 'members')).stdout, /leader/);
  assert.match((await run('cluster')).stdout, /quorum: true/);
  assert.match((await run('cluster', 'defragment')).stdout, /^MEMBER +BYTESBEFORE/);
  assert.match((await run('namespace', 'create', 'name=waited', '--wait')).stdout, /"name": "waited"/);
  for (const gateway of fleet.gateways) assert.equal((await gateway.admin('GET', '/api/v1/namespace/waited')).status, 200);

  assert.match((await run('cluster', 'snapshot', 'state.json')).stderr, /state.json: \d+ bytes/);
  await run('namespace', 'delete', 'name=waited');
  assert.match((await run('cluster', 'restore', 'state.json', '--dry-run')).stdout, /put: 1/);
  assert.match((await run('cluster', 'restore', 'state.json')).stdout, /put: 1/);
  assert.equal((await first.admin('GET', '/api/v1/namespace/waited')).status, 200);
  assert.match((await run('cluster', 'snapshot', '--etcd', 'etcd.db')).stderr, /etcd.db: \d+ bytes/);
  assert.match((await run('cluster', 'restore', 'etcd.db')).stderr, /etcdutl/);
  assert.match((await run('cluster', 'statsu')).stderr, /did you mean status/);
  assert.match((await run('cluster', 'remove', 'nobody')).stderr, /404 error from server: etcd has no member "nobody"/);
});

test('a gateway alone has no fleet, but saves and restores', async () => {
  await using alone = await startGateway({ config: { storage: { type: 'file', dir: 'state' } } });
  const answer = await alone.admin('GET', '/api/v1/cluster');
  assert.deepEqual([answer.status, answer.json().code], [400, 'FLEET_NONE']);
  await alone.put('secret', { name: 's', data: 'x' });
  const saved = await alone.admin('GET', '/api/v1/cluster/snapshot');
  await alone.admin('DELETE', '/api/v1/secret', { name: 's' });
  const restored = await alone.admin('POST', '/api/v1/cluster/restore', saved.json());
  assert.equal(restored.status, 200, restored.text);
  assert.equal((await alone.admin('GET', '/api/v1/secret/s')).status, 200);
  assert.equal((await alone.admin('PUT', '/api/v1/namespace?wait=all', { name: 'n' })).status, 201);
});

test('tags that a reload changes count for what is served and for what the node tells', async () => {
  await using node = await startGateway({
    config: {
      workers: 1,
      node_id: 'node-9',
      tags: ['old'],
      storage: { type: 'etcd', endpoints: etcd.endpoints, prefix: '/tags', dir: './state', encryption_key: '7'.repeat(64) },
    },
  });
  await node.put('module', { name: 'm', payload: sends('new') });
  await node.put('route', { ...route('m'), tags: ['#new'] });
  const leftOut = async () => (await node.admin('GET', '/api/v1/status')).json().data.leftOut;
  const tagsOf = async () => (await node.admin('GET', '/api/v1/cluster/nodes')).json().data[0]?.tags;
  assert.equal((await leftOut()).length, 1);
  await until('it is known', async () => (await tagsOf())?.[0] === 'old');
  const file = join(node.folder, 'sekisho.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"old"', '"new"'));
  assert.deepEqual((await node.admin('POST', '/api/v1/reload')).json().data.changed, ['tags']);
  assert.equal((await ask(`${node.proxyUrl}/m`)).text, 'new');
  assert.deepEqual(await leftOut(), []);
  await until('others know', async () => (await tagsOf())?.[0] === 'new');
});
