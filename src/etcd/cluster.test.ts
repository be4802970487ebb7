import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type EtcdServers, startEtcd } from '../../test/support/etcd.ts';
import { findFreePorts } from '../../test/support/ports.ts';
import { until } from '../../test/support/until.ts';
import { createEtcd } from './client.ts';
import type { Etcd } from './types.ts';

let servers: EtcdServers;
let etcd: Etcd;

before(async () => {
  servers = await startEtcd({ quotaBytes: 4_194_304 });
  etcd = createEtcd({ endpoints: servers.endpoints });
});
after(async () => {
  await etcd.close();
  await servers[Symbol.asyncDispose]();
});

test('members and their state are told, also of those that do not answer', async () => {
  const [port = 0] = await findFreePorts(1);
  const dead = `http://127.0.0.1:${port}`;
  const other = createEtcd({ endpoints: [...servers.endpoints, dead], timeoutMs: 10_000 });
  const members = await other.cluster.members();
  assert.deepEqual(
    members.map(({ name, clientUrls, isLearner }) => ({ name, clientUrls, isLearner })),
    [{ name: servers.members[0]?.name, clientUrls: servers.endpoints, isLearner: false }],
  );
  const status = await other.cluster.status();
  assert.equal(status.length, 2);
  const alive = status.find((row) => row.endpoint === servers.endpoints[0]);
  assert.ok(alive?.reachable && alive.memberId === members[0]?.id && alive.leaderId === alive.memberId);
  assert.match(alive.version ?? '', /^3\./);
  assert.ok((alive.dbSizeBytes ?? 0) >= (alive.dbInUseBytes ?? 0) && (alive.raftIndex ?? 0) > 0);
  const silent = status.find((row) => row.endpoint === dead);
  assert.equal(silent?.reachable, false);
  assert.match(silent?.error ?? '', /ECONNREFUSED/);
  await other.close();
});

test('members are added as learners and removed', async () => {
  const [port = 0] = await findFreePorts(1);
  const peer = `http://127.0.0.1:${port}`;
  const learner = await etcd.cluster.add([peer], { learner: true });
  assert.deepEqual([learner.peerUrls, learner.isLearner], [[peer], true]);
  await assert.rejects(etcd.cluster.promote(learner.id), { message: /learner/ });
  const moved = `http://127.0.0.1:${port === 1 ? 2 : port - 1}`;
  await etcd.cluster.update(learner.id, [moved]);
  assert.ok((await etcd.cluster.members()).some((member) => member.id === learner.id && member.peerUrls[0] === moved));
  await etcd.cluster.remove(learner.id);
  assert.equal((await etcd.cluster.members()).length, 1);
  await assert.rejects(etcd.cluster.remove(learner.id), { code: 'ETCD_FAILED' });
});

test('a snapshot is the whole database, and its digest is right', async () => {
  await etcd.put('/snapshot', Buffer.alloc(300_000, 'x'));
  const chunks: Buffer[] = [];
  for await (const chunk of etcd.cluster.snapshot(servers.endpoints[0])) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  assert.ok(bytes.length > 300_000);
  const digest = createHash('sha256').update(bytes.subarray(0, -32)).digest();
  assert.deepEqual(bytes.subarray(-32), digest);
});

test('a full database is told, and works again after compaction, defragmentation and disarming', async () => {
  const fill = async (): Promise<void> => {
    for (let i = 0; i < 100; i += 1) await etcd.put('/fill', Buffer.alloc(500_000));
  };
  await assert.rejects(fill(), { code: 'ETCD_NO_SPACE' });
  await assert.rejects(etcd.put('/after', 'x'), { code: 'ETCD_NO_SPACE' });
  const { revision } = await etcd.range({ key: '/fill', keysOnly: true });
  const alarms = await until('the alarm', async () => {
    const found = await etcd.cluster.alarms();
    return found.length > 0 && found;
  });
  assert.deepEqual(
    alarms.map(({ alarm }) => alarm),
    ['NOSPACE'],
  );
  assert.match((await etcd.cluster.status())[0]?.errors?.join() ?? '', /NOSPACE/);
  await etcd.cluster.compact(revision);
  await etcd.cluster.defragment(servers.endpoints[0] ?? '');
  for (const alarm of alarms) await etcd.cluster.disarm(alarm);
  assert.deepEqual(await etcd.cluster.alarms(), []);
  await etcd.put('/after', 'x');
});
