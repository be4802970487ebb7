import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryDatabase, schemasOf } from '../../test/support/databases.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import { TRUE } from '../schema/filter.ts';
import { convertDatabase } from './convert.ts';
import { importInitialData } from './initial-data.ts';
import { openDatabase } from './open-database.ts';
import type { Database, Resource } from './types.ts';

const FIELD = '{title: t, description: d, permission: [create, update]';
const SCHEMAS = schemasOf(`
schemas:
- id: node
  singular: node
  plural: nodes
  title: Node
  description: d
  metadata: {state_versioning: true}
  schema:
    type: object
    properties:
      id: ${FIELD}, type: string}
      next_id: ${FIELD}, type: [string, 'null'], relation: node}
      home_id: ${FIELD}, type: [string, 'null'], relation: home}
      data: ${FIELD}, type: [object, 'null']}
      big: ${FIELD}, type: [integer, 'null']}
- id: home
  singular: home
  plural: homes
  title: Home
  description: d
  schema:
    type: object
    properties:
      id: ${FIELD}, type: string}
      node_id: ${FIELD}, type: [string, 'null'], relation: node}
`);
const node = SCHEMAS.resources.get('node') ?? assert.fail();
const home = SCHEMAS.resources.get('home') ?? assert.fail();
const PREPARE = { autoMigrate: true, cascadeDelete: false };
const WRITE = { isolation: 'SERIALIZABLE' } as const;

const everything = async (database: Database): Promise<readonly (readonly Resource[])[]> => [
  await database.reader.list(node, { filter: TRUE, fields: ['id', 'next_id', 'home_id', 'data', 'big', 'config_version', 'state'] }),
  await database.reader.list(home, { filter: TRUE }),
  await database.reader.query('SELECT id, type, path, body FROM events ORDER BY id', []),
];

onEveryDatabase((subject) => {
  test('all rows are copied to another database and back, cycles and event log with them; again copies nothing', async () => {
    using folder = createTempFolder();
    const file = await openDatabase({
      type: 'sqlite3',
      connection: `${folder.path}/a.db`,
      maxOpenConnections: 1,
      retry: { count: 0, intervalMs: 1 },
    });
    const [there, back] = [await subject.open(await subject.createConnection()), await subject.open(await subject.createConnection())];
    for (const database of [file, there, back]) await database.prepare(SCHEMAS, PREPARE);
    await file.transaction(async (session) => {
      for (let id = 0; id < 23; id += 1) await session.insert(node, { id: `n${id}`, data: { id }, big: '9007199254740993' });
      await session.insert(home, { id: 'h', node_id: 'n3' });
      for (let id = 0; id < 23; id += 1) await session.update(node, `n${id}`, { next_id: `n${(id + 7) % 23}`, home_id: 'h' });
      await session.logEvent({ type: 'create', path: '/x', version: 1, body: '{}', syncPlain: false, syncProperty: '' });
    }, WRITE);
    const progress: string[] = [];
    const onProgress = (step: { table: string; done: number; total: number }) => progress.push(`${step.table} ${step.done}/${step.total}`);
    assert.equal(await convertDatabase({ from: file, to: there, schemas: SCHEMAS, batchSize: 10, onProgress }), 25);
    assert.ok(progress.includes('nodes 10/23') && progress.includes('nodes 23/23'), progress.join());
    assert.equal(await convertDatabase({ from: file, to: there, schemas: SCHEMAS }), 0);
    await convertDatabase({ from: there, to: back, schemas: SCHEMAS });
    assert.deepEqual(await everything(back), await everything(file));
    await back.transaction(
      (session) => session.logEvent({ type: 'delete', path: '/y', version: 2, body: '', syncPlain: false, syncProperty: '' }),
      WRITE,
    );
    for (const database of [file, there, back]) await database.close();
  });

  test('initial data is inserted where its id is not there, with defaults', async () => {
    const database = await subject.open(await subject.createConnection());
    await database.prepare(SCHEMAS, PREPARE);
    const fill = (_type: unknown, row: Resource): Resource => ({ data: { filled: true }, ...row });
    const load = (tables: Record<string, readonly Resource[]>) =>
      importInitialData(database, SCHEMAS, { tables, source: 'init.yaml', fillDefaults: fill });
    assert.equal(await load({ nodes: [{ id: 'a' }, { id: 'b', next_id: 'a' }] }), 2);
    assert.equal(await load({ nodes: [{ id: 'a', data: { changed: true } }, { id: 'c' }] }), 1);
    assert.deepEqual((await database.reader.fetch(node, 'a', { filter: TRUE }))?.['data'], { filled: true });
    await assert.rejects(load({ noodes: [] }), {
      code: 'CONFIG_INVALID',
      message: 'init.yaml: no schema has the table noodes; did you mean nodes?',
    });
    await assert.rejects(load({ nodes: [{ big: 1 }] }), { code: 'CONFIG_INVALID', message: 'init.yaml: nodes[0] has no id' });
    await assert.rejects(load({ nodes: [{ id: 'd' }, { id: 'e', bug: 1 }] }), {
      code: 'RESOURCE_INVALID',
      message: 'init.yaml: nodes[1]: node has no property bug',
    });
    await database.close();
  });
});

test('a row that does not fit is named', async () => {
  const open = () => openDatabase({ type: 'sqlite3', connection: ':memory:', maxOpenConnections: 1, retry: { count: 0, intervalMs: 1 } });
  const [from, to] = [await open(), await open()];
  for (const database of [from, to]) await database.prepare(SCHEMAS, PREPARE);
  // As Gohan left it there: SQLite has no limit of its own.
  await from.transaction((session) => session.query('INSERT INTO homes (id) VALUES (?)', ['k'.repeat(300)]), WRITE);
  await assert.rejects(
    convertDatabase({ from, to, schemas: SCHEMAS }),
    /homes, row k{80}…: id is an id.* can have 255 characters; found 300/,
  );
  for (const database of [from, to]) await database.close();
});
