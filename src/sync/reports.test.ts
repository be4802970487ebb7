import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { changesOf, SYNC_SCHEMAS, syncType } from '../../test/support/sync.ts';
import type { Etcd, KeyValue, WatchOptions } from '../etcd/types.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { openDatabase } from '../sql/open-database.ts';
import type { Database } from '../sql/types.ts';
import { layoutOf } from './layout.ts';
import { takeReports } from './reports.ts';
import type { RunEvent } from './types.ts';

const NET = syncType('net');

let database: Database;
let told: string[];
let stop: () => void;
before(async () => {
  database = await openDatabase({ type: 'sqlite3', connection: ':memory:', maxOpenConnections: 1, retry: { count: 5, intervalMs: 5 } });
  await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
});
after(() => database.close());
beforeEach(async () => {
  told = [];
  stop = subscribe((event: Event) => {
    if (event.type === 'sync.reported') told.push(`${event.report} of ${event.path} ${event.outcome}`);
  });
  await database.transaction((session) => session.query('DELETE FROM nets', []), { isolation: 'READ COMMITTED' });
});
afterEach(() => stop());

/** A term whose lists and events the test gives. */
async function withReports(
  runEvent: RunEvent,
  work: (watch: { list(kvs: readonly KeyValue[]): Promise<void>; event(kv: KeyValue): Promise<void> }) => Promise<void>,
): Promise<void> {
  const given = Promise.withResolvers<WatchOptions>();
  const etcd = {
    watch(options: WatchOptions) {
      given.resolve(options);
      return { close: () => Promise.resolve() };
    },
  } as unknown as Etcd;
  const over = new AbortController();
  const fence = { key: 'k', target: 'createRevision', result: '=', value: 1 } as const;
  const running = takeReports({ etcd, database, layout: () => layoutOf(SYNC_SCHEMAS), runEvent }, { lost: over.signal, term: 1, fence });
  const { onList, onEvents } = await given.promise;
  try {
    await work({
      list: async (kvs) => await onList?.({ kvs, revision: 1, count: kvs.length, more: false }),
      event: async (kv) => await onEvents?.([{ type: 'put', kv }], kv.modRevision),
    });
  } finally {
    over.abort();
    await running;
  }
}

function keyValue(kind: 'state' | 'monitoring', id: string, value: unknown, modRevision: number): KeyValue {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return {
    key: `/state_watch/${kind}/v1/nets/${id}`,
    value: Buffer.from(text),
    createRevision: 1,
    modRevision,
    version: 1,
    lease: '0',
  };
}

/** Handlers that change what is reported, and count how often they were asked. */
function changing(): { readonly runEvent: RunEvent; count(): number } {
  let count = 0;
  return {
    count: () => count,
    async runEvent(_environment, event, fields) {
      if (!event.startsWith('pre_')) return {};
      count += 1;
      const { state } = fields as { readonly state?: { readonly state: string } };
      return state === undefined ? { monitoring: 'seen' } : { state: { ...state, state: `${state.state}!` } };
    },
  };
}

test('handlers run once for a report, however often it is listed', async () => {
  const { create, update } = changesOf(database);
  await create(NET, { id: 'a' });
  await create(NET, { id: 'b' });
  await update(NET, 'b', { name: 'x' });
  const handlers = changing();
  await withReports(handlers.runEvent, async ({ list, event }) => {
    const kvs = [
      keyValue('state', 'a', { version: 1, state: 'up' }, 5),
      keyValue('monitoring', 'a', { version: 1, monitoring: 'fine' }, 6),
      // The resource has moved on: what was stored of this one does not reach it.
      keyValue('state', 'b', { version: 1, state: 'half' }, 7),
    ];
    await event(kvs[0] as KeyValue);
    for (let i = 0; i < 3; i += 1) await list(kvs);
    assert.equal(handlers.count(), 3);
    assert.deepEqual(told.toSorted(), ['monitoring of /v1/nets/a stored', 'state of /v1/nets/a stored', 'state of /v1/nets/b stored']);
    // A newer report of the same text is a report.
    await event(keyValue('state', 'b', { version: 1, state: 'half' }, 8));
    assert.equal(handlers.count(), 4);
  });
});

test('what makes no sense is told once; what cannot count yet, when it does', async () => {
  await changesOf(database).create(NET, { id: 'a' });
  const { runEvent } = changing();
  await withReports(runEvent, async ({ list }) => {
    const kvs = [
      keyValue('state', 'a', 'no JSON', 5),
      keyValue('monitoring', 'a', { version: 1, monitoring: 'early' }, 6),
      keyValue('state', 'b', { version: 1, state: 'up' }, 7),
      keyValue('state', 'q', 'no JSON', 8),
    ];
    for (let i = 0; i < 3; i += 1) await list(kvs);
    assert.deepEqual(told.splice(0), ['state of /v1/nets/a failed']);
    await changesOf(database).create(NET, { id: 'b' });
    await list([keyValue('state', 'a', { version: 1, state: 'up' }, 9), ...kvs.slice(1)]);
    assert.deepEqual(told.toSorted(), ['monitoring of /v1/nets/a stored', 'state of /v1/nets/a stored', 'state of /v1/nets/b stored']);
  });
});

test('a report is taken again when a handler refused it, or when the row lost what was stored', async () => {
  await changesOf(database).create(NET, { id: 'a' });
  let isRefusing = true;
  const runEvent: RunEvent = () => (isRefusing ? Promise.reject(new Error('no')) : Promise.resolve({}));
  await withReports(runEvent, async ({ list }) => {
    const kvs = [keyValue('state', 'a', { version: 1, state: 'up' }, 5)];
    await list(kvs);
    await list(kvs);
    isRefusing = false;
    await list(kvs);
    await list(kvs);
    assert.deepEqual(
      told.splice(0).map((text) => text.split(' ').at(-1)),
      ['failed', 'failed', 'stored'],
    );
    // As a backup that is restored does.
    const reset = 'UPDATE nets SET state_version = 0, state = NULL';
    await database.transaction((session) => session.query(reset, []), { isolation: 'READ COMMITTED' });
    await list(kvs);
    assert.deepEqual(told, ['state of /v1/nets/a stored']);
  });
});
