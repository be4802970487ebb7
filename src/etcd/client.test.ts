import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EtcdServers, startEtcd } from '../../test/support/etcd.ts';
import { createEtcd } from './client.ts';
import type { Etcd } from './types.ts';

let servers: EtcdServers;
let etcd: Etcd;
let count = 0;
/** A prefix of its own for each test. */
const prefixOf = (): string => `/t${(count += 1)}/`;

before(async () => {
  servers = await startEtcd();
  etcd = createEtcd({ endpoints: servers.endpoints });
});
after(async () => {
  await etcd.close();
  await servers[Symbol.asyncDispose]();
});

test('what is put is read, with its revisions and bytes', async () => {
  const p = prefixOf();
  const value = Buffer.from([0, 255, 10, 13, 128]);
  const revision = await etcd.put(`${p}schlüssel`, value);
  const [kv] = (await etcd.range({ key: `${p}schlüssel` })).kvs;
  assert.deepEqual(kv, { key: `${p}schlüssel`, value, createRevision: revision, modRevision: revision, version: 1, lease: '0' });
  await etcd.put(`${p}schlüssel`, 'two');
  const [changed] = (await etcd.range({ key: `${p}schlüssel` })).kvs;
  assert.equal(changed?.version, 2);
  assert.equal(changed?.createRevision, revision);
  const [old] = (await etcd.range({ key: `${p}schlüssel`, revision })).kvs;
  assert.deepEqual(old?.value, value);
});
