import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SekishoError } from '../lib/errors.ts';
import { loadSchemas } from './load-schemas.ts';
import { relationsOf } from './relations.ts';
import type { SchemaSet } from './types.ts';

const TESTDATA = join(import.meta.dirname, 'testdata');
const folder = mkdtempSync(join(tmpdir(), 'sekisho-schema-'));
after(() => rmSync(folder, { recursive: true }));

/** Everything a user is told about a file. */
function told(file: string): string {
  try {
    const { resources, groups } = loadSchemas([file], { cwd: TESTDATA, legacyTableNames: false });
    const types = [...resources.values()].filter(({ isMeta }) => !isMeta);
    return `accepted\n${[
      ...types.map(
        ({ id, longUrl, table, properties, indexes }) =>
          `${id} ${longUrl} ${table} (${properties.map(({ name }) => name).join(', ')}) ${JSON.stringify(indexes)}`,
      ),
      ...groups.map(({ id, fullPrefix }) => `group ${id} ${fullPrefix}`),
    ].join('\n')}\n`;
  } catch (error) {
    assert.ok(error instanceof SekishoError, String((error as Error).stack));
    return `${[`${error.code}: ${error.message}`, ...error.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`)].join('\n')}\n`.replaceAll(
      TESTDATA,
      'TESTDATA',
    );
  }
}

// UPDATE=1 writes the golden files anew; read the diff before it is committed.
for (const file of readdirSync(TESTDATA).filter((name) => /\.(yaml|json)$/.test(name))) {
  test(`testdata/${file} is answered as in its .txt`, () => {
    const golden = join(TESTDATA, file.replace(/\.\w+$/, '.txt'));
    const text = told(file);
    if (process.env['UPDATE']) writeFileSync(golden, text);
    assert.equal(text, readFileSync(golden, 'utf8'));
  });
}

function load(yaml: string, options: { legacy?: boolean } = {}): SchemaSet {
  writeFileSync(join(folder, 'schemas.yaml'), yaml);
  return loadSchemas(['schemas.yaml'], { cwd: folder, legacyTableNames: options.legacy ?? true });
}

const head = (id: string): string => `id: ${id}, singular: ${id}, plural: ${id}s, title: ${id}, description: ${id}`;
const ID = 'id: {type: string, title: i, description: i, permission: [create]}';

test('the schemas of the gateway itself are there, and a file can replace them', () => {
  const { resources } = load('schemas: []');
  assert.deepEqual([...resources.keys()], ['schema', 'policy', 'extension', 'namespace', 'version', 'event']);
  assert.ok([...resources.values()].every(({ isMeta, noSync }) => isMeta && noSync));
  const own = load(`schemas: [{${head('event')}, schema: {properties: {${ID}}}}]`).resources.get('event');
  assert.equal(own?.isMeta, false);
  assert.equal(own?.url, '/events');
});

test('tables of files and those of the gateway keep apart', () => {
  const named = (id: string, plural: string): string =>
    `{${head(id).replace(`plural: ${id}s`, `plural: ${plural}`)}, schema: {properties: {${ID}}}}`;
  const { resources } = load(`schemas: [${named('happening', 'events')}, ${named('release', 'version')}]`, { legacy: false });
  // The event log is written by the gateway itself, so its table stays.
  assert.equal(resources.get('happening')?.table, 'own_events');
  assert.equal(resources.get('event')?.table, 'events');
  assert.equal(resources.get('release')?.table, 'version');
  assert.equal(resources.get('version')?.table, 'gohan_version');
});

test('a child gets the property of its parent, of the type of its key, required and only settable on create', () => {
  const { resources } = load(`schemas:
