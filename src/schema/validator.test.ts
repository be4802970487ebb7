import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lazyValidator } from './validator.ts';
import { toValidationText } from './violation.ts';

function told(schema: Record<string, unknown>, value: unknown): string[] {
  return lazyValidator(schema)(value).map(({ pointer, detail }) => `${pointer}: ${detail}`);
}

const BOOK = {
  type: 'object',
  required: ['title'],
  additionalProperties: false,
  properties: {
    title: { type: 'string', minLength: 1, maxLength: 3 },
    pages: { type: 'integer', minimum: 0 },
    in_print: { type: 'boolean' },
    remark: { type: ['string', 'null'], nullable: false },
    detail: { type: 'object', properties: { cover: { type: 'string', enum: ['hard', 'soft'] } }, required: ['cover'] },
  },
};

test('texts name the field, what is expected and what was given', () => {
  assert.deepEqual(told(BOOK, { title: 5 }), ['/title: Invalid type. Expected: string, given: integer']);
  assert.deepEqual(told(BOOK, { title: 1.5 }), ['/title: Invalid type. Expected: string, given: number']);
  assert.deepEqual(told(BOOK, { title: 'x', remark: true }), ['/remark: Invalid type. Expected: [string,null], given: boolean']);
  assert.deepEqual(told(BOOK, { title: 'x', detail: [] }), ['/detail: Invalid type. Expected: object, given: array']);
  assert.deepEqual(told(BOOK, { title: 'x', detail: {} }), ['/detail/cover: cover is required']);
  assert.deepEqual(told(BOOK, { title: 'x', detail: { cover: 'x' } }), [
    '/detail/cover: cover must be one of the following: "hard", "soft"',
  ]);
  assert.deepEqual(told(BOOK, { title: '', pages: -1, 'a/b': 1 }).toSorted(), [
    '/a~1b: Additional property a/b is not allowed',
    '/pages: Must be greater than or equal to 0',
    '/title: String length must be greater than or equal to 1',
  ]);
  assert.deepEqual(told(BOOK, { title: 'abcd' }), ['/title: String length must be less than or equal to 3']);
});

test('one text has them all', () => {
  const errors = lazyValidator(BOOK)({ pages: -1, bogus: 1, detail: { cover: 1 } });
  const text = toValidationText(errors);
  assert.ok(text.startsWith('Validation error: Json validation error:\n\t'));
  for (const part of [
    'title: title is required,',
    'bogus: Additional property bogus is not allowed,',
    'pages: Must be greater',
    'detail.cover: Invalid type',
  ])
    assert.ok(text.includes(part), `${part} in ${text}`);
  assert.equal(
    toValidationText(lazyValidator(BOOK)(5)),
    'Validation error: Json validation error:\n\t(root): Invalid type. Expected: object, given: integer,',
  );
});

