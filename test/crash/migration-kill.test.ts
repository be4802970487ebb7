import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { SchemaSet } from '../../src/schema/types.ts';
import { dialectOf } from '../../src/sql/dialect-of.ts';
import { migrate, migrationVersion } from '../../src/sql/migrations/migrate.ts';
import type { Database } from '../../src/sql/types.ts';
import { type CountingLink, startCountingLink } from '../support/counting-link.ts';
import { type DatabaseSubject, onEveryDatabase, schemasOf } from '../support/databases.ts';
import { property, schema } from '../support/models.ts';
import { createTempFolder, type TempFolder } from '../support/temp.ts';

const BEFORE = `schemas:\n${schema('host', [
  property('name', 'string'),
  property('old', "[string, 'null']"),
  property('rack_id', "[string, 'null']"),
])}${schema('shelf', [property('label', "[string, 'null']")])}`;
/** A table that is renamed; another column, one renamed, one that gets a unique index, one that gets a foreign key, and two tables that refer to one another. */
const AFTER = `schemas:\n${schema('host', [
  property('name', "[string, 'null']", 'unique: true'),
  property('note', "[string, 'null']", 'renamed_from: old, indexed: true'),
  property('rack_id', "[string, 'null']", 'relation: rack'),
  property('size', 'integer', 'default: 3'),
])}${schema('rack', [property('first_id', "[string, 'null']", 'relation: host'), property('twin_id', "[string, 'null']", 'relation: rack')])}${schema(
  'board',
  [property('label', "[string, 'null']")],
  ['renamed_from: shelfs'],
)}`;

const FIRST = `-- +goose Up
CREATE TABLE pets (id varchar(32) NOT NULL PRIMARY KEY, visits int NOT NULL);
INSERT INTO pets (id, visits) VALUES ('1', 1);
UPDATE pets SET visits = visits + 1;
CREATE INDEX pets_visits_idx ON pets (visits);
-- +goose Down
DROP TABLE pets;
`;
const SECOND = `-- +goose Up
ALTER TABLE pets ADD COLUMN name varchar(32);
UPDATE pets SET visits = visits + 1, name = 'Rex';
CREATE TABLE owners (id varchar(32) NOT NULL PRIMARY KEY);
-- +goose Down
DROP TABLE owners;
ALTER TABLE pets DROP COLUMN name;
`;

/** Everything that a node must find the same, whether or not one before it was killed. */
interface Outcome {
  readonly made: unknown;
  readonly tables: unknown;
  readonly rows: unknown;
}

async function withDatabase<T>(subject: DatabaseSubject, connection: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await subject.open(connection, { count: 3, intervalMs: 5 });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function readOutcome(database: Database, query: string): Promise<Outcome> {
  const dialect = await dialectOf(database);
  const tables = await dialect.readTables((sql, parameters) => database.reader.query(sql, parameters));
  const made = await database.reader.query('SELECT name FROM sekisho_tables ORDER BY name', []).catch(() => []);
  const plain = [...tables].map(([name, { columns, indexes, foreignKeys }]) => ({
    name,
    columns: [...columns.values()],
    indexes: [...indexes],
    foreignKeys,
  }));
  return { made, tables: plain.toSorted((a, b) => (a.name < b.name ? -1 : 1)), rows: await database.reader.query(query, []) };
}

onEveryDatabase((subject) => {
  let folder: TempFolder;
  let link: CountingLink | undefined;
  before(() => {
    folder = createTempFolder();
    folder.write('after.yaml', AFTER);
    folder.write('sql/20240101000000_first.sql', FIRST);
    folder.write('sql/20240102000000_second.sql', SECOND);
  });
  after(async () => {
    await link?.close();
    folder.remove();
  });

  /** Runs a node that is killed when its `count`th statement was carried out; gives whether it was. */
  const killAfter = async (count: number, connection: string, work: 'prepare' | 'up', path: string): Promise<boolean> => {
    let through = connection;
    if (subject.kind !== 'sqlite3') {
      const url = new URL(connection);
      link ??= await startCountingLink(subject.kind, Number(url.port));
      url.port = String(link.port);
      through = url.href;
    }
    const words = [subject.kind, through, work, path, ...(subject.kind === 'sqlite3' ? [String(count)] : [])];
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'migrating-node.ts'), ...words],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    link?.cutAt(count, () => child.kill('SIGKILL'));
    const [code, signal] = await once(child, 'exit');
    assert.ok(code === 0 || signal === 'SIGKILL', `the node ended with ${String(code)}`);
    return signal === 'SIGKILL';
  };

  test('a start that is killed after any statement leaves tables that the next start brings to the same end', async () => {
    const [first, second] = [schemasOf(BEFORE), schemasOf(AFTER)];
    const prepare = (database: Database, set: SchemaSet) => database.prepare(set, { autoMigrate: true, cascadeDelete: false });
    const begin = async (): Promise<string> => {
      const connection = await subject.createConnection();
      await withDatabase(subject, connection, async (database) => {
        await prepare(database, first);
        const host = first.resources.get('host') ?? assert.fail();
        await database.transaction((session) => session.insert(host, { id: 'h', name: 'n', old: 'kept' }), { isolation: 'SERIALIZABLE' });
      });
      return connection;
    };
    const finish = (connection: string) =>
      withDatabase(subject, connection, async (database) => {
        await prepare(database, second);
        return await readOutcome(database, 'SELECT id, name, note, rack_id, size FROM hosts');
      });
    const wanted = await finish(await begin());
    assert.deepEqual(wanted.rows, [{ id: 'h', name: 'n', note: 'kept', rack_id: null, size: 3 }]);
    let deaths = 0;
    for (let isKilled = true; isKilled; ) {
      const connection = await begin();
      isKilled = await killAfter(deaths + 1, connection, 'prepare', `${folder.path}/after.yaml`);
      if (isKilled) deaths += 1;
      assert.deepEqual(await finish(connection), wanted, `killed after statement ${deaths}`);
    }
    assert.ok(deaths > 12, `${deaths} deaths`);
  });

  test('migrations that are killed after any statement are brought to the same end, each statement once', async () => {
    const dir = `${folder.path}/sql`;
    const finish = (connection: string) =>
      withDatabase(subject, connection, async (database) => {
        await migrate({ database, dir, command: 'up' });
        assert.equal(await migrationVersion(database), 20240102000000);
        return await readOutcome(database, 'SELECT id, visits, name FROM pets');
      });
    const wanted = await finish(await subject.createConnection());
    assert.deepEqual(wanted.rows, [{ id: '1', visits: 3, name: 'Rex' }]);
    let deaths = 0;
    for (let isKilled = true; isKilled; ) {
      const connection = await subject.createConnection();
      isKilled = await killAfter(deaths + 1, connection, 'up', dir);
      if (isKilled) deaths += 1;
      assert.deepEqual(await finish(connection), wanted, `killed after statement ${deaths}`);
    }
    assert.ok(deaths > 12, `${deaths} deaths`);
  });
});
