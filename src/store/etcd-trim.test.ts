import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startEtcd, useEtcd } from '../../test/support/etcd.ts';
import { until } from '../../test/support/until.ts';
import { toEtcdLayout } from './etcd-layout.ts';
import { createEtcdStore } from './etcd-store.ts';
import { trimHistory } from './etcd-trim.ts';

const servers = await startEtcd();
after(() => servers[Symbol.asyncDispose]());

test('records that are too old go with their parts, step by step; later ones stay', async (t) => {
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  const layout = toEtcdLayout('/trim');
  for (let i = 0; i < 1200; i += 120) {
    const success = Array.from({ length: 60 }, (_, n) => i / 2 + n + 1).flatMap((revision) => [
      { put: { key: layout.record(revision), value: '{}' } },
      { put: { key: layout.part(revision, 'change', 0), value: 'part' } },
    ]);
    await etcd.txn({ success });
  }
  assert.equal(await trimHistory(etcd, layout, 0), 0);
  assert.equal(await trimHistory(etcd, layout, 596), 595);
  const keysBeneath = async (prefix: string) => (await etcd.range({ prefix, keysOnly: true })).kvs.map(({ key }) => key);
  assert.deepEqual(
    await keysBeneath(layout.history),
    [596, 597, 598, 599, 600].map((revision) => layout.record(revision)),
  );
  assert.equal((await keysBeneath(layout.allParts)).length, 5);
  assert.equal(await trimHistory(etcd, layout, 596), 0);
});

test('a lower history_limit takes away what is too old in etcd, and each change one record from then on', async (t) => {
  const etcd = useEtcd(t, { endpoints: servers.endpoints });
  const layout = toEtcdLayout('/lower');
  const open = (historyLimit: number) =>
    createEtcdStore({ etcd: { endpoints: servers.endpoints }, prefix: '/lower', encryptionKey: '7'.repeat(64), historyLimit });
  const first = await open(100);
  for (let i = 0; i < 12; i += 1) await first.put([{ op: 'put', kind: 'namespace', entity: { name: `n${i}` } }], { author: 'test' });
  await first.close();
  const kept = async () => (await etcd.range({ prefix: layout.history, keysOnly: true })).count;
  assert.equal(await kept(), 12);
  const second = await open(3);
  t.after(() => second.close());
  await until('old records are gone', async () => (await kept()) === 3);
  await second.put([{ op: 'put', kind: 'namespace', entity: { name: 'last' } }], { author: 'test' });
  assert.equal(await kept(), 3);
  assert.deepEqual(
    (await second.history({ limit: 10 })).map(({ revision }) => revision),
    [13, 12, 11],
  );
});
