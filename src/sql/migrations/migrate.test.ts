import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { onEveryDatabase, schemasOf } from '../../../test/support/databases.ts';
import { createTempFolder, type TempFolder } from '../../../test/support/temp.ts';
import { SekishoError } from '../../lib/errors.ts';
import { dialectOf } from '../dialect-of.ts';
import type { Database, Session } from '../types.ts';
import { parseGooseFile, toGooseFile } from './goose-file.ts';
import { type MigrateCommand, migrate, migrationStatus, migrationVersion } from './migrate.ts';
import { createMigration, initMigration, planMigration } from './write-migration.ts';

const FIRST = `-- +goose Up
-- a comment
CREATE TABLE pets (id varchar(32) NOT NULL PRIMARY KEY,
  name varchar(32));
INSERT INTO pets (id, name) VALUES ('1', 'Rex; the dog');
CREATE INDEX pets_name_idx ON pets (name);

-- +goose Down
DROP TABLE pets;
`;
const SECOND = `-- +goose Up
ALTER TABLE pets ADD COLUMN age int;
-- +goose StatementBegin
UPDATE pets SET age = 3,
  name = 'Rex?;
';
-- +goose StatementEnd
CREATE TABLE owners (id varchar(32) NOT NULL PRIMARY KEY);
-- +goose Down
DROP TABLE owners;
ALTER TABLE pets DROP COLUMN age;
`;

describe('the format of goose', () => {
  test('statements end with a line that ends in ;, or with StatementEnd', () => {
    const { up, down, version, isTransactional } = parseGooseFile('20240102030405_second.sql', SECOND);
    assert.deepEqual([version, isTransactional, up.length, down.length], [20240102030405, true, 3, 2]);
    assert.equal(up[1], "UPDATE pets SET age = 3,\n  name = 'Rex?;\n';");
    assert.equal(parseGooseFile('1_x.sql', '-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1; -- one\n').isTransactional, false);
    assert.deepEqual(parseGooseFile('1_x.sql', '-- +goose Up\nSELECT 1; -- one\n').up, ['SELECT 1; -- one']);
    const written = parseGooseFile('1_x.sql', toGooseFile(['SELECT 1', "SELECT ';\n'"], ['SELECT 2']));
    assert.deepEqual([written.up, written.down], [['SELECT 1;', "SELECT ';\n';"], ['SELECT 2;']]);
  });

  test('what breaks it is told with its line', () => {
    const cases: readonly (readonly [string, string, RegExp])[] = [
      ['x.sql', '', /x\.sql:1: its name must be/],
      ['1_x.sql', 'SELECT 1;', /1_x\.sql:1: a statement stands before/],
      ['1_x.sql', '-- +goose Up\nSELECT 1', /:2: the last statement has no end/],
      ['1_x.sql', '-- +goose Up\nSELECT 1\n-- +goose Down', /:3: the statement before it has no end/],
      ['1_x.sql', '-- +goose Up\n-- +goose StatementEnd', /:2: StatementEnd has no StatementBegin/],
      ['1_x.sql', '-- +goose Upp', /:1: "\+goose UPP" is none of/],
      ['1_x.sql', '', /:1: it has no "-- \+goose Up"/],
    ];
    for (const [file, text, message] of cases) assert.throws(() => parseGooseFile(file, text), { code: 'MIGRATION_INVALID', message });
  });
});

/** The database, dying right after its `n`th statement: what a transaction did until then is undone where the database can. */
function dieAfter(database: Database, n: number): Database {
  let count = 0;
  const dying = (session: Session): Session => ({
    ...session,
    async query(sql, parameters) {
      if (count >= n) throw new Error('dead');
      const rows = await session.query(sql, parameters);
      count += 1;
      if (count === n) throw new Error('dead');
      return rows;
    },
  });
  return {
    ...database,
    kind: database.kind,
    reader: dying(database.reader),
    transaction: (work, options) => database.transaction((session) => work(dying(session)), options),
  };
}

