import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from '../../src/entity/types.ts';
import { createEtcdStore } from '../../src/store/etcd-store.ts';
import type { Store } from '../../src/store/types.ts';
import { startEtcd, useEtcd } from '../support/etcd.ts';
import { startTcpFaultProxy } from '../support/tcp-fault-proxy.ts';
import { until } from '../support/until.ts';

/** 2000 for the long form. */
const CHANGES = Number(process.env['SEKISHO_STORE_CHANGES'] ?? 150);
const NAMES = 40;

const namesOf = async (store: Store): Promise<string> =>
  [...(await store.load()).entities.namespace.values()]
    .map(({ name, tags = [] }) => `${name}=${tags.join()}`)
    .toSorted()
    .join(' ');

test('a watch that is cut at random bytes, with compactions while it is cut: every node ends where it should, and passes only states that were', async (t) => {
  await using servers = await startEtcd();
  await using proxy = await startTcpFaultProxy(Number(new URL(servers.endpoints[0] ?? '').port));
  const open = (endpoint: string) =>
    createEtcdStore({ etcd: { endpoints: [endpoint] }, prefix: '/watch', encryptionKey: '7'.repeat(64), timeoutMs: 2000, relistMs: 700 });
  const [near, far] = [await open(servers.endpoints[0] ?? ''), await open(`http://127.0.0.1:${proxy.port}`)];
  t.after(() => Promise.all([near.close(), far.close()]));
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  const states = new Map<number, string>();
  const model = new Map<string, string>();
  let [revision, jumps, wrong] = [0, 0, 0];
  far.watch(0, (update) => {
    assert.equal(update.isReset, undefined, 'it is always the same history');
    assert.ok(update.revision > revision, 'revisions rise');
    if (update.revision > revision + 1) jumps += 1;
    revision = update.revision;
    for (const change of update.changes) {
      if (change.op === 'put' && change.kind === 'namespace') model.set(change.entity.name, change.entity.tags?.join() ?? '');
      else if (change.op === 'delete') model.delete(change.name);
    }
    const seen = [...model]
      .map(([name, tags]) => `${name}=${tags}`)
      .toSorted()
      .join(' ');
    if (states.get(update.revision) !== undefined && states.get(update.revision) !== seen) wrong += 1;
  });
  const over = new AbortController();
  const trouble = async (): Promise<void> => {
    while (!over.signal.aborted) {
      proxy.cutAfter(randomInt(1, 6000));
      await sleep(randomInt(5, 120));
      if (randomInt(3) === 0) await etcd.cluster.compact((await etcd.range({ key: 'x' })).revision).catch(() => undefined);
      if (randomInt(3) === 0) proxy.cutAfter(null);
    }
  };
  const troubled = trouble();
  for (let i = 1; i <= CHANGES; i += 1) {
    const change = toChange(await near.load(), i);
    // Known beforehand: the update may arrive before the answer does.
    const before = new Map((await near.load()).entities.namespace);
    if (change.op === 'delete') before.delete(change.name);
    else if (change.kind === 'namespace') before.set(change.entity.name, change.entity);
    const after = [...before.values()].map(({ name, tags = [] }) => `${name}=${tags.join()}`);
    states.set(i, after.toSorted().join(' '));
    await near.put([change], { author: 'test', expect: i - 1 });
    await sleep(randomInt(15));
  }
  over.abort();
  await troubled;
  proxy.cutAfter(null);
  const startedAt = performance.now();
  await until('caught up', () => revision === CHANGES);
  t.diagnostic(
    `${proxy.total} connections, ${jumps} times several revisions at once, caught up in ${Math.round(performance.now() - startedAt)} ms`,
  );
  assert.equal(wrong, 0);
  assert.equal(await namesOf(far), await namesOf(near));
  assert.equal((await far.load()).hash, (await near.load()).hash);
});

function toChange({ entities }: Awaited<ReturnType<Store['load']>>, i: number): Change {
  const name = `n${randomInt(NAMES)}`;
  if (randomInt(4) === 0 && entities.namespace.has(name)) return { op: 'delete', kind: 'namespace', namespace: '', name };
  return { op: 'put', kind: 'namespace', entity: { name, tags: [`v${i}`] } };
}
