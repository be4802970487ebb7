import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startMariadb } from '../../test/support/mariadb.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { changesOf, SYNC_SCHEMAS, syncType } from '../../test/support/sync.ts';
import { changeAtRandom } from '../../test/support/sync-fleet.ts';
import { until } from '../../test/support/until.ts';
import { subscribe } from '../lib/event.ts';
import type { ChangeListener, ChangeSource } from '../sql/change-source.ts';
import { type EventLog, openEventLog } from '../sql/event-log.ts';
import { type ChangesOptions, openChanges } from '../sql/open-changes.ts';
import { openDatabase } from '../sql/open-database.ts';
import type { Database } from '../sql/types.ts';
import { createFollowedLog } from './followed-log.ts';
import { createPublisher } from './publisher.ts';
import type { Delivery, Sink } from './types.ts';
import { createWake } from './wake.ts';

const NET = syncType('net');
const SLOT = 'sekisho_test';

interface Subject {
  readonly kind: 'postgresql' | 'mysql';
  readonly type: ChangesOptions['type'];
  start(): Promise<{ createDatabase(): Promise<string>; restart(): Promise<void>; stop(): Promise<void> }>;
  /** Makes the server forget where streams were left. */
  lose(database: Database): Promise<void>;
}

const SUBJECTS: readonly Subject[] = [
  {
    kind: 'postgresql',
    type: 'postgres_replication',
    start: () => startPostgres(['wal_level=logical']),
    async lose(database) {
      // The server notices a moment later that the stream of the last leader has ended.
      const drop = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${SLOT}' AND active_pid IS NULL`;
      await until('the slot is dropped', async () => (await database.reader.query(drop, [])).length > 0);
    },
  },
  {
    kind: 'mysql',
    type: 'mysql_binlog',
    start: () => startMariadb(['--log-bin=binlog', '--binlog-format=ROW', '--server-id=7', '--innodb-flush-log-at-trx-commit=1']),
    async lose(database) {
      await database.reader.query('FLUSH BINARY LOGS', []);
      // The last one before the place is purged only when it is not the newest.
      await until('the old logs are gone', async () => {
        const rows = await database.reader.query('SHOW BINARY LOGS', []);
        await database.reader.query(`PURGE BINARY LOGS TO '${String(rows.at(-1)?.['Log_name'])}'`, []);
        return (await database.reader.query('SHOW BINARY LOGS', [])).length === 1;
      });
    },
  },
];

/** A sink that keeps what it gets, and can be held up. */
function createRecorder() {
  const paths: string[] = [];
  const ids: number[] = [];
  let gate: Promise<void> = Promise.resolve();
  let refused: ((path: string) => boolean) | undefined;
  const sink: Sink = {
    name: 'recorder',
    async publish(batch) {
      await gate;
      const delivered: number[] = [];
      const errors: { path: string; error: Error }[] = [];
      for (const { id, path } of batch) {
        if (refused?.(path) === true) {
          errors.push({ path, error: new Error('not now') });
          continue;
        }
        paths.push(path);
        ids.push(id);
        delivered.push(id);
      }
      return { delivered, refused: errors } as unknown as Delivery;
    },
  };
  return {
    sink,
    paths,
    ids,
    hold() {
      const held = Promise.withResolvers<void>();
      gate = held.promise;
      return held.resolve;
    },
    refuse(when: ((path: string) => boolean) | undefined) {
      refused = when;
    },
  };
}

