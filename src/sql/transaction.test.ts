import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type BreakableLink, startBreakableLink } from '../../test/support/breakable-link.ts';
import { onEveryDatabase, schemasOf } from '../../test/support/databases.ts';
import { startMariadb } from '../../test/support/mariadb.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { SekishoError } from '../lib/errors.ts';
import { TRUE } from '../schema/filter.ts';
import { openDatabase } from './open-database.ts';
import type { Database, Session } from './types.ts';

const SCHEMAS = schemasOf(`
schemas:
- id: counter
  singular: counter
  plural: counters
  title: Counter
  description: d
  schema:
    type: object
    properties:
      id: {title: t, description: d, type: string, permission: [create]}
      value: {title: t, description: d, type: integer, permission: [create, update]}
    required: [value]
`);
const counter = SCHEMAS.resources.get('counter') ?? assert.fail('no schema');
const PREPARE = { autoMigrate: true, cascadeDelete: false };
const SERIALIZABLE = { isolation: 'SERIALIZABLE' } as const;

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SekishoError && error.code === code;
}

const valueOf = async (session: Session, id: string): Promise<number> =>
  Number((await session.fetch(counter, id, { filter: TRUE }))?.['value'] ?? Number.NaN);

onEveryDatabase((subject) => {
  let database: Database;
  let connection: string;
  before(async () => {
    connection = await subject.createConnection();
    database = await subject.open(connection, { count: 200, intervalMs: 4 });
    await database.prepare(SCHEMAS, PREPARE);
    await database.transaction(async (session) => {
      for (const id of ['a', 'b']) await session.insert(counter, { id, value: 0 });
    }, SERIALIZABLE);
  });
  after(async () => database.close());

  test('counters that are read and written at once lose no count, in whatever order they are taken', async () => {
    let runs = 0;
    const step = (first: string, second: string) =>
      database.transaction(async (session) => {
        runs += 1;
        for (const id of [first, second]) await session.update(counter, id, { value: (await valueOf(session, id)) + 1 });
      }, SERIALIZABLE);
    await Promise.all(Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? step('a', 'b') : step('b', 'a'))));
    assert.equal(await valueOf(database.reader, 'a'), 24);
    assert.equal(await valueOf(database.reader, 'b'), 24);
    assert.ok(runs === 24 || subject.kind !== 'sqlite3', 'SQLite has one writer');
    assert.ok(runs > 24 || subject.kind === 'sqlite3', 'the others clashed and were run again');
  });

  test('a transaction that clashes more often than configured fails with DATABASE_RETRY, and leaves nothing', async () => {
    if (subject.kind === 'sqlite3') return;
    const strict = await subject.open(connection, { count: 0, intervalMs: 1 });
    await strict.prepare(SCHEMAS, PREPARE);
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    const cross = (first: string, second: string) =>
      strict.transaction(
        async (session) => {
          await session.update(counter, first, { value: 1000 });
          arrived += 1;
          if (arrived === 2) both.resolve();
          await both.promise;
          await session.update(counter, second, { value: 1000 });
        },
        { isolation: 'READ COMMITTED' },
      );
    const results = await Promise.allSettled([cross('a', 'b'), cross('b', 'a')]);
    const failed = results.filter((result) => result.status === 'rejected');
    assert.equal(failed.length, 1);
    assert.ok(hasCode('DATABASE_RETRY')(failed[0]?.reason), String(failed[0]?.reason));
    await strict.close();
  });

  test('a transaction that swallows a clash is not committed', async () => {
    if (subject.kind === 'sqlite3') return;
    const strict = await subject.open(connection, { count: 0, intervalMs: 1 });
    await strict.prepare(SCHEMAS, PREPARE);
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    const cross = (first: string, second: string, mark: string) =>
      strict.transaction(
        async (session) => {
          await session.insert(counter, { id: mark, value: 0 });
          await session.update(counter, first, { value: 0 });
          arrived += 1;
          if (arrived === 2) both.resolve();
          await both.promise;
          await session.update(counter, second, { value: 0 }).catch(() => undefined);
          await session.update(counter, mark, { value: 1 }).catch(() => undefined);
        },
        { isolation: 'READ COMMITTED' },
      );
    const marks = ['mark1', 'mark2'];
    const results = await Promise.allSettled([cross('a', 'b', 'mark1'), cross('b', 'a', 'mark2')]);
    const kept = (await strict.reader.list(counter, { filter: { kind: 'in', property: 'id', values: marks } })).map((row) => row['id']);
    assert.deepEqual(
      kept,
      marks.filter((_, index) => results[index]?.status === 'fulfilled'),
    );
    assert.equal(kept.length, 1);
    await strict.close();
  });

  test('a transaction that fails leaves nothing, and those beside it stay', async () => {
    const add = (id: string, isFailing: boolean) =>
      database.transaction(async (session) => {
        await session.insert(counter, { id, value: 1 });
        if (isFailing) throw new Error(`no ${id}`);
      }, SERIALIZABLE);
    const names = ['p', 'q', 'r', 's'];
    const results = await Promise.allSettled(names.map((id, index) => add(id, index % 2 === 1)));
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
    );
    const found = await database.reader.list(counter, { filter: { kind: 'in', property: 'id', values: names } });
    assert.deepEqual(
      found.map((row) => row['id']),
      ['p', 'r'],
    );
  });

  test('others see a transaction when it is acknowledged, not before', async () => {
    await database.transaction(async (session) => {
      await session.insert(counter, { id: 'hidden', value: 1 });
      assert.equal(await valueOf(session, 'hidden'), 1);
      assert.equal(await valueOf(database.reader, 'hidden'), Number.NaN);
    }, SERIALIZABLE);
    assert.equal(await valueOf(database.reader, 'hidden'), 1);
  });

  test('a session is refused after its transaction', async () => {
    const kept = await database.transaction(async (session) => session, SERIALIZABLE);
    await assert.rejects(valueOf(kept, 'a'), hasCode('DATABASE_FAILED'));
  });

  test('a signal that aborts undoes the transaction', async () => {
    const controller = new AbortController();
    const work = database.transaction(
      async (session) => {
        await session.insert(counter, { id: 'aborted', value: 1 });
        controller.abort(new Error('too late'));
      },
      { ...SERIALIZABLE, signal: controller.signal },
    );
    await assert.rejects(work, /too late/);
    assert.equal(await valueOf(database.reader, 'aborted'), Number.NaN);
  });

  test('a deferred transaction begins with its first statement', async () => {
    const blocked = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const deferred = database.transaction(
      async (session) => {
        reached.resolve();
        await blocked.promise;
        await session.update(counter, 'a', { value: 1000 });
        return await valueOf(session, 'a');
      },
      { ...SERIALIZABLE, isDeferred: true },
    );
    await reached.promise;
    await database.transaction((session) => session.update(counter, 'a', { value: 999 }), SERIALIZABLE);
    blocked.resolve();
    assert.equal(await deferred, 1000);
    assert.equal(await valueOf(database.reader, 'a'), 1000);
  });

  test('a deferred transaction without a statement is none; what it throws is passed on', async () => {
    assert.equal(await database.transaction(async () => 'done', { ...SERIALIZABLE, isDeferred: true }), 'done');
    await assert.rejects(
      database.transaction(() => Promise.reject(new Error('refused')), { ...SERIALIZABLE, isDeferred: true }),
      /refused/,
    );
  });

  test('a deferred transaction that fails leaves nothing; one that clashes runs anew as a whole', async () => {
    await assert.rejects(
      database.transaction(
        async (session) => {
          await session.insert(counter, { id: 'refused', value: 1 });
          throw new Error('refused');
        },
        { ...SERIALIZABLE, isDeferred: true },
      ),
      /refused/,
    );
    assert.equal(await valueOf(database.reader, 'refused'), Number.NaN);
    const start = await valueOf(database.reader, 'b');
    const step = async (session: Session): Promise<void> => {
      await session.update(counter, 'b', { value: (await valueOf(session, 'b')) + 1 });
    };
    await Promise.all(Array.from({ length: 16 }, () => database.transaction(step, { ...SERIALIZABLE, isDeferred: true })));
    assert.equal(await valueOf(database.reader, 'b'), start + 16);
  });
});

