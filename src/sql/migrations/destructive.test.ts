import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onEveryDatabase, schemasOf } from '../../../test/support/databases.ts';
import { createTempFolder, type TempFolder } from '../../../test/support/temp.ts';
import { TRUE } from '../../schema/filter.ts';
import type { SchemaSet } from '../../schema/types.ts';
import type { Database, Resource } from '../types.ts';
import { migrate } from './migrate.ts';
import { createMigration, planMigration } from './write-migration.ts';

const FIELD = '{title: t, description: d, permission: [create, update]';
const NULLABLE = "type: [string, 'null']";
const AUTO = { autoMigrate: true, cascadeDelete: false };

/** A schema with these properties beside its id; `more` are further keys of it. */
function entry(id: string, properties: Readonly<Record<string, string>>, more = ''): string {
  const lines = Object.entries(properties).map(([name, words]) => `      ${name}: ${FIELD}, ${words}}\n`);
  return `
- id: ${id}
  singular: ${id}
  plural: ${id}s
  title: t
  description: d
${more}
  schema:
    type: object
    properties:
      id: ${FIELD}, type: string}
${lines.join('')}`;
}

const set = (...entries: readonly string[]): SchemaSet => schemasOf(`schemas:${entries.join('')}`);
const typeOf = (schemas: SchemaSet, id: string) => schemas.resources.get(id) ?? assert.fail(id);

