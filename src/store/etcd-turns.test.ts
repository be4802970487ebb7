import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyValue, WatchEvent } from '../etcd/types.ts';
import { createEtcdTurns, type TurnsOptions } from './etcd-turns.ts';

const OWN = '/turns/own';
const [B, C] = ['/turns/b', '/turns/c'];

function toKey(key: string, createRevision: number, modRevision = createRevision): KeyValue {
  return { key, value: Buffer.alloc(0), createRevision, modRevision, version: 1, lease: '0' };
}
const came = (key: string, createRevision: number, modRevision?: number): WatchEvent => ({
  type: 'put',
  kv: toKey(key, createRevision, modRevision),
});
const went = (key: string, modRevision: number): WatchEvent => ({ type: 'delete', kv: toKey(key, 0, modRevision) });

function open(options: Partial<TurnsOptions> = {}) {
  const writes: string[] = [];
  const [reserve, release] = [() => void writes.push('reserve'), () => void writes.push('release')];
  return { turns: createEtcdTurns({ own: OWN, reserve, release, isNeeded: () => true, ...options }), writes };
}

test('whoever was outrun first goes first', async () => {
  const { turns } = open();
  assert.equal(turns.wait(), undefined, 'nobody waits');
  turns.outrun(true);
  turns.onEvents([came(B, 11), came(OWN, 12), came(C, 13)]);
  const waiting = turns.wait();
  assert.ok(waiting !== undefined, 'another one is before us');
  turns.onEvents([went(B, 14)]);
  await waiting;
  assert.equal(turns.wait(), undefined, 'who came after us waits for us');
  assert.deepEqual(turns.spent(), [OWN]);
  turns.taken(turns.spent());
  assert.ok(turns.wait() !== undefined, 'and we for them once we had our turn');
  turns.close();
});

test('a place is kept when its node is outrun again', () => {
  const { turns } = open();
  turns.outrun(true);
  turns.onEvents([came(OWN, 11), came(B, 12), came(OWN, 11, 13)]);
  assert.equal(turns.wait(), undefined);
});

test('after a change was outrun the place that it left is waited for, so that those before it are known', async () => {
  const { turns } = open();
  turns.outrun(true);
  const waiting = turns.wait();
  assert.ok(waiting !== undefined);
  turns.onEvents([came(B, 11), came(OWN, 12)]);
  await waiting;
  assert.ok(turns.wait() !== undefined, 'another one was faster');
  turns.close();
});

test('a node that lets its turn pass is not waited for a second time, and its key is taken away', async () => {
  const { turns } = open({ patienceMs: 20 });
  turns.onList([toKey(B, 11), toKey(C, 12)]);
  for (let waiting = turns.wait(); waiting !== undefined; waiting = turns.wait()) await waiting;
  assert.deepEqual(turns.spent(), [B, C]);
  turns.onEvents([came(B, 16)]);
  assert.ok(turns.wait() !== undefined, 'it has a new place');
  turns.onList([toKey(C, 12)]);
  assert.equal(turns.wait(), undefined, 'gone from the list');
});

test('a node that gives signs of life is waited for longer, though not for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const { turns, writes } = open({ patienceMs: 100 });
  const pass = (ms: number): void => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  turns.onEvents([came(B, 11)]);
  for (let sign = 12; sign < 15; sign += 1) {
    assert.ok(turns.wait() !== undefined);
    pass(90);
    turns.onEvents([came(B, 11, sign)]);
  }
  assert.ok(turns.wait() !== undefined, 'its last sign is fresh');
  pass(30);
  assert.equal(turns.wait(), undefined, 'it had three times as long');
  turns.outrun(true);
  pass(50);
  assert.deepEqual(writes, ['reserve'], 'we give signs as well');
  turns.onEvents([came(OWN, 21)]);
  turns.taken([OWN]);
  pass(100);
  assert.deepEqual(writes, ['reserve']);
  turns.onEvents([came(OWN, 22)]);
  assert.deepEqual(writes, ['reserve', 'release'], 'one that came too late is taken away');
});

test('a turn that nobody needs any more is given back; without etcd nobody waits', () => {
  let isNeeded = true;
  const { turns, writes } = open({ isNeeded: () => isNeeded });
  turns.pass();
  assert.deepEqual(writes, []);
  turns.outrun(false);
  turns.outrun(false);
  turns.pass();
  assert.deepEqual(writes, ['reserve', 'release']);
  turns.onEvents([came(B, 11)]);
  isNeeded = false;
  assert.equal(turns.wait(), undefined);
});