test('every rule of draft 4 has its text', () => {
  const cases: readonly (readonly [schema: Record<string, unknown>, value: unknown, text: string])[] = [
    [{ minimum: 3, exclusiveMinimum: true }, 3, 'Must be greater than 3'],
    [{ minimum: 3, exclusiveMinimum: false }, 2, 'Must be greater than or equal to 3'],
    [{ maximum: 3, exclusiveMaximum: true }, 3, 'Must be less than 3'],
    [{ maximum: 3 }, 4, 'Must be less than or equal to 3'],
    [{ multipleOf: 2 }, 3, 'Must be a multiple of 2'],
    [{ pattern: '^a$' }, 'b', "Does not match pattern '^a$'"],
    [{ format: 'mac' }, 'b', "Does not match format 'mac'"],
    [{ minItems: 2 }, [1], 'Array must have at least 2 items'],
    [{ maxItems: 1 }, [1, 2], 'Array must have at most 1 items'],
    [{ uniqueItems: true }, [1, 1], 'array items must be unique'],
    [{ items: [{}], additionalItems: false }, [1, 2], 'Array must have at most 1 items'],
    [{ minProperties: 1 }, {}, 'Must have at least 1 properties'],
    [{ maxProperties: 0 }, { a: 1 }, 'Must have at most 0 properties'],
    [{ not: { type: 'string' } }, 'x', 'Must not validate the schema (not)'],
    [{ dependencies: { a: ['b'] } }, { a: 1 }, 'Has a dependency on b'],
  ];
  for (const [schema, value, text] of cases) assert.deepEqual(told(schema, value), [`: ${text}`], JSON.stringify(schema));
  assert.ok(told({ anyOf: [{ type: 'string' }, { type: 'null' }] }, 1).includes(': Must validate at least one schema (anyOf)'));
  assert.ok(told({ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3).includes(': Must validate one and only one schema (oneOf)'));
});

test('1.0 is an integer, fractions and rounded numbers are none', () => {
  const schema = { type: 'integer' };
  assert.deepEqual(told(schema, JSON.parse('1.0')), []);
  assert.deepEqual(told(schema, 2 ** 53 - 1), []);
  assert.deepEqual(told(schema, 1.5), [': Invalid type. Expected: integer, given: number']);
  assert.deepEqual(told(schema, 2 ** 53), [': is beyond 2^53 and would lose digits as a number; send it as a text']);
  assert.deepEqual(told({ type: 'number' }, 1e300), []);
});

test('integers beyond 2^53 travel as texts, within their bounds', () => {
  const schema = { type: 'integer', minimum: 0 };
  assert.deepEqual(told(schema, '9007199254740993'), []);
  assert.deepEqual(told(schema, '9223372036854775807'), []);
  for (const text of ['9223372036854775808', '5', '-9007199254740993', '9007199254740993.0', '09007199254740993', 'x'])
    assert.deepEqual(told(schema, text), [': Invalid type. Expected: integer, given: string'], text);
});

test('formats and lengths judge texts alone; lengths count characters', () => {
  assert.deepEqual(told({ format: 'mac', minLength: 3 }, null), []);
  assert.deepEqual(told({ format: 'mac' }, 5), []);
  assert.deepEqual(told({ maxLength: 2 }, '😀😀'), []);
});

test('keys that only the gateway reads decide nothing', () => {
  const schema = {
    type: 'object',
    id: 'http://elsewhere/',
    properties: { id: { type: 'string', nullable: true, unique: true, default: 5 }, $ref: { type: 'string' } },
  };
  assert.deepEqual(told(schema, { id: 'a', $ref: 'x' }), []);
  assert.deepEqual(told(schema, { id: null }), ['/id: Invalid type. Expected: string, given: null']);
});

test('definitions can be referred to, also by themselves', () => {
  const schema = {
    type: 'object',
    properties: { tree: { $ref: '#/definitions/node' } },
    definitions: { node: { type: 'object', properties: { value: { type: 'integer' }, next: { $ref: '#/definitions/node' } } } },
  };
  assert.deepEqual(told(schema, { tree: { value: 1, next: { value: 'x' } } }), [
    '/tree/next/value: Invalid type. Expected: integer, given: string',
  ]);
});

test('a schema can refer to itself', () => {
  const schema = { type: 'object', properties: { value: { type: 'integer' }, next: { $ref: '#' } } };
  assert.deepEqual(told(schema, { next: { next: { value: 'x' } } }), ['/next/next/value: Invalid type. Expected: integer, given: string']);
});

test('patterns are RE2: searched anywhere, with flags and Unicode classes', () => {
  assert.deepEqual(told({ pattern: 'b' }, 'abc'), []);
  assert.deepEqual(told({ pattern: '(?i)^ABC$' }, 'abc'), []);
  assert.deepEqual(told({ pattern: '^\\p{Greek}+$' }, 'αβγ'), []);
  assert.deepEqual(told({ pattern: '^[[:digit:]]+\\z' }, '123'), []);
  assert.deepEqual(told({ patternProperties: { '^x-': { type: 'string' } } }, { 'x-a': 1 }), [
    '/x-a: Invalid type. Expected: string, given: integer',
  ]);
});

test('multiples of fractions are as exact as decimals are', () => {
  assert.deepEqual(told({ multipleOf: 0.01 }, 0.07), []);
  assert.deepEqual(told({ multipleOf: 0.01 }, 0.075), [': Must be a multiple of 0.01']);
});

test('no more than a hundred rules are told', () => {
  const value = Array.from({ length: 1000 }, () => 'x');
  assert.equal(lazyValidator({ type: 'array', items: { type: 'integer' } })(value).length, 100);
});