onEveryDatabase((subject) => {
  let database: Database;
  let folder: TempFolder;
  before(async () => {
    folder = createTempFolder();
  });
  after(() => folder.remove());

  const begin = async (schemas: SchemaSet): Promise<void> => {
    database = await subject.open(await subject.createConnection());
    await database.prepare(schemas, AUTO);
  };
  const plan = (schemas: SchemaSet, allowDestructive: boolean) =>
    planMigration({ database, schemas, cascadeDelete: false, allowDestructive });
  const told = async (schemas: SchemaSet, allowDestructive = true): Promise<readonly string[]> =>
    (await plan(schemas, allowDestructive)).steps.map(({ what }) => what);
  const insert = (schemas: SchemaSet, id: string, row: Resource) =>
    database.transaction((session) => session.insert(typeOf(schemas, id), row), { isolation: 'SERIALIZABLE' });
  let version = 0;
  /** Plans with --allow-destructive and carries the plan out as a migration. */
  const apply = async (schemas: SchemaSet): Promise<void> => {
    const { up, down } = await plan(schemas, true);
    version += 1;
    const dir = `${folder.path}/${version}`;
    createMigration({ dir, name: 'narrow' }, up, down);
    assert.equal(await migrate({ database, dir, command: 'up' }), 1);
  };
  const record = async () => (await database.reader.query('SELECT name FROM sekisho_tables ORDER BY name', [])).map(({ name }) => name);

  test('columns go only when it is allowed, with their indexes', async () => {
    const before = set(entry('pet', { name: NULLABLE, tag: `${NULLABLE}, indexed: true`, code: `${NULLABLE}, unique: true` }));
    const later = set(entry('pet', { name: NULLABLE }));
    await begin(before);
    await insert(before, 'pet', { id: '1', name: 'Rex', tag: 't', code: 'c' });
    assert.deepEqual(await told(later, false), []);
    const steps = await told(later);
    assert.ok(steps.includes('table pets: drop column tag') && steps.includes('table pets: drop column code'), steps.join());
    await apply(later);
    assert.deepEqual(await told(later), []);
    assert.deepEqual(await database.reader.query('SELECT * FROM pets', []), [{ id: '1', name: 'Rex' }]);
    await database.close();
  });

  test('a type or NOT NULL is narrowed only when it is allowed, and not over values that do not fit', async () => {
    const before = set(entry('pet', { age: NULLABLE, name: NULLABLE }));
    const later = set(entry('pet', { age: "type: [integer, 'null']", name: 'type: string, default: none' }));
    await begin(before);
    await insert(before, 'pet', { id: '1', age: '7', name: 'Rex' });
    const careful = await plan(later, false);
    assert.deepEqual(careful.steps, []);
    assert.match(careful.problems.join(), /^table pets: column age is .+, but the schema says integer$/);
    const allowed = await plan(later, true);
    if (subject.kind === 'sqlite3') {
      assert.deepEqual([allowed.steps, allowed.problems], [[], careful.problems]);
    } else {
      assert.match(
        allowed.steps.map(({ what }) => what).join('; '),
        /^table pets: column age becomes bigint, from .+; table pets: column name may not be null any more$/,
      );
      assert.deepEqual(allowed.problems, []);
      await insert(before, 'pet', { id: '2', age: 'old', name: 'Max' });
      await assert.rejects(apply(later), { code: 'MIGRATION_FAILED' });
      assert.equal((await database.reader.fetch(typeOf(before, 'pet'), '1', { filter: TRUE }))?.['age'], '7');
      await database.reader.query('SELECT 1', []);
      await database.transaction((session) => session.delete(typeOf(before, 'pet'), '2'), { isolation: 'SERIALIZABLE' });
      await apply(later);
      await database.prepare(later, { ...AUTO, autoMigrate: false });
      assert.deepEqual(await database.reader.fetch(typeOf(later, 'pet'), '1', { filter: TRUE }), { id: '1', age: 7, name: 'Rex' });
      assert.deepEqual(await told(later), []);
      await assert.rejects(insert(later, 'pet', { id: '3', name: null }), { code: 'RESOURCE_INVALID' });
    }
    await database.close();
  });

  test('constraints that the schema has no more go, and lookups keep their index', async () => {
    const before = set(
      entry('owner', { name: NULLABLE }),
      entry('pet', { owner_id: `${NULLABLE}, relation: owner, unique: true`, home_id: `${NULLABLE}, relation: owner` }),
    );
    const later = set(
      entry('owner', { name: NULLABLE }),
      entry('pet', { owner_id: `${NULLABLE}, relation: owner`, home_id: `${NULLABLE}, indexed: true` }),
    );
    await begin(before);
    await insert(before, 'owner', { id: 'o' });
    assert.deepEqual(await told(later, false), []);
    const steps = await told(later);
    assert.ok(steps.includes('table pets: drop unique index pets_owner_id_key'), steps.join());
    assert.ok(steps.includes('table pets: index pets_owner_id_idx on owner_id'), steps.join());
    await apply(later);
    assert.deepEqual(await told(later), []);
    await database.prepare(later, AUTO);
    for (const id of ['1', '2']) await insert(later, 'pet', { id, owner_id: 'o' });
    await assert.rejects(insert(later, 'pet', { id: '3', owner_id: 'nobody' }), { code: 'RESOURCE_REFERENCE' });
    // SQLite can't take a foreign key away.
    const free = insert(later, 'pet', { id: '4', home_id: 'nowhere' });
    await (subject.kind === 'sqlite3' ? assert.rejects(free) : free);
    const problems =
      subject.kind === 'sqlite3' ? ['table pets: column home_id has a foreign key to owners, and SQLite takes none away; it stays'] : [];
    assert.deepEqual((await plan(later, true)).problems, problems);
    await database.close();
  });

  test('tables of schemas that are gone are dropped when it is allowed, and only those that were made here', async () => {
    const owner = entry('owner', { name: NULLABLE, best_id: `${NULLABLE}, relation: owner` });
    const before = set(
      owner,
      entry('pet', { owner_id: `${NULLABLE}, relation: owner`, toy_id: `${NULLABLE}, relation: toy` }),
      entry('toy', { first_id: `${NULLABLE}, relation: maker` }),
      entry('maker', { name: NULLABLE }),
    );
    await begin(before);
    await database.transaction((session) => session.query('CREATE TABLE audit (id int)', []), { isolation: 'SERIALIZABLE' });
    assert.deepEqual(await record(), ['makers', 'owners', 'pets', 'toys']);
    await insert(before, 'maker', { id: 'm' });
    await insert(before, 'toy', { id: 't', first_id: 'm' });
    await insert(before, 'owner', { id: 'o', best_id: 'o' });
    const later = set(owner);
    assert.deepEqual(await told(later, false), []);
    assert.deepEqual(await told(later), [
      'drop table pets, which no schema has any more, with its rows',
      'drop table toys, which no schema has any more, with its rows',
      'drop table makers, which no schema has any more, with its rows',
    ]);
    await apply(later);
    assert.deepEqual(await told(later), []);
    assert.deepEqual(await database.reader.query('SELECT id FROM audit', []), []);
    assert.deepEqual(await database.reader.query('SELECT id FROM owners', []), [{ id: 'o' }]);
    await assert.rejects(database.reader.query('SELECT id FROM toys', []), { code: 'DATABASE_FAILED' });
    assert.ok(!(await record()).includes('toys'));
    await database.close();
  });

  test('a table that others refer to stays where the reference can not be taken away, and that is told', async () => {
    const before = set(entry('toy', {}), entry('pet', { toy_id: `${NULLABLE}, relation: toy` }));
    const later = set(entry('pet', { toy_id: NULLABLE }));
    await begin(before);
    const { steps, problems } = await plan(later, true);
    if (subject.kind === 'sqlite3') {
      assert.deepEqual(
        [steps, problems],
        [
          [],
          [
            'table pets: column toy_id has a foreign key to toys, and SQLite takes none away; it stays',
            'table toys has no schema any more, but pets refers to it; it stays',
          ],
        ],
      );
    } else {
      await apply(later);
      assert.deepEqual(await told(later), []);
      await database.prepare(later, AUTO);
      await insert(later, 'pet', { id: '1', toy_id: 'any' });
    }
    await database.close();
  });

  test('a schema and its properties are renamed with their rows, at start and by a migration, and stay ours', async () => {
    const before = set(entry('maker', {}), entry('pet', { name: `${NULLABLE}, unique: true`, maker_id: `${NULLABLE}, relation: maker` }));
    const later = set(
      entry('brand', {}, '  renamed_from: makers'),
      entry(
        'animal',
        { title: `${NULLABLE}, unique: true, renamed_from: name`, brand_id: `${NULLABLE}, relation: brand, renamed_from: maker_id` },
        '  renamed_from: pets',
      ),
    );
    const start = async (): Promise<void> => {
      await begin(before);
      await insert(before, 'maker', { id: 'm' });
      await insert(before, 'pet', { id: '1', name: 'Rex', maker_id: 'm' });
    };
    const check = async (): Promise<void> => {
      const row = await database.reader.fetch(typeOf(later, 'animal'), '1', { filter: TRUE });
      assert.deepEqual(row, { id: '1', title: 'Rex', brand_id: 'm' });
      await assert.rejects(insert(later, 'animal', { id: '2', title: 'Rex' }), { code: 'RESOURCE_CONFLICT' });
      await assert.rejects(insert(later, 'animal', { id: '2', brand_id: 'none' }), { code: 'RESOURCE_REFERENCE' });
      assert.deepEqual(await told(later), []);
      const names = await record();
      assert.ok(names.includes('animals') && names.includes('brands') && !names.includes('pets') && !names.includes('makers'));
    };
    await start();
    await database.prepare(later, AUTO);
    await check();
    await database.close();

    await start();
    assert.deepEqual(await told(later, false), [
      'rename table makers to brands',
      'rename table pets to animals',
      'table animals: rename column maker_id to brand_id',
      'table animals: rename column name to title',
    ]);
    await apply(later);
    await database.prepare(later, { ...AUTO, autoMigrate: false });
    await check();
    assert.equal(await migrate({ database, dir: `${folder.path}/${version}`, command: 'down' }), 1);
    await database.prepare(before, { ...AUTO, autoMigrate: false });
    assert.equal((await database.reader.fetch(typeOf(before, 'pet'), '1', { filter: TRUE }))?.['name'], 'Rex');
    await database.close();
  });
});
