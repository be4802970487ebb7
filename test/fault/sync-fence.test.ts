import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Etcd } from '../../src/etcd/types.ts';
import { type EventLog, openEventLog } from '../../src/sql/event-log.ts';
import type { Database } from '../../src/sql/types.ts';
import { createEtcdSink } from '../../src/sync/etcd-sink.ts';
import { layoutOf } from '../../src/sync/layout.ts';
import { PUBLISHER_KEY } from '../../src/sync/names.ts';
import { createPublisher } from '../../src/sync/publisher.ts';
import type { Fence, Sink } from '../../src/sync/types.ts';
import { createWake } from '../../src/sync/wake.ts';
import { onEveryDatabase } from '../support/databases.ts';
import { startEtcd } from '../support/etcd.ts';
import { changesOf, expectedKeys, openEtcd, presentKeys, SYNC_SCHEMAS, syncType } from '../support/sync.ts';
import { seenFaults, startWitness, type Witness } from '../support/sync-fleet.ts';
import { startTcpFaultProxy, type TcpFaultProxy } from '../support/tcp-fault-proxy.ts';
import { until } from '../support/until.ts';

// Each case is shown twice: as it is built, and with the part switched off that it is about; then the witness must see it.

const NET = syncType('net');
/** So few that a row which turns up late moves another one out of what is read. */
const LIMITS = { maxRows: 2, maxBytes: 2 ** 20 };

interface Scene {
  readonly database: Database;
  readonly log: EventLog;
  readonly etcd: Etcd;
  readonly proxy: TcpFaultProxy;
  readonly witness: Witness;
  /** A leader that reaches etcd through the proxy, or directly; `done` when its term is over. */
  takeOffice(options: { readonly wrap?: (sink: Sink) => Sink; readonly through?: 'proxy' }): Promise<Term>;
}

interface Term {
  readonly done: Promise<void>;
  /** Ends it as the owner's clock does. */
  leave(): Promise<void>;
}

async function withScene(open: () => Promise<Database>, body: (scene: Scene) => Promise<void>): Promise<void> {
  await using servers = await startEtcd();
  const [endpoint = ''] = servers.endpoints;
  await using proxy = await startTcpFaultProxy(Number(new URL(endpoint).port));
  const etcd = openEtcd(servers.endpoints);
  const behind = openEtcd([`http://127.0.0.1:${proxy.port}`]);
  const database = await open();
  const witness = startWitness(etcd);
  const terms: Term[] = [];
  try {
    await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    const log = await openEventLog(database);
    const takeOffice: Scene['takeOffice'] = async ({ wrap = (sink) => sink, through }) => {
      await etcd.delete({ key: PUBLISHER_KEY });
      const value = await etcd.put(PUBLISHER_KEY, 'leader');
      const left = new AbortController();
      const fence: Fence = { compare: { key: PUBLISHER_KEY, target: 'createRevision', result: '=', value }, lost: left.signal };
      const sink = wrap(createEtcdSink({ etcd: through === 'proxy' ? behind : etcd, layout: () => layoutOf(SYNC_SCHEMAS) }));
      const publisher = createPublisher({ log, sink, wake: createWake(), pollMs: 20, backoffMs: 50, limits: LIMITS });
      const done = publisher.run(fence);
      const leave = async (): Promise<void> => {
        left.abort();
        await done;
      };
      terms.push({ done, leave });
      return { done, leave };
    };
    await body({ database, log, etcd, proxy, witness, takeOffice });
  } finally {
    proxy.cutAfter(null);
    await Promise.all(terms.map((term) => term.leave()));
    await witness.close();
    await behind.close();
    await etcd.close();
    await database.close();
  }
}

async function delivered({ log }: Scene): Promise<void> {
  await until('the log is delivered', async () => (await log.backlog()).count === 0);
}

