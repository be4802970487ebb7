import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, type TestContext, test } from 'node:test';
import { startEtcd } from '../../test/support/etcd.ts';
import { startTcpFaultProxy, type TcpFaultProxy } from '../../test/support/tcp-fault-proxy.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import { until } from '../../test/support/until.ts';
import type { Change } from '../entity/types.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { createEtcdStore, type EtcdStoreOptions } from './etcd-store.ts';
import type { Store } from './types.ts';

const by = { author: 'test' };
const servers = await startEtcd();
after(() => servers[Symbol.asyncDispose]());
const folder = createTempFolder('sekisho-document-copy-');
after(() => folder.remove());
let count = 0;

const ENTITIES: readonly Change[] = [
  { op: 'put', kind: 'namespace', entity: { name: 'a' } },
  {
    op: 'put',
    kind: 'collection',
    entity: { name: 'c', namespace: 'a', schema: { type: 'object' }, visibility: 'public', type: 'document' },
  },
];

interface Fleet {
  readonly dir: string;
  /** A node that reaches etcd by the proxy, and keeps its last good state. */
  open(own?: Partial<EtcdStoreOptions>): Promise<Store>;
  /** Another node, which reaches it always. */
  openNear(): Promise<Store>;
  readonly proxy: TcpFaultProxy;
}

async function startFleet(t: TestContext): Promise<Fleet> {
  count += 1;
  const prefix = `/copy/${count}`;
  const dir = join(folder.path, String(count));
  const proxy = await startTcpFaultProxy(Number(new URL(servers.endpoints[0] ?? '').port));
  const nodes: Store[] = [];
  t.after(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    await proxy[Symbol.asyncDispose]();
  });
  const open = async (endpoint: string, own: Partial<EtcdStoreOptions>): Promise<Store> => {
    const store = await createEtcdStore({
      etcd: { endpoints: [endpoint] },
      prefix,
      encryptionKey: '7'.repeat(64),
      timeoutMs: 3000,
      ...own,
    });
    nodes.push(store);
    return store;
  };
  return {
    dir,
    proxy,
    open: (own = {}) => open(`http://127.0.0.1:${proxy.port}`, { dir, ...own }),
    openNear: () => open(servers.endpoints[0] ?? '', { timeoutMs: 20_000 }),
  };
}

function useSnapshotEvents(t: TestContext): Extract<Event, { type: 'store.snapshot' }>[] {
  const events: Extract<Event, { type: 'store.snapshot' }>[] = [];
  const stop = subscribe((event) => void (event.type === 'store.snapshot' && /documents/.test(event.path) && events.push(event)));
  t.after(stop);
  return events;
}

const idsOf = async ({ documents }: Store): Promise<readonly string[]> =>
  (await documents.list('a', 'c', { limit: 5000, offset: 0 })).map(({ id }) => id);

/** Waits until the copy on the disk holds exactly these ids. */
async function untilKept(dir: string, ids: readonly string[]): Promise<void> {
  await until('the copy has them', () => {
    const path = join(dir, 'last-good-documents.db');
    if (!existsSync(path)) return false;
    const database = new DatabaseSync(path, { readOnly: true, timeout: 20_000 });
    try {
      const isWhole = database.prepare('SELECT is_whole FROM place').get()?.['is_whole'] === 1;
      const keys = database
        .prepare('SELECT key FROM documents')
        .all()
        .map(({ key }) => String(key).split('/').at(-1));
      return isWhole && keys.length === ids.length && ids.every((id) => keys.includes(id));
    } finally {
      database.close();
    }
  });
}

