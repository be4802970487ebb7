import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { applyDefaults } from './defaults.ts';
import { loadSchemas } from './load-schemas.ts';
import type { ResourceType } from './types.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-defaults-'));
after(() => rmSync(folder, { recursive: true }));

function typeOf(properties: Record<string, Record<string, unknown>>): ResourceType {
  const labelled = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, { title: name, description: name, ...schema }]),
  );
  const schema = {
    id: 'a',
    singular: 'a',
    plural: 'as',
    title: 'A',
    description: 'A',
    schema: { properties: { id: { type: 'string', title: 'i', description: 'i' }, ...labelled } },
  };
  writeFileSync(join(folder, 'a.json'), JSON.stringify({ schemas: [schema] }));
  const type = loadSchemas(['a.json'], { cwd: folder, legacyTableNames: true }).resources.get('a');
  assert.ok(type);
  return type;
}

test('absent values are filled, explicit nulls kept, read-only properties too', () => {
  const type = typeOf({
    name: { type: 'string', default: 'n', permission: [] },
    flag: { type: 'boolean', default: false },
    none: { type: 'string', default: null },
  });
  assert.deepEqual(applyDefaults(type, {}), { name: 'n', flag: false });
  assert.deepEqual(applyDefaults(type, { name: null, flag: true }), { name: null, flag: true });
});

test('objects take what their properties default to, at every depth; those without a default stay out', () => {
  const vlan = { type: 'object', properties: { tag: { type: 'integer', default: 1 }, name: { type: 'string' } } };
  const user = { type: 'object', properties: { name: { type: 'string' } } };
  const type = typeOf({ config: { type: 'object', properties: { default_vlan: vlan, user_vlan: user } }, plain: user });
  assert.deepEqual(applyDefaults(type, {}), { config: { default_vlan: { tag: 1 } } });
  assert.deepEqual(applyDefaults(type, { config: null }), { config: { default_vlan: { tag: 1 } } });
  assert.deepEqual(applyDefaults(type, { config: { default_vlan: { name: 'x' }, user_vlan: null } }), {
    config: { default_vlan: { name: 'x', tag: 1 }, user_vlan: null },
  });
  assert.deepEqual(applyDefaults(type, { plain: null }), { plain: null, config: { default_vlan: { tag: 1 } } });
});

test("an object's own default hides those of its properties", () => {
  const type = typeOf({
    own: { type: 'object', default: { a: 1, deep: { b: 2 } }, properties: { x: { type: 'integer', default: 9 } } },
    empty: { type: 'object', default: {} },
  });
  assert.deepEqual(applyDefaults(type, {}), { own: { a: 1, deep: { b: 2 } }, empty: {} });
  assert.deepEqual(applyDefaults(type, { own: { a: 5 } }), { own: { a: 5, deep: { b: 2 } }, empty: {} });
});

test('items of arrays are never filled', () => {
  const type = typeOf({
    rows: { type: 'array', default: [], items: { type: 'object', properties: { x: { type: 'integer', default: 1 } } } },
  });
  assert.deepEqual(applyDefaults(type, { rows: [{}] }), { rows: [{}] });
});

test('no two results share an object, and the body stays as it was', () => {
  const type = typeOf({
    list: { type: 'array', default: [{ a: 1 }] },
    box: { type: 'object', properties: { in: { type: 'array', default: [] } } },
  });
  const body = { box: {} };
  const first = applyDefaults(type, body) as { list: { a: number }[]; box: { in: unknown[] } };
  (first.list[0] as { a: number }).a = 2;
  first.box.in.push('x');
  assert.deepEqual(applyDefaults(type, body), { list: [{ a: 1 }], box: { in: [] } });
  assert.deepEqual(body, { box: {} });
});
