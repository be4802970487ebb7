import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onEveryDatabase, schemasOf } from '../../test/support/databases.ts';
import { type EventLog, openEventLog } from './event-log.ts';
import type { Database, EventRow } from './types.ts';

const WRITE = { isolation: 'READ COMMITTED' } as const;
const SCHEMAS = schemasOf('schemas: []\n');
const event = (path: string, body = '{}', version = 1): EventRow => ({
  type: 'create',
  path,
  version,
  body,
  syncPlain: path === '/plain',
  syncProperty: path === '/plain' ? 'p' : '',
});

onEveryDatabase((subject) => {
  let database: Database;
  let log: EventLog;
  const write = (...events: readonly EventRow[]) =>
    database.transaction(async (session) => {
      for (const row of events) await session.logEvent(row);
    }, WRITE);
  const clear = async () => log.remove((await log.read({ maxRows: 10_000, maxBytes: 1e9 })).map(({ id }) => id));
  before(async () => {
    database = await subject.open(await subject.createConnection(), { count: 5, intervalMs: 5 });
    await database.prepare(SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    log = await openEventLog(database);
  });
  after(async () => database.close());

  test('rows are read in order, found, counted and removed', async () => {
    assert.deepEqual(await log.read({ maxRows: 10, maxBytes: 1000 }), []);
    assert.deepEqual(await log.backlog(), { count: 0, oldest: 0 });
    assert.equal(await log.lastId(), 0);
    const body = JSON.stringify({ text: 'ä 😀 "' });
    await write(event('/a', body), event('/plain', '{}', 7), event('/b'));
    const rows = await log.read({ maxRows: 10, maxBytes: 1000 });
    assert.deepEqual(
      rows.map(({ id: _id, timestamp: _timestamp, ...row }) => row),
      [event('/a', body), event('/plain', '{}', 7), event('/b')],
    );
    const [first, second, third] = rows;
    assert.ok(first && second && third && first.id < second.id && second.id < third.id);
    assert.ok(Math.abs(first.timestamp - Date.now() / 1000) < 60);
    assert.equal((await log.backlog()).count, 3);
    assert.equal((await log.backlog(second.id)).count, 2);
    assert.equal(await log.lastId(), third.id);
    assert.deepEqual([...(await log.pending(['/a', '/c', '/b']))].toSorted(), ['/a', '/b']);
    await log.remove([first.id, third.id, first.id]);
    assert.deepEqual(await log.find([first.id, second.id, third.id]), [second]);
    await clear();
  });

  test('a read is bounded by rows and bytes, gives one row in any case, and leaves out paths', async () => {
    await write(...Array.from({ length: 10 }, (_, index) => event(`/${index % 5}`, 'x'.repeat(100))));
    assert.equal((await log.read({ maxRows: 3, maxBytes: 1e6 })).length, 3);
    assert.equal((await log.read({ maxRows: 100, maxBytes: 250 })).length, 3);
    assert.equal((await log.read({ maxRows: 100, maxBytes: 1 })).length, 1);
    const rest = await log.read({ maxRows: 100, maxBytes: 1e6 }, ['/0', '/2', '/4']);
    assert.deepEqual(
      rest.map(({ path }) => path),
      ['/1', '/3', '/1', '/3'],
    );
    await clear();
  });

  test('more ids than fit into one statement are removed', async () => {
    await write(...Array.from({ length: 1100 }, (_, index) => event(`/${index}`)));
    assert.equal((await log.backlog()).count, 1100);
    await clear();
    assert.equal((await log.backlog()).count, 0);
  });

  test('trimming leaves the newest rows', async () => {
    await write(...Array.from({ length: 10 }, (_, index) => event(`/${index}`)));
    await log.trim(10);
    assert.equal((await log.backlog()).count, 10);
    await log.trim(3);
    assert.deepEqual(
      (await log.read({ maxRows: 100, maxBytes: 1e6 })).map(({ path }) => path),
      ['/7', '/8', '/9'],
    );
    await log.trim(0);
    assert.equal((await log.backlog()).count, 0);
    await log.trim(0);
  });

  test('listeners are told of commits with event rows, and of no others', async () => {
    let told = 0;
    const stop = database.onLogged(() => (told += 1));
    await write(event('/a'), event('/b'));
    assert.equal(told, 1);
    await write();
    await assert.rejects(
      database.transaction(async (session) => {
        await session.logEvent(event('/c'));
        throw new Error('undone');
      }, WRITE),
    );
    assert.equal(told, 1);
    stop();
    await write(event('/d'));
    assert.equal(told, 1);
    await clear();
  });

  test('without an event log nothing is written', async () => {
    await database.prepare(SCHEMAS, { autoMigrate: true, cascadeDelete: false, eventLog: false });
    await write(event('/a'));
    assert.equal((await log.backlog()).count, 0);
    await database.prepare(SCHEMAS, { autoMigrate: true, cascadeDelete: false });
  });
});