- {${head('counter')}, schema: {properties: {id: {type: integer, title: i, description: i}}}}
- {${head('tick')}, parent: counter, on_parent_delete_cascade: true, schema: {properties: {${ID}}}}
`);
  const tick = resources.get('tick');
  const property = tick?.propertyByName.get('counter_id');
  assert.equal(property?.type, 'integer');
  assert.equal(property?.mayCreate, true);
  assert.equal(property?.mayUpdate, false);
  assert.equal(property?.isColumnNullable, false);
  assert.deepEqual(property?.relation, { schemaId: 'counter', column: 'id', embedAs: undefined, onDeleteCascade: true });
  assert.deepEqual(tick?.createSchema['required'], ['counter_id']);
  assert.equal(tick?.longUrl, '/counters/{counter}/ticks');
  assert.deepEqual(Object.keys(tick?.updateSchema['properties'] ?? {}), []);
});

test('columns may be null unless required, defaulted or said otherwise', () => {
  const type = load(`schemas: [{${head('a')}, schema: {required: [must], properties: {${ID},
    must: {type: string, title: t, description: d},
    may: {type: string, title: t, description: d},
    defaulted: {type: string, default: "", title: t, description: d},
    both: {type: [string, "null"], default: x, title: t, description: d},
    none: {type: string, default: null, title: t, description: d}}}}]`).resources.get('a');
  const nullable = type?.properties.filter(({ isColumnNullable }) => isColumnNullable).map(({ name }) => name);
  assert.deepEqual(nullable, ['id', 'both', 'may', 'none']);
});

test('relations are listed at every depth', () => {
  const type = load(`schemas: [{${head('a')}, schema: {properties: {${ID},
    one: {type: string, relation: a, title: t, description: d},
    box: {type: object, title: t, description: d, properties: {in: {type: object, properties: {two: {type: string, relation: a}}}}},
    rows: {type: array, title: t, description: d, items: {type: object, properties: {three: {type: array, items: {type: string, relation: b}}}}}}}}]`).resources.get(
    'a',
  );
  assert.ok(type);
  assert.deepEqual(
    relationsOf(type).map(({ path, relation }) => `${path} ${relation.schemaId}`),
    ['one a', 'box.in.two a', 'rows.[].three.[] b'],
  );
});

test('object defaults are built from those of their properties', () => {
  const type = load(`schemas: [{${head('a')}, schema: {properties: {${ID},
    built: {type: object, title: t, description: d, properties: {x: {type: integer, default: 1}, y: {type: object, properties: {z: {type: string}}}}},
    own: {type: object, default: {k: 1}, title: t, description: d, properties: {x: {type: integer, default: 1}}}}}}]`).resources.get('a');
  assert.deepEqual(type?.propertyByName.get('built')?.defaultValue, { x: 1 });
  assert.deepEqual(type?.propertyByName.get('own')?.defaultValue, { k: 1 });
});

test('the code of an extension is read from its file, behind its own', () => {
  writeFileSync(join(folder, 'x.js'), 'second();');
  const [extension] = load('extensions: [{id: x, path: /x, code: first();, url: file://./x.js}]').extensions;
  assert.equal(extension?.code, 'first();\nsecond();');
});

test('a type stands behind those that it refers to', () => {
  const { resources } = load(`schemas:
- {${head('c')}, schema: {properties: {${ID}, b_id: {type: string, relation: b, title: t, description: d}}}}
- {${head('b')}, parent: a, schema: {properties: {${ID}}}}
- {${head('a')}, schema: {properties: {${ID}}}}
`);
  assert.deepEqual(
    [...resources.values()].filter(({ isMeta }) => !isMeta).map(({ id }) => id),
    ['a', 'b', 'c'],
  );
});

test('what a file includes is read once, and an empty name is no file', () => {
  const set = loadSchemas(['', 'good-shapes.yaml', './included/base.yaml', 'file://good-json.json'], {
    cwd: TESTDATA,
    legacyTableNames: true,
  });
  assert.deepEqual(
    set.files.map((file) => file.slice(TESTDATA.length + 1)),
    ['good-shapes.yaml', 'included/base.yaml', 'good-json.json'],
  );
});
