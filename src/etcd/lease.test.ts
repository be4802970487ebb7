import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EtcdServers, post, startEtcd, useEtcd } from '../../test/support/etcd.ts';
import { startTcpFaultProxy } from '../../test/support/tcp-fault-proxy.ts';
import { until } from '../../test/support/until.ts';
import { createEtcd } from './client.ts';
import { hasCode } from './etcd-error.ts';
import type { Etcd, Lease } from './types.ts';

let servers: EtcdServers;
let etcd: Etcd;

before(async () => {
  servers = await startEtcd();
  etcd = createEtcd({ endpoints: servers.endpoints });
});
after(async () => {
  await etcd.close();
  await servers[Symbol.asyncDispose]();
});

const isThere = async (key: string): Promise<boolean> => (await etcd.range({ key })).count === 1;

test('a lease outlives its time while it is held, and its keys go when it is closed', async () => {
  const lease = await etcd.lease(5000);
  assert.equal(lease.ttlMs, 5000);
  await etcd.put('/lease/held', 'x', { lease: lease.id });
  assert.equal((await etcd.range({ key: '/lease/held' })).kvs[0]?.lease, lease.id);
  const begun = performance.now();
  await until('twice its time', () => performance.now() - begun > 2 * lease.ttlMs);
  assert.ok(lease.isAlive && !lease.lost.aborted && (await isThere('/lease/held')));
  await lease.close();
  assert.equal(await isThere('/lease/held'), false);
  assert.ok(!lease.isAlive && lease.lost.aborted);
  await lease.close();
});

test('a lease that somebody revoked is lost, and nothing can be put under it', async () => {
  const lease = await etcd.lease(2000);
  await post(servers.endpoints[0] ?? '', '/v3/lease/revoke', { ID: lease.id });
  await until('it is noticed', () => lease.lost.aborted);
  assert.equal(lease.isAlive, false);
  await assert.rejects(etcd.put('/lease/gone', 'x', { lease: lease.id }), { code: 'ETCD_LEASE_LOST' });
  await lease.close();
});

test('a lease that cannot be renewed is given up before etcd lets it go', async (t) => {
  await using proxy = await startTcpFaultProxy(Number(new URL(servers.endpoints[0] ?? '').port));
  const client = useEtcd(t, { endpoints: [`127.0.0.1:${proxy.port}`] });
  const lease: Lease = await client.lease(12_000);
  await client.put('/lease/cut', 'x', { lease: lease.id });
  proxy.stall();
  const since = performance.now();
  await until('it is given up', () => lease.lost.aborted);
  assert.ok(performance.now() - since < 11_600, 'two thirds of its time at most');
  assert.ok(await isThere('/lease/cut'), 'etcd still has it');
  assert.equal(hasCode(lease.lost.reason, 'ETCD_LEASE_LOST'), true);
  proxy.flow();
  assert.equal(lease.isAlive, false, 'lost for good');
});

test('a process that was held up does not believe in its lease', async () => {
  const lease = await etcd.lease(2000);
  // Blocks this thread as a stopped process is: no timer has its turn.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1400);
  assert.equal(lease.lost.aborted, false, 'the timer had no turn yet');
  assert.equal(lease.isAlive, false);
  assert.equal(lease.lost.aborted, true);
  await lease.close();
});