const SERVERS = [
  { kind: 'postgresql', start: startPostgres },
  { kind: 'mysql', start: startMariadb },
] as const;

for (const { kind, start } of SERVERS) {
  describe(`${kind} over a link that breaks`, () => {
    let server: Awaited<ReturnType<typeof start>>;
    let link: BreakableLink;
    let broken: Database;
    let whole: Database;
    before(async () => {
      server = await start();
      const url = new URL(await server.createDatabase());
      const options = { type: kind, maxOpenConnections: 4, retry: { count: 0, intervalMs: 1 } } as const;
      link = await startBreakableLink(Number(url.port));
      whole = await openDatabase({ ...options, connection: url.href });
      await whole.prepare(SCHEMAS, PREPARE);
      url.port = String(link.port);
      broken = await openDatabase({ ...options, connection: url.href });
      await broken.prepare(SCHEMAS, PREPARE);
    });
    after(async () => {
      await broken.close();
      await whole.close();
      await link.close();
      await server.stop();
    });

    test('a commit whose answer is lost is no success', async () => {
      const work = broken.transaction(async (session) => {
        await session.insert(counter, { id: 'unknown', value: 1 });
        // COMMIT still gets through; its answer does not.
        link.dropAnswers();
      }, SERIALIZABLE);
      await assert.rejects(work, hasCode('DATABASE_LOST'));
    });

    test('a transaction whose connection breaks before its commit is none, and is not run again', async () => {
      let runs = 0;
      const work = broken.transaction(async (session) => {
        runs += 1;
        await session.insert(counter, { id: 'lost', value: 1 });
        link.breakAll();
        await session.update(counter, 'lost', { value: 2 });
      }, SERIALIZABLE);
      await assert.rejects(work, hasCode('DATABASE_LOST'));
      assert.equal(runs, 1);
      assert.equal(await valueOf(whole.reader, 'lost'), Number.NaN);
    });

    test('connections that died while nobody used them are replaced', async () => {
      await Promise.all([valueOf(broken.reader, 'x'), valueOf(broken.reader, 'x')]);
      link.breakAll();
      assert.equal(await valueOf(broken.reader, 'x'), Number.NaN);
      link.breakAll();
      await broken.transaction((session) => session.insert(counter, { id: 'after', value: 1 }), SERIALIZABLE);
      assert.equal(await valueOf(whole.reader, 'after'), 1);
    });

    test('a deferred transaction whose connection had died runs anew, as a whole', async () => {
      await valueOf(broken.reader, 'x');
      link.breakAll();
      let runs = 0;
      const work = async (session: Session): Promise<void> => {
        runs += 1;
        await session.insert(counter, { id: 'deferred', value: runs });
      };
      await broken.transaction(work, { ...SERIALIZABLE, isDeferred: true });
      assert.equal(await valueOf(whole.reader, 'deferred'), runs);
      // MySQL's BEGIN is answered before the work goes on, PostgreSQL's travels with the first statement.
      assert.ok(kind === 'mysql' || runs > 1, 'the connection was still alive');
    });
  });
}
