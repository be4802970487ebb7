import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EtcdServers, startEtcd, useEtcd } from '../../test/support/etcd.ts';
import { until } from '../../test/support/until.ts';
import { readEtcdView } from './etcd-view.ts';
import { defragmentMembers } from './upkeep.ts';

let servers: EtcdServers;
before(async () => {
  servers = await startEtcd({ members: 3 });
});
after(() => servers[Symbol.asyncDispose]());

test('a whole cluster, one member down, no quorum', async (t) => {
  const etcd = useEtcd(t, { endpoints: servers.endpoints, timeoutMs: 3000 });
  const whole = await until('all are well', async () => {
    const view = await readEtcdView(etcd.cluster);
    return view.problems.length === 0 && view;
  });
  assert.deepEqual([whole.members.length, whole.hasQuorum, whole.problems, whole.alarms], [3, true, [], []]);
  assert.equal(whole.leader, (await servers.leader()).name);
  assert.ok(whole.members.every(({ isReachable, dbSizeBytes = 0 }) => isReachable && dbSizeBytes > 0));

  const [first, second] = servers.members;
  await first?.kill();
  const weak = await until('a leader is there again', async () => {
    const view = await readEtcdView(etcd.cluster);
    return view.hasQuorum ? view : undefined;
  });
  assert.equal(weak.members.filter(({ isReachable }) => !isReachable).length, 1);
  assert.match(weak.problems.join('\n'), new RegExp(`member ${first?.name} does not answer`));

  await second?.kill();
  const lost = await until('the quorum is gone', async () => {
    const view = await readEtcdView(etcd.cluster);
    return view.hasQuorum ? undefined : view;
  });
  assert.match(lost.problems.join('\n'), /no quorum/);
  await Promise.all([first?.start(), second?.start()]);
});

test('members are defragmented one after another, the leader last', async (t) => {
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  await until('all are well', async () => (await readEtcdView(etcd.cluster)).problems.length === 0);
  const leader = (await servers.leader()).name;
  const done = await defragmentMembers(etcd.cluster, undefined);
  assert.equal(done.length, 3);
  assert.equal(done.at(-1)?.member, leader);
  assert.equal((await defragmentMembers(etcd.cluster, leader)).length, 1);
  await assert.rejects(defragmentMembers(etcd.cluster, 'nobody'), /no member "nobody"; it has /);
});
