import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createTempFolder } from '../../test/support/temp.ts';
import { SekishoError } from '../lib/errors.ts';
import { openSqliteConnection } from './sqlite-connection.ts';
import { createSqliteWriter } from './sqlite-writer.ts';

const OTHER = { operation: 'insert' } as const;

/** A file with a table whose keys are checked at COMMIT, a writer of it, and how often it committed. */
function openFile() {
  const folder = createTempFolder();
  const path = `${folder.path}/a.db`;
  const connection = openSqliteConnection(path, 'writer', true);
  connection.exec('CREATE TABLE a (id integer PRIMARY KEY, other integer REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)');
  let commits = 0;
  const counted = Object.create(connection, {
    exec: {
      value: (text: string) => {
        connection.exec(text);
        if (text === 'COMMIT') commits += 1;
      },
    },
  }) as typeof connection;
  const writer = createSqliteWriter(counted);
  const insert = (id: number, other: number | null = null, isHolding?: () => boolean) =>
    writer.run((executor) => executor.change('INSERT INTO a VALUES (?, ?)', [id, other], OTHER), {
      signal: undefined,
      isAlone: false,
      isHolding,
    });
  const ids = () => connection.rows('SELECT id FROM a ORDER BY id', [], OTHER);
  return { path, writer, insert, ids, commits: () => commits, [Symbol.dispose]: () => (connection.close(), folder.remove()) };
}

test('transactions of one turn share a commit', async () => {
  using file = openFile();
  await Promise.all(Array.from({ length: 50 }, (_, id) => file.insert(id)));
  assert.ok(file.commits() < 5, `${file.commits()} commits`);
  assert.equal((await file.ids()).length, 50);
});

test('one that holds what others wait for is committed with those before it at most', async () => {
  using file = openFile();
  let isHeld = false;
  const begins = () => false;
  const ends = () => isHeld;
  const atEnd = file.insert(1, null, ends);
  isHeld = true;
  const atBegin = file.insert(2, null, ends);
  isHeld = true;
  await Promise.all([file.insert(0, null, begins), atEnd, atBegin, file.insert(3, null, begins)]);
  assert.equal(file.commits(), 3);
  assert.equal((await file.ids()).length, 4);
});

test('one that fails at the commit takes no other along', async () => {
  using file = openFile();
  const results = await Promise.allSettled([file.insert(1), file.insert(2, 99), file.insert(3, 1)]);
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(await file.ids(), [[1], [3]]);
});

test('a lock of another process is waited for without blocking this one', async () => {
  using file = openFile();
  const other = new DatabaseSync(file.path);
  other.exec('BEGIN IMMEDIATE; INSERT INTO a VALUES (7, NULL)');
  const inserted = file.insert(8);
  let turns = 0;
  for (; turns < 20; turns += 1) await new Promise(setImmediate);
  other.exec('COMMIT');
  other.close();
  await inserted;
  assert.equal(turns, 20);
  assert.deepEqual(await file.ids(), [[7], [8]]);
});

test('a closed writer finishes what was begun and refuses the rest', async () => {
  using file = openFile();
  const begun = file.insert(1);
  await file.writer.close();
  await begun;
  await assert.rejects(file.insert(2), (error) => error instanceof SekishoError && error.code === 'DATABASE_LOST');
  assert.deepEqual(await file.ids(), [[1]]);
});
