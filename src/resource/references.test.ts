import assert from 'node:assert/strict';
import { test } from 'node:test';
import { schemasOf } from '../../test/support/databases.ts';
import { property, schema } from '../../test/support/models.ts';
import { hasRelationAt, relationsOf } from '../schema/relations.ts';
import type { ResourceType } from '../schema/types.ts';
import type { JsonObject } from './body.ts';
import { findReferences } from './references.ts';

const A = '{type: string, relation: a}';
const B = '{type: string, relation: b}';
const ONE = `{type: object, required: [kind], properties: {kind: {enum: [one]}, ref: ${A}}}`;
const TWO = `{type: object, required: [kind], properties: {kind: {enum: [two]}, ref: ${B}}}`;
const SCHEMAS = [
  'schemas:',
  schema('a', []),
  schema('b', []),
  schema('plug', [
    property('either', '[object, "null"]', `anyOf: [${ONE}, ${TWO}]`),
    property('both', '[object, "null"]', `allOf: [{properties: {ref: ${A}}}, {properties: {ref: ${B}}}]`),
    property('ports', '[object, "null"]', `additionalProperties: ${A}, properties: {name: {type: string}}`),
    property('shaped', '[object, "null"]', `patternProperties: {"^net_": ${B}}, additionalProperties: ${A}`),
    property('row', '[array, "null"]', `items: [${A}, {type: string}], additionalItems: ${B}`),
    property('extra', '[object, "null"]', `dependencies: {on: {properties: {ref: ${A}}}}`),
    property('tree', '[object, "null"]', '$ref: "#/definitions/node"'),
  ]),
  `    definitions: {node: {type: object, properties: {ref: ${A}, below: {type: array, items: {$ref: "#/definitions/node"}}}}}`,
].join('\n');

const plug = schemasOf(SCHEMAS).resources.get('plug') as ResourceType;

/** What `*`, or another path, finds in a body, as `pointer schema`. */
function found(body: JsonObject, path = '*', stored: JsonObject = {}): readonly string[] {
  return findReferences(plug, path, body, { ...stored, ...body })
    .map(({ pointer, schemaId, id }) => `${pointer} ${schemaId} ${id}`)
    .toSorted();
}

test('relations are known wherever a JSON schema has them', () => {
  assert.deepEqual(
    relationsOf(plug).map(({ path, relation }) => `${path} ${relation.schemaId}`),
    [
      'either.ref a',
      'either.ref b',
      'both.ref a',
      'both.ref b',
      'ports.* a',
      'shaped.* b',
      'shaped.* a',
      'row.[] a',
      'row.[] b',
      'extra.ref a',
      'tree.ref a',
    ].toSorted((one, other) => order(one) - order(other)),
  );
});

test('a path is known when it leads to a relation, through definitions and unnamed properties too', () => {
  const paths = ['either.ref', 'ports.*', 'ports.uplink', 'row', 'row.[]', 'extra.ref', 'tree.below.[].below.ref'];
  assert.deepEqual(
    paths.filter((path) => !hasRelationAt(plug, path)),
    [],
  );
  assert.deepEqual(
    ['either', 'ports', 'ports.name', 'tree.below.up', 'gone'].filter((path) => hasRelationAt(plug, path)),
    [],
  );
});

/** The order of the properties of the type. */
function order(line: string): number {
  return plug.properties.findIndex(({ name }) => line.startsWith(`${name}.`));
}

test('of alternatives those count that the value keeps; when it keeps none, all', () => {
  assert.deepEqual(found({ either: { kind: 'two', ref: 'x' } }), ['/either/ref b x']);
  assert.deepEqual(found({ either: { kind: 'none', ref: 'x' } }), ['/either/ref a x', '/either/ref b x']);
  assert.deepEqual(found({ both: { ref: 'x' } }), ['/both/ref a x', '/both/ref b x']);
});

test('the whole resource chooses among alternatives, the body says what is set', () => {
  const body = { either: { ref: 'x' } };
  const whole = { either: { kind: 'two', ref: 'x' } };
  const references = findReferences(plug, '*', body, whole);
  assert.deepEqual(
    references.map(({ schemaId, pointer }) => [schemaId, pointer]),
    [['b', '/either/ref']],
  );
});

test('properties without a name of their own, items by position, and what depends on a property', () => {
  assert.deepEqual(found({ ports: { name: 'n', 'a/b': 'x', c: null, d: '' } }), ['/ports/a~1b a x']);
  assert.deepEqual(found({ shaped: { net_1: 'x', other: 'y' } }), ['/shaped/net_1 b x', '/shaped/other a y']);
  assert.deepEqual(found({ row: ['x', 'text', 'y', 'z'] }), ['/row/0 a x', '/row/2 b y', '/row/3 b z']);
  assert.deepEqual(found({ extra: { ref: 'x' } }), []);
  assert.deepEqual(found({ extra: { ref: 'x', on: true } }), ['/extra/ref a x']);
});

test('definitions, which may refer to themselves', () => {
  const tree = { ref: 'x', below: [{ ref: 'y', below: [{ ref: 'z' }] }] };
  assert.deepEqual(found({ tree }), ['/tree/below/0/below/0/ref a z', '/tree/below/0/ref a y', '/tree/ref a x']);
});

test('a path leads there, too', () => {
  const body = { either: { kind: 'one', ref: 'x' }, ports: { p: 'y' }, shaped: { net_1: 'z', p: 'w' } };
  assert.deepEqual(found(body, 'either.ref'), ['/either/ref a x']);
  assert.deepEqual(found(body, 'ports.*'), ['/ports/p a y']);
  assert.deepEqual(found(body, 'shaped.p'), ['/shaped/p a w']);
});
