import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EtcdServers, startEtcd } from '../support/etcd.ts';
import type { Gateway } from '../support/gateway.ts';
import { convergence, startLoad, startStoreFleet } from '../support/store-fleet.ts';
import { until } from '../support/until.ts';

/** 20 for the long form. */
const LEADER_KILLS = Number(process.env['SEKISHO_STORE_KILLS'] ?? 2);
/** 60000 for the long form. */
const OUTAGE_MS = Number(process.env['SEKISHO_STORE_OUTAGE_MS'] ?? 3000);
/** How soon every change is answered; 5500 on a machine that does nothing else. */
const BOUND_MS = Number(process.env['SEKISHO_STORE_BOUND_MS'] ?? 30_000);

interface Put {
  readonly name: string;
  readonly status: number;
  readonly ms: number;
}

/** Puts routes through all gateways in turn until it is stopped; gives what became of each. */
function startPuts(gateways: readonly Gateway[]) {
  const puts: Put[] = [];
  const over = new AbortController();
  const loop = async (gateway: Gateway, n: number): Promise<void> => {
    for (let i = 0; !over.signal.aborted; i += 1) {
      const name = `r-${n}-${i}`;
      const startedAt = performance.now();
      const route = { name, paths: [`/${name}`], methods: ['GET'], service: 'load' };
      const { status } = await gateway.admin('PUT', '/api/v1/route', route).catch(() => ({ status: 0 }));
      puts.push({ name, status, ms: performance.now() - startedAt });
      await sleep(50);
    }
  };
  const loops = gateways.map(loop);
  const stop = async (): Promise<readonly Put[]> => {
    over.abort();
    await Promise.all(loops);
    return puts;
  };
  return { puts, stop };
}

async function assertKept(gateways: readonly Gateway[], puts: readonly Put[]): Promise<void> {
  for (const gateway of gateways) {
    const routes = (await gateway.admin('GET', '/api/v1/route')).json<{ readonly data: readonly { readonly name: string }[] }>().data;
    const names = new Set(routes.map(({ name }) => name));
    for (const { name, status } of puts) if (status === 200 || status === 201) assert.ok(names.has(name), `${name} was acknowledged`);
    assert.deepEqual((await gateway.admin('GET', '/readyz')).json().rejected, []);
  }
}

async function killLeader(servers: EtcdServers): Promise<void> {
  const leader = await servers.leader();
  await leader.kill();
  await sleep(1000);
  await leader.start();
}

test('the leader of etcd killed again and again, and no quorum for a while: no request fails, no acknowledged change is lost', async (t) => {
  await using servers = await startEtcd({ members: 3 });
  await using fleet = await startStoreFleet(servers, 2, '4s');
  const { gateways } = fleet;
  const load = startLoad(gateways);
  const first = startPuts(gateways);
  await until('changes are made', () => first.puts.length > 10);
  for (let i = 0; i < LEADER_KILLS; i += 1) await killLeader(servers);
  const puts = await first.stop();
  const healedMs = await convergence(gateways);
  await assertKept(gateways, puts);
  const done = puts.filter(({ status }) => status < 300 && status > 0).length;
  assert.ok(done > 0);

  const [, second, third] = servers.members;
  for (const member of [second, third]) member?.pause();
  const refused = await Promise.all(gateways.map((gateway) => timedPut(gateway)));
  for (const { status, ms } of refused) {
    assert.equal(status, 503);
    assert.ok(ms < BOUND_MS, `refused after ${ms} ms`);
  }
  for (const gateway of gateways)
    await until('it is told', async () => /the store is not reached since/.test((await gateway.admin('GET', '/readyz')).text));
  await sleep(OUTAGE_MS);
  for (const member of [second, third]) member?.resume();
  await until('changes are taken', async () => (await timedPut(gateways[0])).status < 300);
  const quorumMs = await convergence(gateways);
  const isWell = async (gateway: Gateway): Promise<boolean> =>
    !/the store is not reached/.test((await gateway.admin('GET', '/readyz')).text);
  await until('the gateways say that all is well', async () => (await Promise.all(gateways.map(isWell))).every(Boolean));
  await load.stop();
  assert.deepEqual(load.failures, []);
  const slowest = Math.max(...puts.map(({ ms }) => ms));
  t.diagnostic(
    `${LEADER_KILLS} leaders killed, ${load.served()} requests, 0 failed; ${done} of ${puts.length} changes made, the slowest answer after ${Math.round(slowest)} ms; ` +
      `at one hash ${Math.round(healedMs)} ms after the kills and ${Math.round(quorumMs)} ms after the quorum was back`,
  );
  assert.ok(slowest < BOUND_MS);
});

async function timedPut(gateway: Gateway | undefined): Promise<{ readonly status: number; readonly ms: number }> {
  const startedAt = performance.now();
  const route = { name: 'late', paths: ['/late'], methods: ['GET'], service: 'load' };
  const { status = 0 } = (await gateway?.admin('PUT', '/api/v1/route', route)) ?? {};
  return { status, ms: performance.now() - startedAt };
}

test('a gateway starts with etcd away, serves what was last good, says so, and catches up', async () => {
  await using servers = await startEtcd();
  await using fleet = await startStoreFleet(servers, 1, '4s');
  const [gateway] = fleet.gateways;
  assert.ok(gateway !== undefined);
  await gateway.put('secret', { name: 's', data: 'hush' });
  await gateway.stop();
  const [member] = servers.members;
  await member?.kill();
  await gateway.restart();
  const load = startLoad([gateway]);
  const ready = (await gateway.admin('GET', '/readyz')).json<{ readonly problems?: readonly string[] }>();
  assert.match(ready.problems?.join() ?? '', /the last good state of the disk is served/);
  assert.match((await gateway.admin('GET', '/metrics')).text, /^sekisho_store_stale 1$/m);
  const refused = await gateway.admin('PUT', '/api/v1/namespace', { name: 'x' });
  assert.equal(refused.status, 503);
  assert.match(refused.text, /changes are refused, and revision \d+ is served on/);
  await member?.start();
  await until('caught up', async () => (await gateway.admin('PUT', '/api/v1/namespace', { name: 'x' })).status < 300);
  for (const line of [/^sekisho_store_stale 0$/m, /^sekisho_store_reachable 1$/m])
    await until(`metrics tell ${line}`, async () => line.test((await gateway.admin('GET', '/metrics')).text));
  await load.stop();
  assert.deepEqual(load.failures, []);
  assert.ok(load.served() > 0);
});