test('a node that starts with etcd away reads documents, writes none, and reads the newest when it is back', async (t) => {
  const { dir, open, openNear, proxy } = await startFleet(t);
  const near = await openNear();
  await near.put(ENTITIES, by);
  const ids = Array.from({ length: 700 }, (_, i) => `d${String(i).padStart(3, '0')}`);
  for (let i = 0; i < ids.length; i += 50)
    await Promise.all(ids.slice(i, i + 50).map((id) => near.documents.put('a', 'c', id, { id, text: 'ü'.repeat(20) })));
  const first = await open();
  await untilKept(dir, ids);
  const known = await first.documents.get('a', 'c', 'd007');
  assert.equal(statSync(join(dir, 'last-good-documents.db')).mode & 0o777, 0o600);
  await first.close();
  await proxy.refuse();
  const stale = await open();
  assert.equal(stale.health().state, 'stale');
  assert.deepEqual(await stale.documents.get('a', 'c', 'd007'), known);
  assert.equal(await stale.documents.get('a', 'c', 'none'), undefined);
  assert.deepEqual(await idsOf(stale), ids);
  assert.deepEqual(
    (await stale.documents.list('a', 'c', { limit: 3, offset: 698 })).map(({ id }) => id),
    ['d698', 'd699'],
  );
  assert.equal(await stale.documents.count('a', 'c'), 700);
  await assert.rejects(stale.documents.put('a', 'c', 'd', 1), { code: 'STORE_FAILED' });
  // What happened meanwhile is seen by comparing keys.
  await near.documents.delete('a', 'c', 'd000');
  await near.documents.put('a', 'c', 'd001', 'new');
  await near.documents.put('a', 'c', 'z', 'newer');
  await proxy.accept();
  await until('caught up', () => stale.health().state === 'ok');
  const now = [...ids.slice(1), 'z'];
  assert.deepEqual(await idsOf(stale), now);
  await untilKept(dir, now);
  await proxy.refuse();
  await until('noticed', () => stale.health().state !== 'ok');
  assert.equal((await stale.documents.get('a', 'c', 'd001'))?.data, 'new');
});

test('etcd that hangs or goes away under a node that runs: documents are read from the disk, its own last one too', async (t) => {
  const { dir, open, proxy } = await startFleet(t);
  const store = await open();
  await store.put(ENTITIES, by);
  await store.documents.put('a', 'c', 'one', 1);
  await untilKept(dir, ['one']);
  const own = store.documents.put('a', 'c', 'two', 2);
  assert.equal((await own).data, 2);
  proxy.stall();
  assert.equal((await store.documents.get('a', 'c', 'two'))?.data, 2);
  for (let i = 0; i < 50; i += 1) assert.equal((await store.documents.get('a', 'c', 'one'))?.data, 1);
  await proxy.refuse();
  await until('noticed', () => store.health().state !== 'ok');
  assert.deepEqual(await idsOf(store), ['one', 'two']);
  await proxy.accept();
  proxy.flow();
  await until('back', () => store.health().state === 'ok');
  assert.equal(await until('written', () => store.documents.delete('a', 'c', 'one').catch(() => undefined)), true);
  await untilKept(dir, ['two']);
});

test('without a folder for the last good state there is nothing to read while etcd is away', async (t) => {
  const { open, proxy } = await startFleet(t);
  const store = await open({ dir: undefined });
  await store.put(ENTITIES, by);
  await store.documents.put('a', 'c', 'one', 1);
  await proxy.refuse();
  await assert.rejects(store.documents.get('a', 'c', 'one'), { code: 'STORE_FAILED', message: /^the document one was not read: / });
});

test('a copy that is damaged is told, not served, and made anew when etcd is there', async (t) => {
  const { dir, open, proxy } = await startFleet(t);
  const events = useSnapshotEvents(t);
  const first = await open();
  await first.put(ENTITIES, by);
  await first.documents.put('a', 'c', 'one', { secret: 1 });
  await untilKept(dir, ['one']);
  await first.close();
  const path = join(dir, 'last-good-documents.db');
  const whole = readFileSync(path);
  await proxy.refuse();
  const row = new DatabaseSync(path);
  row.exec(`UPDATE documents SET value = replace(value, '1', '2')`);
  row.close();
  const second = await open();
  await assert.rejects(second.documents.get('a', 'c', 'one'), { code: 'STORE_FAILED', message: /checksum is wrong/ });
  await second.close();
  assert.match(events.find(({ outcome }) => outcome === 'failed')?.reason ?? '', /checksum is wrong/);
  writeFileSync(path, Buffer.alloc(whole.length, 7));
  const third = await open();
  assert.equal(events.at(-1)?.outcome, 'ignored');
  await assert.rejects(third.documents.get('a', 'c', 'one'), { code: 'STORE_FAILED' });
  await proxy.accept();
  await untilKept(dir, ['one']);
});

test('documents of a store that took the place of another are read anew', async (t) => {
  const { dir, open, openNear } = await startFleet(t);
  const first = await open();
  await first.put(ENTITIES, by);
  await first.documents.put('a', 'c', 'one', 1);
  await untilKept(dir, ['one']);
  await first.close();
  const database = new DatabaseSync(join(dir, 'last-good-documents.db'));
  database.exec(`UPDATE place SET store = 'another'; UPDATE documents SET key = replace(key, '/one', '/stray')`);
  database.close();
  const near = await openNear();
  await near.documents.put('a', 'c', 'two', 2);
  await open();
  await untilKept(dir, ['one', 'two']);
});
