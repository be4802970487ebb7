import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Collection } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { compileDocumentSchema } from './document-schema.ts';

const collection = (schema?: unknown): Collection => ({
  name: 'c',
  namespace: 'n',
  visibility: 'public',
  type: 'document',
  ...(schema !== undefined && { schema }),
});
const problems = (schema: unknown, data: unknown) =>
  compileDocumentSchema(collection(schema))(data).map(({ pointer, detail }) => `${pointer} ${detail}`);

test('tells every broken rule with its place', () => {
  const schema = {
    type: 'object',
    properties: { n: { type: 'number', minimum: 1 }, l: { type: 'array', items: { enum: ['a', 'b'] } } },
    required: ['x'],
    additionalProperties: false,
  };
  assert.deepEqual(problems(schema, { x: 1, n: 0, l: ['a', 'c'] }).toSorted(), [
    ' the document has the unknown property "x"',
    '/l/1 /l/1 must be one of ["a","b"]',
    '/n /n must be >= 1',
  ]);
  assert.deepEqual(problems(schema, {}), [" the document must have required property 'x'"]);
});

test('without a schema, and with the schema true, everything is accepted; with false, nothing', () => {
  for (const schema of [undefined, true, {}]) assert.deepEqual(problems(schema, [null]), []);
  assert.equal(problems(false, 1).length, 1);
});

test('the draft is 2020-12 unless the schema says draft-07', () => {
  const tuple = { prefixItems: [{ type: 'string' }], items: false };
  assert.equal(problems(tuple, ['a', 1]).length, 1);
  const old = { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }], additionalItems: false };
  assert.equal(problems(old, ['a', 1]).length, 1);
  assert.deepEqual(problems({ $schema: 'https://json-schema.org/draft/2020-12/schema', format: 'email' }, 'x'), []);
});

test('schemas of equal $id do not get in the way of one another', () => {
  assert.equal(problems({ $id: 'https://x.test/s', type: 'string' }, 1).length, 1);
  assert.equal(problems({ $id: 'https://x.test/s', type: 'number' }, 1).length, 0);
});

test('schemas that do not compile are refused', () => {
  const bad = [
    { type: 'nope' },
    { minimum: 'x' },
    { $ref: 'https://x.test/elsewhere' },
    { pattern: '(' },
    { required: 'a' },
    { $schema: 'https://x.test/draft' },
  ];
  for (const schema of bad) {
    assert.throws(
      () => compileDocumentSchema(collection(schema)),
      (error) => error instanceof SekishoError && error.code === 'ENTITY_INVALID' && error.errors[0]?.pointer === '/schema',
      JSON.stringify(schema),
    );
  }
});
