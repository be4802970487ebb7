import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type EtcdServers, startEtcd, useEtcd } from '../../test/support/etcd.ts';
import { until } from '../../test/support/until.ts';
import type { FleetEvent } from '../lib/fleet-event.ts';
import { type Fleet, joinFleet } from './fleet.ts';
import { toNodeKey } from './node-key.ts';
import type { FleetNode } from './types.ts';

const TTL_MS = 3000;
let servers: EtcdServers;
before(async () => {
  servers = await startEtcd();
});
after(() => servers[Symbol.asyncDispose]());

interface TestNode {
  readonly fleet: Fleet;
  readonly events: readonly FleetEvent[];
  serve(revision: number): void;
}

let counter = 0;
const newPrefix = (): string => `/fleet-${(counter += 1)}`;

function toNode(id: string, revision: number): FleetNode {
  const fixed = { version: '1', proxy: [], tags: [], watchOnly: false, hash: '', rejected: 0, problems: [], startedAt: '' };
  return { ...fixed, id, revision, workers: { serving: 0, wanted: 0 } };
}

function start(etcd: Parameters<typeof joinFleet>[0]['etcd'], prefix: string, id: string): TestNode {
  let revision = 1;
  const events: FleetEvent[] = [];
  const fleet = joinFleet({
    etcd,
    prefix,
    id,
    describe: () => toNode(id, revision),
    observe: (event) => events.push(event),
    ttlMs: TTL_MS,
    minIntervalMs: 20,
    refreshMs: 500,
  });
  return {
    fleet,
    events,
    serve(next) {
      revision = next;
      fleet.changed();
    },
  };
}

const ids = async (fleet: Fleet): Promise<readonly string[]> => (await fleet.nodes()).map(({ id }) => id);

describe('nodes of a fleet', () => {
  test('see one another, and go at once when they leave', async (t) => {
    const etcd = useEtcd(t, { endpoints: servers.endpoints });
    const prefix = newPrefix();
    const [a, b] = [start(etcd, prefix, 'a/1'), start(etcd, prefix, 'b')];
    await until('both are there', async () => (await ids(a.fleet)).length === 2);
    assert.deepEqual(await ids(b.fleet), ['a/1', 'b']);
    await until('they know it', () => a.fleet.problem() === undefined && b.fleet.problem() === undefined);
    await b.fleet.close();
    assert.deepEqual(await ids(a.fleet), ['a/1']);
    await a.fleet.close();
  });

  test('are waited for until all serve a revision; those that do not are named', async (t) => {
    const etcd = useEtcd(t, { endpoints: servers.endpoints });
    const prefix = newPrefix();
    const [a, b] = [start(etcd, prefix, 'a'), start(etcd, prefix, 'b')];
    await until('both are there', async () => (await ids(a.fleet)).length === 2);
    a.serve(7);
    const waiting = a.fleet.untilServed(7, 10_000);
    b.serve(8);
    assert.deepEqual(await waiting, []);
    const behind = await a.fleet.untilServed(8, 200);
    assert.deepEqual(
      behind.map(({ id, revision }) => [id, revision]),
      [['a', 7]],
    );
    await Promise.all([a.fleet.close(), b.fleet.close()]);
  });

  test('one that dies is not waited for longer than its lease', async (t) => {
    const etcd = useEtcd(t, { endpoints: servers.endpoints });
    const prefix = newPrefix();
    const a = start(etcd, prefix, 'a');
    const lease = await etcd.lease(TTL_MS);
    await etcd.put(toNodeKey(prefix, 'dead'), JSON.stringify(toNode('dead', 1)), { lease: lease.id });
    await until('both are there', async () => (await ids(a.fleet)).length === 2);
    a.serve(2);
    const waiting = a.fleet.untilServed(2, 20_000);
    await lease.close();
    assert.deepEqual(await waiting, []);
    await a.fleet.close();
  });

  test('a process takes over the entry of the one before it; two that live with one id are told', async (t) => {
    const etcd = useEtcd(t, { endpoints: servers.endpoints });
    const prefix = newPrefix();
    const first = start(etcd, prefix, 'same');
    await until('the first is there', () => first.fleet.problem() === undefined);
    const second = start(etcd, prefix, 'same');
    await until('the second is there', () => second.fleet.problem() === undefined);
    first.serve(2);
    await until('the first knows', () => first.fleet.problem()?.includes('node_id') === true);
    assert.equal(first.events.at(-1)?.error?.code, 'FLEET_ID');
    await second.fleet.close();
    await until('the first is back', () => first.fleet.problem() === undefined);
    assert.deepEqual(await ids(first.fleet), ['same']);
    await first.fleet.close();
  });

  test('an entry that is lost is made again', async (t) => {
    const etcd = useEtcd(t, { endpoints: servers.endpoints });
    const prefix = newPrefix();
    const a = start(etcd, prefix, 'a');
    await until('it is there', () => a.fleet.problem() === undefined);
    servers.members[0]?.pause();
    await until('it knows that it is not seen', () => a.fleet.problem() !== undefined);
    servers.members[0]?.resume();
    await until('it is back', async () => a.fleet.problem() === undefined && (await ids(a.fleet)).length === 1);
    await a.fleet.close();
  });
});

test('an entry of another version, or of nobody, is shown as far as it is understood', async (t) => {
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  const prefix = newPrefix();
  await etcd.put(toNodeKey(prefix, 'old'), '{"version":"0.0.9","revision":3,"new":true}');
  await etcd.put(toNodeKey(prefix, 'odd'), 'no JSON');
  const a = start(etcd, prefix, 'a');
  await until('all are there', async () => (await ids(a.fleet)).length === 3);
  const nodes = await a.fleet.nodes();
  assert.match(nodes.find(({ id }) => id === 'odd')?.problems[0] ?? '', /unreadable/);
  assert.deepEqual(nodes.find(({ id }) => id === 'old')?.tags, []);
  await a.fleet.close();
});
