import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { diffSets } from './diff-sets.ts';
import { loadSchemas } from './load-schemas.ts';
import type { SchemaSet } from './types.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-diff-'));
after(() => rmSync(folder, { recursive: true }));

interface Parts {
  readonly properties?: Record<string, Record<string, unknown>>;
  readonly schema?: Record<string, unknown>;
  readonly json?: Record<string, unknown>;
  readonly policies?: readonly Record<string, unknown>[];
  readonly others?: readonly Record<string, unknown>[];
}

const text = (more: Record<string, unknown> = {}): Record<string, unknown> => ({ type: 'string', title: 't', description: 'd', ...more });

function load({ properties = {}, schema = {}, json = {}, policies = [], others = [] }: Parts): SchemaSet {
  const head = { id: 'a', singular: 'a', plural: 'as', title: 'A', description: 'A' };
  const own = { ...head, ...schema, schema: { properties: { id: text(), ...properties }, ...json } };
  writeFileSync(join(folder, 'a.json'), JSON.stringify({ schemas: [own, ...others], policies }));
  return loadSchemas(['a.json'], { cwd: folder, legacyTableNames: true });
}

function told(before: Parts, after: Parts): string[] {
  const { changes, isCompatible, obstacles } = diffSets(load(before), load(after));
  assert.equal(isCompatible, obstacles.length === 0);
  return changes.map(({ kind, id, what, needs }) => `${kind} ${id} ${what}${needs === undefined ? '' : ` (${needs})`}`);
}

test('the same files differ in nothing', () => assert.deepEqual(told({ properties: { x: text() } }, { properties: { x: text() } }), []));

test('additions that leave rows as they are fit', () => {
  const other = { id: 'b', singular: 'b', plural: 'bs', title: 'B', description: 'B', schema: { properties: { id: text() } } };
  assert.deepEqual(told({}, { others: [other] }), ['schema b added']);
  assert.deepEqual(told({ others: [other] }, {}), ['schema b removed']);
  assert.deepEqual(told({}, { properties: { x: text(), y: text({ default: 'y' }) } }), ['property a.x added', 'property a.y added']);
  assert.deepEqual(told({ properties: { x: text() } }, {}), ['property a.x removed']);
  assert.deepEqual(told({}, { json: { indexes: { i: { columns: ['id'] } } } }), ['index a.i added']);
  assert.deepEqual(told({ properties: { x: text() } }, { properties: { x: text({ maxLength: 5, permission: ['create'] }) } }), [
    'property a.x changed',
  ]);
  assert.deepEqual(told({}, { schema: { title: 'New' } }), ['schema a changed']);
  assert.deepEqual(told({}, { schema: { actions: { go: { method: 'GET', path: '/go' } } } }), ['schema a changed']);
});

test('changes of columns need a migration, and say why', () => {
  const one = (before: Record<string, unknown>, after: Record<string, unknown>): string[] =>
    told({ properties: { x: before } }, { properties: { x: after } });
  assert.deepEqual(one(text(), text({ type: 'integer' })), ['property a.x changed (its column holds string, not integer)']);
  assert.deepEqual(one(text(), text({ unique: true })), ['property a.x changed (its values may not be unique)']);
  assert.deepEqual(one(text(), text({ sql: 'varchar(5)' })), ['property a.x changed (its column has another SQL type)']);
  assert.deepEqual(one(text(), text({ relation: 'a' })), ['property a.x changed (its foreign key is another one)']);
  assert.deepEqual(one(text(), text({ default: 'x' })), ['property a.x changed (its column may be null, and rows may be so)']);
  assert.deepEqual(told({}, { properties: { x: text() }, json: { required: ['x'] } }), [
    'property a.x added (it may not be null and has no default, but rows without it may be there)',
  ]);
  assert.deepEqual(told({ properties: { x: text({ default: 'x' }) } }, {}), [
    'property a.x removed (its column may not be null, so that new rows would be refused)',
  ]);
  assert.deepEqual(told({ properties: { x: text() } }, { properties: { y: text({ renamed_from: 'x' }) } }), [
    'property a.y added',
    'property a.x removed (it is renamed: the column has to be)',
  ]);
  const other = (id: string, more: Record<string, unknown> = {}) => {
    const labels = { singular: id, plural: `${id}s`, title: id, description: id };
    return { others: [{ id, ...labels, schema: { properties: { id: text() } }, ...more }] };
  };
  assert.deepEqual(told(other('b'), other('c', { renamed_from: 'bs' })), [
    'schema c added',
    'schema b removed (it is renamed: its table has to be)',
  ]);
  assert.deepEqual(told({}, { json: { indexes: { i: { columns: ['id'], type: 'unique' } } } }), [
    'index a.i added (rows that are there may break it)',
  ]);
  assert.deepEqual(told({}, { schema: { metadata: { state_versioning: true } } }), [
    'schema a changed (its table has no columns for the state)',
  ]);
});

test('policies are compared too, and their order', () => {
  const policy = (id: string, path: string): Record<string, unknown> => ({ id, principal: 'M', action: 'read', resource: { path } });
  assert.deepEqual(told({ policies: [policy('p', '/a')] }, { policies: [policy('p', '/b'), policy('q', '/c')] }), [
    'policy p changed',
    'policy q added',
  ]);
  assert.deepEqual(told({ policies: [policy('p', '/a'), policy('q', '/a')] }, { policies: [policy('q', '/a'), policy('p', '/a')] }), [
    'policy * changed',
  ]);
});
