import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { assertProblem } from '../../test/support/admin-answers.ts';
import { type AdminServer, startAdmin } from '../../test/support/admin-server.ts';
import { SekishoError } from '../lib/errors.ts';
import type { ClusterControl } from './cluster-control.ts';

/** A fleet in which everything is well, but for what a test says. */
function fakeCluster(over: Partial<ClusterControl> = {}): ClusterControl {
  return {
    isRegistered: () => true,
    status: async () => ({}),
    nodes: async () => [],
    members: async () => [],
    addMember: async () => ({}),
    removeMember: async () => undefined,
    promoteMember: async () => undefined,
    defragment: async () => [],
    disarm: async () => [],
    async *snapshot() {},
    untilServed: async () => [],
    writer: async () => undefined,
    ...over,
  };
}

test('without a fleet its paths say so, and a change is served by all that there are', async () => {
  await using admin = await startAdmin();
  assertProblem(await admin.call('GET', '/api/v1/cluster'), 400, 'FLEET_NONE');
  assert.equal((await admin.call('PUT', '/api/v1/namespace?wait=all', { name: 'n' })).status, 201);
  assertProblem(await admin.call('PUT', '/api/v1/namespace?wait=some', { name: 'n' }), 400, 'ADMIN_BAD_REQUEST', 'wait is all, not "some"');
  assert.equal((await admin.call('GET', '/')).headers['x-dgate-raft-state'], undefined);
});

test('waiting: nodes that are behind are named, a trial does not wait, and the change is there', async () => {
  const asked: number[] = [];
  const untilServed = async (_revision: number, timeoutMs: number) => {
    asked.push(timeoutMs);
    return [{ id: 'b', revision: 0 }];
  };
  await using admin = await startAdmin({ cluster: fakeCluster({ untilServed }) });
  const late = await admin.call('PUT', '/api/v1/namespace?wait=all&wait_seconds=3', { name: 'n' });
  assertProblem(late, 504, 'FLEET_BEHIND');
  assert.match(late.json().detail, /stored as revision 1 and served here, but after 3 s not by b \(at 0\)/);
  assert.equal(late.headers.etag, '"1"');
  assert.equal((await admin.call('GET', '/api/v1/namespace/n')).status, 200);
  assert.equal((await admin.call('PUT', '/api/v1/namespace?wait=all&dry_run=true', { name: 'n' })).status, 200);
  assert.deepEqual(asked, [3000]);
});

test('a node that the others do not see can promise nothing', async () => {
  await using admin = await startAdmin({ cluster: fakeCluster({ isRegistered: () => false }) });
  assertProblem(await admin.call('PUT', '/api/v1/namespace?wait=all', { name: 'n' }), 504, 'FLEET_BEHIND');
});

test('a watch-only node: 307 where somebody takes changes, else 403; local upkeep and reads stay', async () => {
  let writer: string | undefined = 'http://10.0.0.7:9080/';
  await using admin = await startAdmin({ watchOnly: true, cluster: fakeCluster({ writer: async () => writer }) });
  const sent = await admin.call('DELETE', '/api/v1/route/a%20b?namespace=n');
  assert.equal(sent.status, 307);
  assert.equal(sent.headers.location, 'http://10.0.0.7:9080/api/v1/route/a%20b?namespace=n');
  assert.equal(sent.headers['content-type'], 'application/problem+json');
  assert.equal((await admin.call('GET', '/api/v1/route')).status, 200);
  assert.equal((await admin.call('POST', '/api/v1/cluster/disarm')).status, 200);
  writer = undefined;
  assertProblem(await admin.call('PUT', '/api/v1/changes', {}), 403, 'ADMIN_WATCH_ONLY');
});

test('a stream that fails at once is answered with its reason, one that breaks off ends the connection', async () => {
  let failsAt = 0;
  async function* snapshot(): AsyncGenerator<Buffer, void, undefined> {
    for (let i = 0; i < 3; i += 1) {
      if (i === failsAt) throw new SekishoError('ETCD_FAILED', 'broken');
      yield Buffer.alloc(100_000, i);
    }
  }
  await using admin = await startAdmin({ cluster: fakeCluster({ snapshot }) });
  assertProblem(await admin.call('GET', '/api/v1/cluster/etcd-snapshot'), 502, 'ETCD_FAILED');
  failsAt = 2;
  await assert.rejects(readAll(admin));
  failsAt = 9;
  assert.equal(await readAll(admin), 300_000);
});

async function readAll({ port }: AdminServer): Promise<number> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get({ port, host: '127.0.0.1', path: '/api/v1/cluster/etcd-snapshot', agent: false }, resolve).on('error', reject);
  });
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
  return bytes;
}

test("DGate's Raft is gone, and what takes its place is told", async () => {
  await using admin = await startAdmin();
  const gone = await admin.call('POST', '/raftadmin/RemoveServer', {});
  assertProblem(gone, 410, 'ADMIN_GONE');
  assert.match(gone.json().detail, /DELETE \/api\/v1\/cluster\/members\/\{member\}/);
  assert.match((await admin.call('GET', '/raftadmin/constructor')).json().detail, /GET \/api\/v1\/cluster$/);
});