onEveryDatabase((subject) => {
  let folder: TempFolder;
  before(() => {
    folder = createTempFolder();
    folder.write('20240101000000_first.sql', FIRST);
    folder.write('20240102030405_second.sql', SECOND);
    folder.write('README.md', 'no migration');
  });
  after(() => folder.remove());

  const withDatabase = async <T>(work: (database: Database) => Promise<T>): Promise<T> => {
    const database = await subject.open(await subject.createConnection());
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  };
  const rows = (database: Database) => database.reader.query('SELECT id, name, age FROM pets', []);

  test('up, down, up-by-one and redo; status and version tell where it stands', async () => {
    await withDatabase(async (database) => {
      const run = (command: MigrateCommand, to?: number) =>
        migrate({ database, dir: folder.path, command, ...(to !== undefined && { to }) });
      assert.equal(await migrationVersion(database), 0);
      assert.equal(await run('up-by-one'), 1);
      assert.equal(await migrationVersion(database), 20240101000000);
      assert.equal(await run('up'), 1);
      assert.equal(await run('up'), 0);
      assert.deepEqual(await rows(database), [{ id: '1', name: 'Rex?;\n', age: 3 }]);
      assert.equal(await run('redo'), 2);
      assert.equal(
        (await migrationStatus(database, folder.path)).every((row) => row.appliedAt !== undefined),
        true,
      );
      assert.equal(await run('down'), 1);
      assert.deepEqual(
        (await migrationStatus(database, folder.path)).map((row) => row.appliedAt === undefined),
        [false, true],
      );
      assert.equal(await run('down', 0), 1);
      assert.equal(await run('down'), 0);
      assert.equal(await migrationVersion(database), 0);
    });
  });

  test('a statement that is refused is named; corrected, the same command goes on', async () => {
    await withDatabase(async (database) => {
      using own = createTempFolder();
      own.write('1_bad.sql', '-- +goose Up\nCREATE TABLE one (id int);\nCREATE TABEL two (id int);\n-- +goose Down\nDROP TABLE one;\n');
      const up = () => migrate({ database, dir: own.path, command: 'up' });
      await assert.rejects(
        up(),
        (error) => error instanceof SekishoError && error.code === 'MIGRATION_FAILED' && /1_bad\.sql: up statement 2: /.test(error.message),
      );
      assert.equal(await migrationVersion(database), 0);
      own.write('1_bad.sql', '-- +goose Up\nCREATE TABLE one (id int);\nCREATE TABLE two (id int);\n-- +goose Down\nDROP TABLE one;\n');
      assert.equal(await up(), 1);
      assert.deepEqual(await database.reader.query('SELECT id FROM two', []), []);
    });
  });

  test('killed after any statement, the same command converges', async () => {
    let deaths = 0;
    for (let n = 1, isDead = true; isDead; n += 1) {
      isDead = await withDatabase(async (database) => {
        const died = await migrate({ database: dieAfter(database, n), dir: folder.path, command: 'up' }).then(
          () => false,
          () => true,
        );
        if (died) deaths += 1;
        await migrate({ database, dir: folder.path, command: 'up' });
        assert.deepEqual(await rows(database), [{ id: '1', name: 'Rex?;\n', age: 3 }], `killed after statement ${n}`);
        assert.equal(await migrationVersion(database), 20240102030405);
        return died;
      });
    }
    assert.ok(deaths > 10, `${deaths} deaths`);
  });

  test('nodes that migrate at once carry out each migration once', async () => {
    const connection = await subject.createConnection();
    const nodes = [await subject.open(connection), await subject.open(connection)] as const;
    const counts = await Promise.all(nodes.map((database) => migrate({ database, dir: folder.path, command: 'up' })));
    assert.equal(
      counts.reduce((sum, count) => sum + count),
      2,
      counts.join(),
    );
    assert.equal((await rows(nodes[0])).length, 1);
    await Promise.all(nodes.map((node) => node.close()));
  });

  test('init and plan write migrations that make the tables of the schemas, and take them back', async () => {
    const set = (more: string) =>
      schemasOf(`
schemas:
- id: pet
  singular: pet
  plural: pets
  title: Pet
  description: d
  schema:
    type: object
    properties:
      id: {title: t, description: d, type: string}
      mate_id: {title: t, description: d, type: [string, 'null'], relation: pet}
${more}
`);
    await withDatabase(async (database) => {
      using own = createTempFolder();
      const dir = own.path;
      const [schemas, options] = [set(''), { cascadeDelete: false }];
      initMigration({ dir, name: 'init schema', now: new Date('2024-01-01') }, { ...options, dialect: await dialectOf(database), schemas });
      assert.equal(await migrate({ database, dir, command: 'up' }), 1);
      assert.deepEqual((await planMigration({ ...options, database, schemas, allowDestructive: false })).steps, []);
      const wider = set("      tag: {title: t, description: d, type: string, default: 'a;', indexed: true}");
      const plan = await planMigration({ ...options, database, schemas: wider, allowDestructive: false });
      assert.deepEqual(
        plan.steps.map((step) => step.what),
        ['table pets: add column tag', 'table pets: index pets_tag_idx on tag'],
      );
      own.write('20240102000000_tag.sql', plan.text);
      assert.equal(await migrate({ database, dir, command: 'redo' }), 2);
      assert.equal(await migrate({ database, dir, command: 'up' }), 1);
      assert.deepEqual((await planMigration({ ...options, database, schemas: wider, allowDestructive: false })).steps, []);
      const narrower = await planMigration({ ...options, database, schemas, allowDestructive: true });
      assert.deepEqual(
        narrower.steps.map((step) => step.what),
        [...(subject.kind === 'postgresql' ? [] : ['table pets: drop index pets_tag_idx']), 'table pets: drop column tag'],
      );
      assert.equal(await migrate({ database, dir, command: 'down', to: 0 }), 2);
    });
  });

  test('create writes an empty migration', () => {
    using own = createTempFolder();
    const path = createMigration({ dir: own.path, name: 'add ports!', now: new Date('2024-05-06T07:08:09Z') });
    assert.match(path, /20240506070809_add_ports\.sql$/);
    assert.deepEqual(parseGooseFile('1_x.sql', readFileSync(path, 'utf8')).up, []);
    assert.throws(() => createMigration({ dir: own.path, name: '!' }), { code: 'MIGRATION_INVALID' });
  });
});
