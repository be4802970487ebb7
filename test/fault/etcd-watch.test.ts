import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Etcd, RangeResult, WatchEvent } from '../../src/etcd/types.ts';
import { type EtcdMember, post, startEtcd, useEtcd } from '../support/etcd.ts';
import { startTcpFaultProxy } from '../support/tcp-fault-proxy.ts';
import { until } from '../support/until.ts';

const PREFIX = '/watched/';

/** mulberry32: the same run for the same seed, as far as the operating system lets it. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Told =
  | { readonly type: 'list'; readonly revision: number; readonly state: ReadonlyMap<string, string> }
  | { readonly type: 'events'; readonly revision: number; readonly changes: readonly Change[] };

interface Change {
  readonly revision: number;
  readonly key: string;
  /** Undefined for a delete. */
  readonly value: string | undefined;
}

function watchAndTell(etcd: Etcd, relistMs: number) {
  const told: Told[] = [];
  const lost: (string | undefined)[] = [];
  const watch = etcd.watch({
    prefix: PREFIX,
    relistMs,
    onList: (list) => void told.push({ type: 'list', revision: list.revision, state: toState(list) }),
    onEvents: (events, revision) => void told.push({ type: 'events', revision, changes: events.map(toChange) }),
    onConnected: (connected, reason) => void (connected || lost.push(reason)),
  });
  return { watch, told, lost };
}

const toState = (list: RangeResult): ReadonlyMap<string, string> => new Map(list.kvs.map((kv) => [kv.key, kv.value.toString()]));

const toChange = ({ type, kv }: WatchEvent): Change => ({
  revision: kv.modRevision,
  key: kv.key,
  value: type === 'put' ? kv.value.toString() : undefined,
});

const toKey = ({ revision, key, value }: Change): string => `${revision} ${key} ${value ?? 'deleted'}`;

/** Everything that was told, held against what was written: each list is the state of its revision, and nothing is missing between two calls. */
function audit(told: readonly Told[], written: readonly Change[]): void {
  let position = 0;
  for (const call of told) {
    if (call.type === 'list') {
      const expected = new Map<string, string>();
      for (const { revision, key, value } of written) {
        if (revision > call.revision) break;
        if (value === undefined) expected.delete(key);
        else expected.set(key, value);
      }
      assert.deepEqual(call.state, expected, `the list of revision ${call.revision}`);
    } else {
      const expected = written.filter((change) => change.revision > position && change.revision <= call.revision);
      assert.deepEqual(call.changes.map(toKey).toSorted(), expected.map(toKey).toSorted(), `events after ${position}`);
    }
    assert.ok(call.revision >= position, 'time went back');
    position = call.revision;
  }
}

test('a stream that is cut at random bytes, with compactions meanwhile, loses nothing and tears nothing', async (t) => {
  const seed = randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const random = createRandom(seed);
  await using servers = await startEtcd();
  const endpoint = servers.endpoints[0] ?? '';
  await using proxy = await startTcpFaultProxy(Number(new URL(endpoint).port));
  const writer = useEtcd(t, { endpoints: [endpoint] });
  const watcher = useEtcd(t, { endpoints: [`127.0.0.1:${proxy.port}`], timeoutMs: 1000 });
  const { watch, told, lost } = watchAndTell(watcher, 0);
  await watch.ready;
  const written: Change[] = [];
  const end = performance.now() + 8000;
  const count = (): number => told.filter((call) => call.type === 'events').length;
  /** A busy machine takes longer until enough was seen. */
  const isOver = (): boolean => performance.now() > end && ((lost.length >= 10 && count() > 20) || performance.now() > end + 60_000);
  const write = async (): Promise<void> => {
    while (!isOver()) {
      const keys = new Set(Array.from({ length: 1 + random(6) }, () => `${PREFIX}${random(40)}`));
      const changes = [...keys].map((key) => ({ key, value: random(4) === 0 ? undefined : 'x'.repeat(random(2000)) }));
      const { revision, responses } = await writer.txn({
        success: changes.map(({ key, value }) => (value === undefined ? { delete: { key } } : { put: { key, value } })),
      });
      const isReal = (i: number): boolean => {
        const response = responses[i];
        return response?.type !== 'delete' || response.deleted > 0;
      };
      written.push(...changes.filter((_, i) => isReal(i)).map((change) => ({ ...change, revision })));
      if (random(50) === 0) await writer.cluster.compact(revision).catch(() => undefined);
    }
  };
  const cut = async (): Promise<void> => {
    while (!isOver()) {
      proxy.cutAfter(random(3) === 0 ? random(200) : random(60_000));
      await sleep(random(60));
      proxy.cutAfter(null);
      await sleep(random(120));
    }
  };
  await Promise.all([write(), cut()]);
  proxy.cutAfter(null);
  const { revision: last } = await writer.txn({ success: [{ put: { key: `${PREFIX}end`, value: 'end' } }] });
  written.push({ key: `${PREFIX}end`, value: 'end', revision: last });
  await until('the end', () => (told.at(-1)?.revision ?? 0) >= last);
  t.diagnostic(`${written.length} changes, ${lost.length} cuts, ${told.length} calls`);
  assert.ok(lost.length >= 10, 'the stream was cut often');
  assert.ok(count() > 20, 'events came too');
  audit(told, written);
  await watch.close();
});

