import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onEveryDatabase, schemasOf } from '../../test/support/databases.ts';
import { SekishoError } from '../lib/errors.ts';
import { TRUE } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Database, Resource, Selection } from './types.ts';

const FIELD = '{title: t, description: d, permission: [create, update]';
const SCHEMAS = schemasOf(`
schemas:
- id: network
  singular: network
  plural: networks
  title: Network
  description: d
  schema:
    type: object
    propertiesOrder: [id, name, mtu, rate, up, tags, owner_id]
    properties:
      id: ${FIELD}, type: string}
      name: ${FIELD}, type: string, unique: true}
      mtu: ${FIELD}, type: [integer, 'null']}
      rate: ${FIELD}, type: [number, 'null']}
      up: ${FIELD}, type: [boolean, 'null']}
      tags: ${FIELD}, type: [array, 'null'], items: {type: string}}
      settings: ${FIELD}, type: [object, 'null']}
      note: ${FIELD}, type: [string, 'null']}
      owner_id: ${FIELD}, type: [string, 'null'], relation: owner, relation_property: owner}
    required: [name]
    indexes:
      by_mtu: {columns: [mtu, rate], type: ''}
- id: owner
  singular: owner
  plural: owners
  title: Owner
  description: d
  schema:
    type: object
    properties:
      id: ${FIELD}, type: string}
      label: ${FIELD}, type: [string, 'null']}
      boss_id: ${FIELD}, type: [string, 'null'], relation: owner, relation_property: boss}
- id: port
  singular: port
  plural: ports
  parent: network
  on_parent_delete_cascade: true
  title: Port
  description: d
  metadata: {state_versioning: true}
  schema:
    type: object
    properties:
      id: ${FIELD}, type: integer}
      network_id: {title: t, description: d, type: string, relation: network, relation_property: network, permission: [create]}
      peer_id: ${FIELD}, type: [integer, 'null'], relation: port, relation_property: peer, on_delete_cascade: true}
`);
const type = (id: string): ResourceType => SCHEMAS.resources.get(id) ?? assert.fail(`no schema ${id}`);
const network = type('network');
const owner = type('owner');
const port = type('port');
const ALL: Selection = { filter: TRUE };
const EMPTY = { name: null, mtu: null, rate: null, up: null, tags: null, settings: null, note: null, owner_id: null };

function fails(code: string, pointer?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SekishoError, String(error));
    assert.equal(error.code, code, error.message);
    if (pointer !== undefined)
      assert.deepEqual(
        error.errors.map((item) => item.pointer),
        [pointer],
      );
    return true;
  };
}

