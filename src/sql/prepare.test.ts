import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onEveryDatabase, schemasOf } from '../../test/support/databases.ts';
import { SekishoError } from '../lib/errors.ts';
import { TRUE } from '../schema/filter.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { Database } from './types.ts';

const FIELD = '{title: t, description: d, permission: [create, update]';
const AUTO = { autoMigrate: true, cascadeDelete: false };

/** A set of one schema `host` with these properties and more keys of its JSON schema. */
function hosts(properties: string, more = '', others = ''): SchemaSet {
  return schemasOf(`
schemas:
- id: host
  singular: host
  plural: hosts
  title: Host
  description: d
  schema:
    type: object
    properties:
      id: ${FIELD}, type: string}
${properties.replaceAll(/^/gm, '      ')}
${more.replaceAll(/^/gm, '    ')}
${others}
`);
}

const rack = `
- id: rack
  singular: rack
  plural: racks
  title: Rack
  description: d
  schema:
    type: object
    properties:
      id: ${FIELD}, type: string}
      first_id: ${FIELD}, type: [string, 'null'], relation: host}
`;
const FIRST = hosts(`name: ${FIELD}, type: string}\nold: ${FIELD}, type: [string, 'null']}`, 'required: [name]');

onEveryDatabase((subject) => {
  let connection: string;
  let database: Database;
  before(async () => {
    connection = await subject.createConnection();
    database = await subject.open(connection);
    await database.prepare(FIRST, AUTO);
    await database.transaction(
      (session) => session.insert(FIRST.resources.get('host') ?? assert.fail(), { id: 'h', name: 'n', old: 'kept' }),
      {
        isolation: 'SERIALIZABLE',
      },
    );
  });
  after(async () => database.close());

  const refusal = async (set: SchemaSet, options = AUTO): Promise<readonly string[]> => {
    try {
      await database.prepare(set, options);
    } catch (error) {
      assert.ok(error instanceof SekishoError && error.code === 'MIGRATION_NEEDED', String(error));
      return error.errors.map((item) => item.detail);
    }
    return assert.fail('was not refused');
  };

  test('what is missing is named when it may not be added', async () => {
    const set = hosts(
      `name: ${FIELD}, type: string}\nold: ${FIELD}, type: [string, 'null']}\nrole: ${FIELD}, type: string}`,
      'required: [name]',
      rack,
    );
    assert.deepEqual(await refusal(set, { ...AUTO, autoMigrate: false }), ['table hosts: add column role']);
  });

  test('columns are added with their defaults, one renamed, indexes and keys made; nothing is dropped', async () => {
    const properties = [
      `name: ${FIELD}, type: string, unique: true}`,
      `note: ${FIELD}, type: [string, 'null'], renamed_from: old}`,
      `role: ${FIELD}, type: string, default: "it's \\\\ new", indexed: true}`,
      `size: ${FIELD}, type: integer, default: 3}`,
      `up: ${FIELD}, type: boolean, default: true}`,
      `tags: ${FIELD}, type: array, default: [a]}`,
      `rack_id: ${FIELD}, type: [string, 'null'], relation: rack, relation_property: rack}`,
    ];
    const set = hosts(properties.join('\n'), 'required: [name]', rack);
    await database.prepare(set, AUTO);
    const host = set.resources.get('host') ?? assert.fail();
    const expected = { id: 'h', name: 'n', note: 'kept', role: "it's \\ new", size: 3, up: true, tags: ['a'], rack_id: null, rack: null };
    assert.deepEqual(await database.reader.fetch(host, 'h', { filter: TRUE }), expected);
    const insert = (row: Record<string, unknown>) =>
      database.transaction((session) => session.insert(host, row), { isolation: 'SERIALIZABLE' });
    await assert.rejects(insert({ id: 'i', name: 'n' }), { code: 'RESOURCE_CONFLICT' });
    await assert.rejects(insert({ id: 'i', name: 'o', rack_id: 'none' }), { code: 'RESOURCE_REFERENCE' });
    await database.prepare(set, { ...AUTO, autoMigrate: false });
    // A property that is gone leaves its column.
    await database.prepare(hosts(`name: ${FIELD}, type: string}`, 'required: [name]', rack), AUTO);
    await database.prepare(set, { ...AUTO, autoMigrate: false });
    assert.deepEqual(await database.reader.fetch(host, 'h', { filter: TRUE }), expected);
  });

  test('a column of another type is refused, with every reason, and nothing is changed', async () => {
    const set = hosts(
      `name: ${FIELD}, type: integer}\nnote: ${FIELD}, type: [string, 'null']}\nextra: ${FIELD}, type: [string, 'null']}`,
      'required: [name]',
      rack,
    );
    const [reason, ...others] = await refusal(set);
    assert.match(reason ?? '', /^table hosts: column name is .+, but the schema says integer$/);
    assert.deepEqual(others, []);
    assert.deepEqual(await refusal(hosts(`note: ${FIELD}, type: [string, 'null']}`, '', rack)), [
      'table hosts: column name must have a value, but the schema has no such property (any more)',
    ]);
  });

  test('a column may become nullable and a relation later, with rows and what refers to them', async () => {
    const elsewhere = await subject.open(await subject.createConnection());
    const before = hosts(
      `name: ${FIELD}, type: string, unique: true}\nrack_id: ${FIELD}, type: [string, 'null']}\ngone: ${FIELD}, type: [string, 'null']}`,
      'required: [name]',
      rack,
    );
    await elsewhere.prepare(before, AUTO);
    const type = (set: SchemaSet, id: string) => set.resources.get(id) ?? assert.fail();
    const write = (work: Parameters<Database['transaction']>[0]) => elsewhere.transaction(work, { isolation: 'SERIALIZABLE' });
    await write(async (session) => {
      await session.insert(type(before, 'host'), { id: 'h', name: 'n', rack_id: 'r', gone: 'kept' });
      await session.insert(type(before, 'rack'), { id: 'r', first_id: 'h' });
    });
    const properties = `name: ${FIELD}, type: [string, 'null'], unique: true}\nrack_id: ${FIELD}, type: [string, 'null'], relation: rack, on_delete_cascade: true}`;
    const later = hosts(properties, '', rack);
    await assert.rejects(elsewhere.prepare(later, { ...AUTO, autoMigrate: false }), { code: 'MIGRATION_NEEDED' });
    await elsewhere.prepare(later, AUTO);
    await elsewhere.prepare(later, { ...AUTO, autoMigrate: false });
    const host = type(later, 'host');
    assert.deepEqual(await elsewhere.reader.fetch(host, 'h', { filter: TRUE }), { id: 'h', name: 'n', rack_id: 'r' });
    assert.deepEqual(await elsewhere.reader.query('SELECT gone FROM hosts', []), [{ gone: 'kept' }]);
    await write((session) => session.insert(host, { id: 'i', name: null }));
    await assert.rejects(
      write((session) => session.insert(host, { id: 'j', name: 'n' })),
      { code: 'RESOURCE_CONFLICT' },
    );
    await assert.rejects(
      write((session) => session.insert(host, { id: 'j', rack_id: 'none' })),
      { code: 'RESOURCE_REFERENCE' },
    );
    await assert.rejects(
      write((session) => session.delete(host, 'h')),
      { code: 'RESOURCE_CONFLICT' },
    );
    await elsewhere.close();
  });

  test('tables are dropped first when that is asked for, though they refer to one another', async () => {
    const elsewhere = await subject.open(await subject.createConnection());
    const set = hosts(`rack_id: ${FIELD}, type: [string, 'null'], relation: rack}`, '', rack);
    const type = (id: string) => set.resources.get(id) ?? assert.fail();
    const fill = () =>
      elsewhere.transaction(
        async (session) => {
          await session.insert(type('host'), { id: 'h' });
          await session.insert(type('rack'), { id: 'r', first_id: 'h' });
          await session.update(type('host'), 'h', { rack_id: 'r' });
          await session.logEvent({ type: 'create', path: '/p', version: 1, body: '{}', syncPlain: false, syncProperty: '' });
        },
        { isolation: 'SERIALIZABLE' },
      );
    await elsewhere.prepare(set, { ...AUTO, dropFirst: true });
    await fill();
    await elsewhere.prepare(set, { ...AUTO, dropFirst: true });
    assert.equal(await elsewhere.reader.count(type('rack'), TRUE), 0);
    assert.equal((await elsewhere.reader.query('SELECT id FROM events', [])).length, 1);
    await fill();
    await assert.rejects(
      elsewhere.transaction((session) => session.insert(type('rack'), { id: 's', first_id: 'none' }), { isolation: 'SERIALIZABLE' }),
      { code: 'RESOURCE_REFERENCE' },
    );
    await elsewhere.close();
  });

  test('two nodes that prepare at once do not meet', async () => {
    const elsewhere = await subject.createConnection();
    const nodes = await Promise.all([subject.open(elsewhere), subject.open(elsewhere)]);
    const set = hosts(`name: ${FIELD}, type: string, unique: true}`, '', rack);
    await Promise.all(nodes.map((node) => node.prepare(set, AUTO)));
    await Promise.all(nodes.map((node) => node.close()));
  });
});