test('a member that lost its cluster ends its watches', async (t) => {
  await using servers = await startEtcd({ members: 3 });
  const [own, ...others] = servers.members;
  assert.ok(own);
  const etcd = useEtcd(t, { endpoints: [own.endpoint] });
  const { watch, told, lost } = watchAndTell(etcd, 0);
  await watch.ready;
  for (const member of others) member.pause();
  // etcd's progress messages and its own silence say nothing; what ends the stream is that a watch asks for a leader.
  await until('the end of the watch', () => lost.length > 0);
  for (const member of others) member.resume();
  await until('a new list', () => told.length > 1);
  await watch.close();
});

test('members that are killed, stopped and paused: the watcher ends with the truth', async (t) => {
  await using servers = await startEtcd({ members: 3 });
  const { endpoints } = servers;
  const writer = useEtcd(t, { endpoints, timeoutMs: 3000 });
  const watcher = useEtcd(t, { endpoints, timeoutMs: 1000 });
  const { watch, told, lost } = watchAndTell(watcher, 60_000);
  await watch.ready;
  const over = new AbortController();
  let failures = 0;
  const write = async (): Promise<void> => {
    for (let i = 0; !over.signal.aborted; i += 1) {
      await writer.put(`${PREFIX}${i % 30}`, String(i)).catch(() => (failures += 1));
      await sleep(5);
    }
  };
  const harm = async (): Promise<void> => {
    const steps: readonly ((member: EtcdMember) => Promise<void>)[] = [
      async (member) => {
        await member.kill();
        await sleep(500);
        await member.start();
      },
      async (member) => {
        member.pause();
        await sleep(2500);
        member.resume();
      },
      async (member) => {
        await member.stop();
        await member.start();
      },
    ];
    for (const step of steps) {
      await step(await servers.leader());
      for (const member of servers.members) await step(member);
    }
    over.abort();
  };
  await Promise.all([write(), harm()]);
  await until('a last write', () =>
    writer.put(`${PREFIX}end`, 'end').then(
      () => true,
      () => false,
    ),
  );
  // Asked of etcd without the client that is under test.
  const prefix = Buffer.from(PREFIX);
  const rangeEnd = Buffer.concat([prefix.subarray(0, -1), Buffer.of((prefix.at(-1) ?? 0) + 1)]);
  const { kvs = [] } = await post(endpoints[0] ?? '', '/v3/kv/range', {
    key: prefix.toString('base64'),
    range_end: rangeEnd.toString('base64'),
  });
  const decode = (text = ''): string => Buffer.from(text, 'base64').toString();
  const truth = new Map(kvs.map((kv) => [decode(kv.key), decode(kv.value)]));
  const isTold = (): boolean => {
    const state = new Map<string, string>();
    for (const call of told) {
      if (call.type === 'list') {
        state.clear();
        for (const [key, value] of call.state) state.set(key, value);
      } else for (const { key, value } of call.changes) state.set(key, value ?? '');
    }
    return state.size === truth.size && [...truth].every(([key, value]) => state.get(key) === value);
  };
  await until('the truth', isTold);
  const revisions = told.map((call) => call.revision);
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
  );
  t.diagnostic(`${failures} writes failed or were not known, ${lost.length} cuts, ${told.length} calls`);
  assert.ok(lost.length > 0);
  await watch.close();
});