onEveryDatabase((subject) => {
  let database: Database;
  const write = (work: Parameters<Database['transaction']>[0]) => database.transaction(work, { isolation: 'SERIALIZABLE' });
  const insert = (of: ResourceType, ...rows: readonly Resource[]) =>
    write(async (session) => {
      for (const row of rows) await session.insert(of, row);
    });
  const wipe = () =>
    write(async (session) => {
      // MySQL checks the keys of each row as it goes.
      await session.query('UPDATE owners SET boss_id = NULL', []);
      for (const table of ['ports', 'networks', 'owners', 'events']) await session.query(`DELETE FROM ${table}`, []);
    });
  before(async () => {
    database = await subject.open(await subject.createConnection(), { count: 5, intervalMs: 5 });
    await database.prepare(SCHEMAS, { autoMigrate: true, cascadeDelete: false });
  });
  after(async () => database.close());

  test('values of every type come back as they were put', async () => {
    const rows: readonly Resource[] = [
      {
        ...EMPTY,
        id: 'a',
        name: 'ä "quoted" \\ \n\t 😀',
        mtu: 9007199254740991,
        rate: 0.1 + 0.2,
        up: true,
        tags: ['x', '"', '\\'],
        settings: { b: 1, a: { c: null } },
        note: '',
      },
      { ...EMPTY, id: 'b', name: "'", mtu: '9007199254740993', rate: -1e300, up: false, tags: [], settings: {}, note: '  ' },
      { ...EMPTY, id: 'c', name: 'null', mtu: '-9223372036854775808', rate: 5 },
    ];
    await insert(network, ...rows);
    const expected = rows.map((row) => ({ ...row, owner: null }));
    assert.deepEqual(await database.reader.list(network, ALL), expected);
    assert.deepEqual(JSON.parse(await database.reader.listJson(network, ALL)), expected);
    assert.deepEqual(await database.reader.fetch(network, 'b', { ...ALL, embed: false }), rows[1]);
    assert.equal(await database.reader.fetch(network, 'z', ALL), undefined);
    assert.equal(await database.reader.fetch(network, 'B', ALL), undefined, 'keys differ by case');
    assert.equal(await database.reader.fetch(network, 'b ', ALL), undefined, 'trailing blanks count');
    await wipe();
    assert.equal(await database.reader.listJson(network, ALL), '[]');
    assert.deepEqual(await database.reader.listJsonCounted(network, ALL), { text: '[]', total: 0 });
  });

  test('relations are embedded, to themselves and in rows of rows; a null one is null', async () => {
    await insert(owner, { id: 'o1', label: 'boss' }, { id: 'o2', label: 'clerk', boss_id: 'o1' });
    await insert(network, { id: 'n1', name: 'one', owner_id: 'o2' }, { id: 'n2', name: 'two' });
    await insert(port, { id: 1, network_id: 'n1' }, { id: 2, network_id: 'n2', peer_id: 1 });
    const boss = { id: 'o1', label: 'boss', boss_id: null };
    const clerk = { id: 'o2', label: 'clerk', boss_id: 'o1' };
    assert.deepEqual(await database.reader.list(owner, ALL), [
      { ...boss, boss: null },
      { ...clerk, boss },
    ]);
    const [first, second] = (await database.reader.list(port, ALL)) as readonly { network: Resource; peer: Resource | null }[];
    assert.deepEqual(first?.network['owner'], clerk);
    assert.equal(first?.peer, null);
    assert.equal(second?.network['owner'], null);
    assert.equal(second?.peer?.['id'], 1);
    assert.deepEqual(JSON.parse(await database.reader.listJson(port, ALL)), [first, second]);
    const fields = ['name', 'owner.label'];
    assert.deepEqual(await database.reader.list(network, { ...ALL, fields }), [
      { name: 'one', owner: { label: 'clerk' } },
      { name: 'two', owner: null },
    ]);
    assert.deepEqual(await database.reader.list(network, { ...ALL, fields: ['mtu', 'id'], limit: 1 }), [{ mtu: null, id: 'n1' }]);
    await wipe();
  });

  test('a page has its limit and offset, and none is the whole', async () => {
    await insert(network, ...Array.from({ length: 7 }, (_, index) => ({ id: `n${index}`, name: `name ${6 - index}` })));
    const ids = async (selection: Partial<Selection>) =>
      (await database.reader.list(network, { ...ALL, ...selection })).map((row) => row['id']);
    assert.deepEqual(await ids({ limit: 2, offset: 5 }), ['n5', 'n6']);
    assert.deepEqual(await ids({ offset: 6 }), ['n6']);
    assert.deepEqual(await ids({ limit: 0 }), []);
    assert.deepEqual(await ids({ sort: [{ property: 'name', descending: false }], limit: 2 }), ['n6', 'n5']);
    assert.equal(await database.reader.listJson(network, { ...ALL, fields: ['id'], limit: 1, offset: 1 }), '[{"id":"n1"}]');
    const counted = await database.reader.listJsonCounted(network, { ...ALL, fields: ['id'], limit: 1, offset: 1 });
    assert.deepEqual(counted, { text: '[{"id":"n1"}]', total: await database.reader.count(network, ALL.filter) });
    const one = { ...ALL, filter: { kind: 'in', property: 'id', values: ['n1', 'nobody'] }, fields: ['id'], limit: 0 } as const;
    assert.deepEqual(await database.reader.listJsonCounted(network, one), { text: '[]', total: 1 });
    assert.equal(await database.reader.count(network, TRUE), 7);
    assert.equal(await database.reader.count(network, { kind: 'in', property: 'name', values: ['name 1', 'name 3'] }), 2);
    await wipe();
  });

  test('a unique value that is taken is a conflict that names its property', async () => {
    await insert(network, { id: 'a', name: 'same' }, { id: 'b', name: 'other' });
    await assert.rejects(insert(network, { id: 'c', name: 'same' }), fails('RESOURCE_CONFLICT', '/name'));
    await assert.rejects(insert(network, { id: 'a', name: 'new' }), fails('RESOURCE_CONFLICT', '/id'));
    await assert.rejects(
      write((session) => session.update(network, 'b', { name: 'same' })),
      fails('RESOURCE_CONFLICT', '/name'),
    );
    assert.equal(await database.reader.count(network, TRUE), 2);
    await wipe();
  });

  test('references must be there, and stay while rows refer to them', async () => {
    await insert(owner, { id: 'o1' });
    await assert.rejects(insert(network, { id: 'a', name: 'a', owner_id: 'nobody' }), fails('RESOURCE_REFERENCE', '/owner_id'));
    await insert(network, { id: 'a', name: 'a', owner_id: 'o1' });
    await assert.rejects(
      write((session) => session.update(network, 'a', { owner_id: 'x' })),
      fails('RESOURCE_REFERENCE', '/owner_id'),
    );
    await assert.rejects(
      write((session) => session.delete(owner, 'o1')),
      fails('RESOURCE_CONFLICT'),
    );
    await wipe();
  });

  test('a value that does not fit is refused, and so is a missing one', async () => {
    await assert.rejects(insert(network, { id: 'a', name: 'a', mtu: '99999999999999999999' }), fails('RESOURCE_INVALID', '/mtu'));
    await assert.rejects(insert(network, { id: 'a', name: 'a', mtu: 1.5 }), fails('RESOURCE_INVALID', '/mtu'));
    await assert.rejects(insert(network, { id: 'a', name: null }), fails('RESOURCE_INVALID', '/name'));
    await assert.rejects(insert(network, { id: 'a', nome: 'a' }), fails('RESOURCE_INVALID', '/nome'));
    await assert.rejects(insert(network, { id: 'a', name: 'a', mtu: Number.POSITIVE_INFINITY }), /found Infinity/);
    await assert.rejects(insert(network, { id: 'k'.repeat(256), name: 'a' }), fails('RESOURCE_INVALID', '/id'));
    assert.equal(await database.reader.count(network, TRUE), 0);
  });

  test('update and delete tell whether there was such a row', async () => {
    await insert(network, { id: 'a', name: 'a' });
    assert.equal(await write((session) => session.update(network, 'a', { name: 'a' })), true, 'the same value again');
    assert.equal(await write((session) => session.update(network, 'a', {})), true);
    assert.equal(await write((session) => session.update(network, 'z', { name: 'z' })), false);
    assert.equal(await write((session) => session.update(network, 'z', {})), false);
    assert.equal(await write((session) => session.delete(network, 'z')), false);
    assert.equal(await write((session) => session.delete(network, 'a')), true);
  });

  test('the rows that a delete takes along are told before', async () => {
    await insert(network, { id: 'n', name: 'n' }, { id: 'm', name: 'm' });
    await insert(
      port,
      { id: 1, network_id: 'n' },
      { id: 2, network_id: 'm', peer_id: 1 },
      { id: 3, network_id: 'm', peer_id: 2 },
      { id: 4, network_id: 'm' },
    );
    const taken = await database.reader.cascade(network, 'n');
    assert.deepEqual(
      taken.map((row) => [row.type.id, row.resource['id']]),
      [
        ['port', 1],
        ['port', 2],
        ['port', 3],
      ],
    );
    assert.deepEqual(await database.reader.cascade(owner, 'x'), []);
    await write((session) => session.delete(network, 'n'));
    assert.deepEqual(
      (await database.reader.list(port, ALL)).map((row) => row['id']),
      [4],
    );
    await wipe();
  });

  test('state_versioning counts updates; its columns are shown when they are asked for', async () => {
    await insert(network, { id: 'n', name: 'n' });
    await insert(port, { id: 1, network_id: 'n' });
    await write((session) => session.update(port, 1, {}));
    const row = await database.reader.fetch(port, 1, { ...ALL, fields: ['id', 'config_version', 'state'], embed: false });
    assert.deepEqual(row, { id: 1, config_version: 2, state: '' });
    assert.equal(Object.hasOwn((await database.reader.fetch(port, 1, ALL)) ?? {}, 'config_version'), false);
    await wipe();
  });

  test('an event row comes and goes with its transaction', async () => {
    const event = { type: 'create', path: '/networks/a', version: 1, body: '{}', syncPlain: true, syncProperty: '' } as const;
    await write((session) => session.logEvent(event));
    await assert.rejects(
      write(async (session) => {
        await session.logEvent(event);
        throw new Error('no');
      }),
      /no/,
    );
    const rows = await database.reader.query('SELECT type, path, version, body FROM events WHERE path = ?', ['/networks/a']);
    assert.deepEqual(rows, [{ type: 'create', path: '/networks/a', version: 1, body: '{}' }]);
    await wipe();
  });

  test('the answer of a key is kept; of two transactions that answer it, one is run again and finds it', async () => {
    const key = 'k1';
    const answer = (body: string) => ({ fingerprint: 'f', status: 201, body });
    const once = (body: string) =>
      write(async (session) => {
        const found = await session.recallAnswer(key);
        if (found !== undefined) return found.body;
        await session.rememberAnswer(key, answer(body));
        return body;
      });
    const bodies = await Promise.all([once('one'), once('two'), once('three')]);
    assert.equal(new Set(bodies).size, 1, bodies.join());
    assert.deepEqual(await database.reader.recallAnswer(key), answer(bodies[0] as string));
    assert.equal(await database.reader.recallAnswer('k2'), undefined);
  });
});
