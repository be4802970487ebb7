import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryDatabase } from '../../test/support/databases.ts';
import { takeLatePort } from '../../test/support/late-port.ts';
import { until } from '../../test/support/until.ts';
import { SekishoError } from '../lib/errors.ts';
import { type Event, subscribe } from '../lib/event.ts';
import { type DatabaseOptions, openDatabase } from './open-database.ts';

const RETRY = { count: 0, intervalMs: 1 };

/** Collects the events of waiting while `work` runs. */
async function watched<T>(work: (events: readonly Event[]) => Promise<T>): Promise<T> {
  const events: Event[] = [];
  const unsubscribe = subscribe((event) => void (event.type.startsWith('database.') && events.push(event)));
  try {
    return await work(events);
  } finally {
    unsubscribe();
  }
}

onEveryDatabase((subject) => {
  if (subject.kind === 'sqlite3') return;
  const { kind } = subject;
  const options = (url: URL, maxWaitMs: number): DatabaseOptions => ({
    type: kind,
    connection: url.href,
    maxOpenConnections: 2,
    maxWaitMs,
    retry: RETRY,
  });

  test('a server that comes up late is waited for, and what is waited for is told', async () => {
    await watched(async (events) => {
      const late = await takeLatePort(new URL(await subject.createConnection()));
      const opening = openDatabase(options(late.url, 60_000));
      await until('it was asked twice in vain', () => events.filter((event) => event.type === 'database.waiting').length >= 2);
      await late.open();
      const database = await opening;
      assert.deepEqual(await database.reader.query('SELECT 1 AS one', []), [{ one: 1 }]);
      const [first] = events;
      assert.ok(first?.type === 'database.waiting' && first.place.endsWith(`127.0.0.1:${late.url.port}${late.url.pathname}`));
      assert.match(first.reason, /ECONNREFUSED/);
      assert.equal(events.at(-1)?.type, 'database.reached');
      await database.close();
      await late.close();
    });
  });

  test('the wait ends with its bound, and names the server', async () => {
    const late = await takeLatePort(new URL(await subject.createConnection()));
    await watched(async (events) => {
      await assert.rejects(openDatabase(options(late.url, 300)), {
        code: 'DATABASE_LOST',
        message: /127\.0\.0\.1:\d+\/\w+ does not answer/,
      });
      assert.ok(events.length >= 1);
    });
    await watched(async (events) => {
      await assert.rejects(openDatabase(options(late.url, 0)), { code: 'DATABASE_LOST' });
      assert.deepEqual(events, []);
    });
  });

  test('a database that is not there, and a user who may not, fail at once', async () => {
    const unknown = new URL(await subject.createConnection());
    unknown.pathname = '/nowhere';
    const stranger = new URL(await subject.createConnection());
    stranger.username = 'stranger';
    stranger.password = 'hunter2';
    await watched(async (events) => {
      for (const [url, said] of [
        [unknown, /nowhere/],
        [stranger, /stranger/],
      ] as const) {
        await assert.rejects(openDatabase(options(url, 60_000)), (error) => {
          assert.ok(error instanceof SekishoError && error.code === 'DATABASE_REFUSED', String(error));
          assert.match(error.message, /^(?:postgresql|mysql) 127\.0\.0\.1:\d+\/\w+ refused the connection: /);
          assert.match(error.message, said);
          assert.doesNotMatch(error.message, /hunter2/);
          return true;
        });
      }
      assert.deepEqual(events, []);
    });
  });
});
