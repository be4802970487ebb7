import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeValue } from './decode.ts';
import type { FieldType } from './kinds.ts';

const text = (type: FieldType, value: string) => decodeValue(type, { form: 'text', value });
const json = (type: FieldType, value: unknown) => decodeValue(type, { form: 'json', value });
const file = (type: FieldType, content: string) => decodeValue(type, { form: 'file', value: Buffer.from(content), path: 'f' });

test('texts become what the field holds', () => {
  const cases: readonly (readonly [FieldType, string, unknown])[] = [
    ['string', '007', '007'],
    ['strings', 'GET,POST', ['GET', 'POST']],
    ['strings', '', []],
    ['boolean', 'true', true],
    ['boolean', 'T', true],
    ['boolean', '0', false],
    ['integer', '-3', -3],
    ['duration', '50ms', 50e6],
    ['duration', '1m30s', 90e9],
    ['json', '5', '5'],
    ['schema', '{"type":"object"}', { type: 'object' }],
    ['schema', 'true', true],
  ];
  for (const [type, value, want] of cases) assert.deepEqual(text(type, value), { value: want }, `${type} ${value}`);
});

test('JSON keeps its type, where the field takes it', () => {
  const cases: readonly (readonly [FieldType, unknown, unknown])[] = [
    ['strings', ['a,b', 'c'], ['a,b', 'c']],
    ['strings', 'a,b', ['a', 'b']],
    ['boolean', false, false],
    ['integer', 5, 5],
    ['duration', 1500, 1500],
    ['duration', '2s', 2e9],
    ['json', { a: [null] }, { a: [null] }],
    ['schema', { type: 'array' }, { type: 'array' }],
  ];
  for (const [type, value, want] of cases) assert.deepEqual(json(type, value), { value: want }, `${type} ${JSON.stringify(value)}`);
});

test('files are base64, but PEM is text and a schema is JSON', () => {
  assert.deepEqual(file('string', 'const a = 1;\n'), { value: Buffer.from('const a = 1;\n').toString('base64') });
  assert.deepEqual(file('json', 'x'), { value: 'eA==' });
  assert.deepEqual(file('pem', '-----BEGIN'), { value: '-----BEGIN' });
  assert.deepEqual(file('schema', '{"type":"object"}'), { value: { type: 'object' } });
});

test('what does not fit is told with what was found and what is allowed', () => {
  const cases: readonly (readonly [FieldType, unknown, RegExp])[] = [
    ['string', 5, /found 5, allowed is text/],
    ['strings', [1], /found \[1\], allowed is a list/],
    ['boolean', 'yes', /found "yes", allowed are true and false/],
    ['integer', '1.5', /found "1.5", allowed is a whole number/],
    ['integer', '99999999999999999999', /whole number/],
    ['integer', '', /whole number/],
    ['duration', '5', /found "5", allowed is a time with its unit/],
    ['duration', 1.5, /time with its unit/],
    ['schema', '{', /found no JSON/],
  ];
  for (const [type, value, want] of cases) {
    const decoded = json(type, value);
    assert.ok('problem' in decoded && want.test(decoded.problem), `${type} ${JSON.stringify(value)}: ${JSON.stringify(decoded)}`);
  }
});