/** A row of the log that has its id already and is committed when told to. */
async function startLateRow(database: Database): Promise<() => Promise<void>> {
  const [begun, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const row = {
    type: 'create',
    path: '/v1/notes/late',
    version: 0,
    body: '{"id":"late","name":"late"}',
    syncPlain: true,
    syncProperty: 'name',
  } as const;
  const done = database.transaction(
    async (session) => {
      await session.insert(syncType('note'), { id: 'late', name: 'late' });
      await session.logEvent(row);
      begun.resolve();
      await commit.promise;
    },
    { isolation: 'READ COMMITTED' },
  );
  await begun.promise;
  return async () => {
    commit.resolve();
    await done;
  };
}

/**
 * The answer of the transaction that writes version 2 is cut. A row with a smaller id is committed then, so that the next leader reads version 1
 * and that row at once, and not version 2.
 */
async function cutAnswer(scene: Scene, wrap: (sink: Sink) => Sink): Promise<readonly string[]> {
  const { database, etcd, proxy, witness, takeOffice } = scene;
  const { create, update } = changesOf(database);
  const commit = await startLateRow(database);
  await create(NET, { id: 'a', name: 'one' });
  await update(NET, 'a', { name: 'two' });
  const cutting = (sink: Sink): Sink => ({
    ...sink,
    publish(batch, fence) {
      proxy.cutAfter(0);
      return sink.publish(batch, fence);
    },
  });
  // Who cannot know whether a write was carried out ends its term.
  await (await takeOffice({ wrap: (sink) => cutting(wrap(sink)), through: 'proxy' })).done;
  proxy.cutAfter(null);
  const [kv] = (await etcd.range({ key: '/config/v1/nets/a' })).kvs;
  assert.match(kv?.value.toString() ?? '', /"version":2/);
  await commit();
  await takeOffice({ wrap });
  await delivered(scene);
  assert.deepEqual(await presentKeys(etcd), await expectedKeys(database));
  return await seenFaults(scene.etcd, witness);
}

/** A leader is stopped with rows in its hands; another one delivers those and newer ones; then the first goes on, its clock having slept too. */
async function goOn(scene: Scene, isFenced: boolean): Promise<readonly string[]> {
  const { database, etcd, witness, takeOffice } = scene;
  const { create, update } = changesOf(database);
  await create(NET, { id: 'a', name: 'one' });
  const [holds, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stopped = (sink: Sink): Sink => ({
    ...sink,
    async publish(batch, fence) {
      holds.resolve();
      await released.promise;
      return await sink.publish(batch, isFenced ? fence : { ...fence, compare: undefined });
    },
  });
  const former = await takeOffice({ wrap: stopped });
  await holds.promise;
  await takeOffice({});
  await delivered(scene);
  await update(NET, 'a', { name: 'two' });
  await delivered(scene);
  const { modRevision } = (await etcd.range({ key: '/config/v1/nets/a' })).kvs[0] ?? assert.fail('it is not there');
  released.resolve();
  if (isFenced) {
    await former.done;
    assert.equal((await etcd.range({ key: '/config/v1/nets/a' })).kvs[0]?.modRevision, modRevision);
  } else await until('it wrote', async () => (await etcd.range({ key: '/config/v1/nets/a' })).kvs[0]?.modRevision !== modRevision);
  return await seenFaults(scene.etcd, witness);
}

onEveryDatabase(({ kind, open, createConnection }) => {
  // One writer at a time: no row comes late there, and no second process writes meanwhile.
  if (kind === 'sqlite3') return;
  const opened = async () => await open(await createConnection(), { count: 10, intervalMs: 5 });

  test('a transaction whose answer was lost is not carried out again by the next leader', async () => {
    await withScene(opened, async (scene) => assert.deepEqual(await cutAnswer(scene, (sink) => sink), []));
  });

  test('without the marks of what was delivered it is, and a version goes back', async () => {
    await withScene(opened, async (scene) => {
      const faults = await cutAnswer(scene, (sink) => ({
        ...sink,
        async recover(fence) {
          await sink.recover?.(fence);
          return { ids: [], isDelivered: () => false };
        },
      }));
      assert.match(faults.join('\n'), /^\/config\/v1\/nets\/a went from version 2 back to 1/);
    });
  });

  test('a leader that was stopped and deposed writes nothing when it goes on', async () => {
    await withScene(opened, async (scene) => assert.deepEqual(await goOn(scene, true), []));
  });

  test('without the fence it does, and is seen', async () => {
    await withScene(opened, async (scene) => {
      const faults = await goOn(scene, false);
      assert.match(faults.join('\n'), /went from version 2 back to 1/);
      assert.match(faults.join('\n'), /the leader of term NaN wrote in term/);
    });
  });
});