for (const subject of SUBJECTS) {
  describe(subject.type, () => {
    let server: Awaited<ReturnType<Subject['start']>>;
    let connection: string;
    let database: Database;
    let log: EventLog;
    const open = async (to: string): Promise<Database> => {
      const opened = await openDatabase({
        type: subject.kind,
        connection: to,
        maxOpenConnections: 8,
        retry: { count: 5, intervalMs: 5 },
      });
      await opened.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
      return opened;
    };
    const openSource = (): Promise<ChangeSource> =>
      openChanges(database, { type: subject.type, connection, slot: SLOT, publication: 'sekisho_test', serverId: 0 });
    before(async () => {
      server = await subject.start();
      connection = await server.createDatabase();
      database = await open(connection);
      log = await openEventLog(database);
    });
    after(async () => {
      await database.close();
      await server.stop();
    });
    beforeEach(async () => {
      for (const table of ['ports', 'nets', 'events'])
        await database.transaction((session) => session.query(`DELETE FROM ${table}`, []), { isolation: 'READ COMMITTED' });
    });

    const ends: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0)) await end();
    });
    /** One term of a leader; nothing rings but the source. */
    const lead = async (recorder = createRecorder(), more: { readonly maxQueued?: number; readonly checkMs?: number } = {}) => {
      const gaps: string[] = [];
      const wake = createWake();
      const lost = new AbortController();
      const onGap = (reason: string): void => void gaps.push(reason);
      const followed = createFollowedLog({ log, source: await openSource(), wake, backoffMs: 200, onGap, ...more });
      const publisher = createPublisher({ log: followed, sink: recorder.sink, wake, pollMs: 60_000, backoffMs: 200 });
      const running = Promise.all([followed.run(lost.signal), publisher.run({ compare: undefined, lost: lost.signal })]);
      const end = async (): Promise<void> => {
        lost.abort();
        await running;
      };
      ends.push(end);
      return {
        ...recorder,
        gaps,
        followed,
        publisher,
        follows: () => until('it follows', () => followed.status().isFollowing),
        end,
      };
    };
    const isEmpty = () => until('the log is empty', async () => (await log.backlog()).count === 0);

    test('wakes for changes of others, and gives them in the order of their commits', async () => {
      const leader = await lead();
      await leader.follows();
      const other = await open(connection);
      await changesOf(other).create(NET, { id: 'first' });
      await until('it is delivered', () => leader.paths.length === 1);
      const release = leader.hold();
      const inserted = Promise.withResolvers<void>();
      const mayCommit = Promise.withResolvers<void>();
      const slow = other.transaction(
        async (session) => {
          await session.insert(NET, { id: 'slow' });
          await session.logEvent({ type: 'create', path: '/v1/nets/slow', version: 1, body: '{}', syncPlain: false, syncProperty: '' });
          inserted.resolve();
          await mayCommit.promise;
        },
        { isolation: 'READ COMMITTED' },
      );
      // What holds the sink up is delivered in a batch of its own.
      await changesOf(other).create(NET, { id: 'holds' });
      await inserted.promise;
      await changesOf(other).create(NET, { id: 'quick' });
      mayCommit.resolve();
      await slow;
      await until('both wait', async () => (await log.backlog()).count === 3);
      release();
      await isEmpty();
      assert.deepEqual(
        leader.paths,
        ['first', 'holds', 'quick', 'slow'].map((id) => `/v1/nets/${id}`),
      );
      await leader.end();
      await other.close();
    });

    test('goes on where the last leader ended, in the same order, and delivers nothing twice', async () => {
      const first = await lead();
      await first.follows();
      await changesOf(database).create(NET, { id: 'a' });
      await isEmpty();
      await first.end();
      for (const id of ['c', 'b']) await changesOf(database).create(NET, { id });
      const second = await lead();
      await isEmpty();
      await second.follows();
      assert.deepEqual(second.paths, ['/v1/nets/c', '/v1/nets/b']);
      assert.deepEqual(second.gaps, []);
      await second.end();
    });

    test('what was written before there was a stream comes first', async () => {
      const changes = changesOf(database);
      await changes.create(NET, { id: 'old' });
      await subject.lose(database);
      const leader = await lead();
      await isEmpty();
      await leader.follows();
      await changes.update(NET, 'old', { name: 'new' });
      await until('both are delivered', () => leader.paths.length === 2);
      assert.equal(leader.gaps.length, 1);
      await leader.end();
    });

    test('a place that the server has no more is told, and costs no change', async () => {
      const leader = await lead();
      await leader.follows();
      const changes = changesOf(database);
      await changes.create(NET, { id: 'a' });
      await isEmpty();
      await leader.end();
      await changes.create(NET, { id: 'b' });
      await subject.lose(database);
      const next = await lead();
      await isEmpty();
      await next.follows();
      assert.deepEqual(next.paths, ['/v1/nets/b']);
      assert.equal(next.gaps.length, 1);
      await next.end();
      const last = await lead();
      await last.follows();
      assert.deepEqual(last.gaps, []);
      await last.end();
    });

    test('a resource that is refused waits, others go on, and its changes stay in order', async () => {
      const leader = await lead();
      await leader.follows();
      leader.refuse((path) => path.endsWith('/bad'));
      const changes = changesOf(database);
      await changes.create(NET, { id: 'bad' });
      await changes.create(NET, { id: 'good' });
      await until('the other is delivered', () => leader.paths.length === 1);
      await changes.update(NET, 'bad', { name: 'x' });
      await changes.create(NET, { id: 'more' });
      await until('another one', () => leader.paths.length === 2);
      leader.refuse(undefined);
      await isEmpty();
      assert.deepEqual(
        leader.paths,
        ['good', 'more', 'bad', 'bad'].map((id) => `/v1/nets/${id}`),
      );
      await leader.end();
    });

    test('more than can be remembered is read from the log', async () => {
      const leader = await lead(createRecorder(), { maxQueued: 5 });
      await leader.follows();
      const release = leader.hold();
      const changes = changesOf(database);
      for (let i = 0; i < 20; i += 1) await changes.create(NET, { id: `n${i}` });
      release();
      await isEmpty();
      await leader.follows();
      assert.equal(leader.paths.length, 20);
      await leader.end();
    });

    test('many writers at once: every row once, those of one resource in their order, though leaders come and go', async () => {
      const recorder = createRecorder();
      const writing = changeAtRandom(changesOf(database), 8, 60);
      for (let terms = 0; terms < 4; terms += 1) {
        const leader = await lead(recorder);
        await leader.follows();
        const before = recorder.ids.length;
        await until('it delivers', async () => recorder.ids.length > before || (await log.backlog()).count === 0);
        await leader.end();
      }
      await writing;
      const last = await lead(recorder);
      await isEmpty();
      const byPath = Map.groupBy(recorder.ids, (_, index) => recorder.paths[index] ?? '');
      for (const [path, ids] of byPath)
        assert.deepEqual(
          ids,
          ids.toSorted((a, b) => a - b),
          path,
        );
      assert.equal(new Set(recorder.ids).size, recorder.ids.length);
      assert.deepEqual(last.gaps, []);
    });

    test('a server that is restarted in between loses nothing', async () => {
      const leader = await lead();
      await leader.follows();
      const changes = changesOf(database);
      for (let i = 0; i < 10; i += 1) await changes.create(NET, { id: `n${i}` });
      const release = leader.hold();
      await changes.create(NET, { id: 'held' });
      const codes: string[] = [];
      const stop = subscribe((event) => {
        if (event.type === 'sync.source' && event.state === 'lost') codes.push(event.error.code);
      });
      await server.restart();
      await until('it is told', () => codes.length > 0);
      stop();
      assert.equal(codes.includes('INTERNAL'), false, codes.join(' '));
      release();
      for (let i = 10; i < 20; i += 1)
        await until(
          'it is written',
          () =>
            changes.create(NET, { id: `n${i}` }).then(
              () => true,
              () => false,
            ),
          20_000,
        );
      await isEmpty();
      await leader.follows();
      for (let i = 0; i < 20; i += 1) assert.ok(leader.paths.includes(`/v1/nets/n${i}`), `n${i}`);
      assert.ok(leader.paths.includes('/v1/nets/held'));
      assert.deepEqual(leader.gaps, []);
      await leader.end();
    });
  });
}

