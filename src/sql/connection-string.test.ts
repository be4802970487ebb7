import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMysqlConnection, parsePostgresConnection, parseSqliteConnection } from './connection-string.ts';

test('SQLite: paths, file names with options, URLs and memory', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['./data.db', './data.db'],
    ['gohan.db?_foreign_keys=1', 'gohan.db'],
    ['file:gohan.db?cache=shared&_foreign_keys=1', 'gohan.db'],
    ['file:///var/lib/a.db', '/var/lib/a.db'],
    ['sqlite:data.db', 'data.db'],
    ['sqlite3:///tmp/a.db', '/tmp/a.db'],
    [':memory:', ':memory:'],
    ['file::memory:?mode=memory&cache=shared', ':memory:'],
  ];
  for (const [text, path] of cases) assert.equal(parseSqliteConnection(text), path, text);
  assert.throws(() => parseSqliteConnection('file:?x=1'), { code: 'CONFIG_INVALID' });
});

test("MySQL: go-sql-driver's data source names and URLs", () => {
  const local = { host: '127.0.0.1', port: 3306 };
  const cases: readonly (readonly [string, object])[] = [
    [
      'root:gohan@tcp(db.example:3307)/gohan?charset=utf8&parseTime=true',
      { user: 'root', password: 'gohan', host: 'db.example', port: 3307, database: 'gohan' },
    ],
    ['root:p@ss/w:rd@tcp([::1]:3306)/gohan', { user: 'root', password: 'p@ss/w:rd', host: '::1', port: 3306, database: 'gohan' }],
    ['root:@/gohan', { user: 'root', password: '', ...local, database: 'gohan' }],
    ['root@unix(/run/mysqld.sock)/gohan', { user: 'root', socketPath: '/run/mysqld.sock', database: 'gohan' }],
    ['u@tcp/gohan?tls=true', { user: 'u', ...local, database: 'gohan', ssl: {} }],
    ['u@tcp(h)/gohan?tls=skip-verify', { user: 'u', host: 'h', port: 3306, database: 'gohan', ssl: { rejectUnauthorized: false } }],
    ['mysql://u:p%40ss@h:3310/name', { user: 'u', password: 'p@ss', host: 'h', port: 3310, database: 'name' }],
    ['mariadb://u@[::1]/name?socket=/s', { user: 'u', password: '', socketPath: '/s', database: 'name' }],
  ];
  for (const [text, address] of cases) assert.deepEqual(parseMysqlConnection(text), address, text);
  for (const text of ['gohan', 'secret@tcp(h', '']) {
    assert.throws(
      () => parseMysqlConnection(text),
      (error: Error) => 'code' in error && error.code === 'CONFIG_INVALID' && !error.message.includes('secret'),
    );
  }
});

test('PostgreSQL: URLs, and the words of libpq', () => {
  assert.equal(parsePostgresConnection('postgresql://u:p@h/d?sslmode=require'), 'postgresql://u:p@h/d?sslmode=require');
  assert.equal(
    parsePostgresConnection("host=h port=5433 user=u password='p w\\'s' dbname=d sslmode=disable"),
    "postgres://u:p%20w's@h:5433/d?sslmode=disable",
  );
  assert.equal(parsePostgresConnection('host=/run/postgresql dbname=d'), 'postgres://localhost/d?host=%2Frun%2Fpostgresql');
  assert.throws(() => parsePostgresConnection('nonsense'), { code: 'CONFIG_INVALID' });
});