test('a row that is told before it is seen holds back what follows, and is not forgotten', async () => {
  const server = await startPostgres();
  const database = await openDatabase({
    type: 'postgresql',
    connection: await server.createDatabase(),
    maxOpenConnections: 4,
    retry: { count: 0, intervalMs: 5 },
  });
  await database.prepare(SYNC_SCHEMAS, { autoMigrate: true, cascadeDelete: false });
  const log = await openEventLog(database);
  const hidden = new Set<number>();
  const partial: EventLog = { ...log, find: async (ids) => (await log.find(ids)).filter(({ id }) => !hidden.has(id)) };
  let listener: ChangeListener | undefined;
  const acknowledged: string[] = [];
  const source: ChangeSource = {
    name: 'mysql_binlog',
    check: () => Promise.resolve(),
    open: (given) => {
      listener = given;
      const ended = Promise.withResolvers<unknown>();
      return Promise.resolve({
        gap: undefined,
        ended: ended.promise,
        catchUp: () => Promise.resolve(),
        acknowledge: (position) => void acknowledged.push(position),
        close: () => Promise.resolve(ended.resolve(undefined)),
      });
    },
  };
  const wake = createWake();
  const lost = new AbortController();
  const recorder = createRecorder();
  const followed = createFollowedLog({ log: partial, source, wake, backoffMs: 100, onGap: () => assert.fail() });
  const publisher = createPublisher({ log: followed, sink: recorder.sink, wake, pollMs: 60_000, backoffMs: 100 });
  const running = Promise.all([followed.run(lost.signal), publisher.run({ compare: undefined, lost: lost.signal })]);
  await until('it follows', () => followed.status().isFollowing);
  for (const id of ['a', 'b', 'c']) await changesOf(database).create(NET, { id });
  const ids = (await log.ids(10)).map(({ id }) => id);
  const [a = 0, b = 0, c = 0] = ids;
  hidden.add(b);
  for (const id of [a, b, c]) listener?.onCommit([{ id, bytes: 1 }], [], String(id));
  await until('the first is delivered', () => recorder.paths.length === 1);
  await until('it is acknowledged', () => acknowledged.at(-1) === String(a));
  hidden.clear();
  await until('so are the others', () => recorder.paths.length === 3);
  assert.deepEqual(recorder.paths, ['/v1/nets/a', '/v1/nets/b', '/v1/nets/c']);
  // What was delivered before, told again together with its deletion, and one that somebody else deletes.
  listener?.onCommit([{ id: a, bytes: 1 }], [], 'again');
  listener?.onCommit([{ id: c + 1, bytes: 1 }], [], 'foreign');
  listener?.onCommit([], [a], 'gone');
  listener?.onCommit([], [c + 1], 'foreign gone');
  listener?.onPosition('end');
  await until('all is acknowledged', () => acknowledged.at(-1) === 'end');
  lost.abort();
  await running;
  await database.close();
  await server.stop();
});
