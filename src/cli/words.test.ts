import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Failure } from './failure.ts';
import { parseWords } from './words.ts';

const FILES: Readonly<Record<string, string>> = { 'a.ts': 'A', 'b=c.ts': 'BC' };

function readFile(path: string): Buffer {
  const text = FILES[path];
  if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
  return Buffer.from(text);
}

const parse = (...words: string[]) => parseWords(words, readFile);
const plain = (...words: string[]) =>
  Object.fromEntries([...parse(...words).values].map(([key, { value }]) => [key, Buffer.isBuffer(value) ? value.toString() : value]));

test('the three forms', () => {
  assert.deepEqual(plain('a=text', 'b:={"x":[1]}', 'c@=a.ts'), { a: 'text', b: { x: [1] }, c: 'A' });
});

test('the first = of a word decides its form, so values may hold operators', () => {
  assert.deepEqual(plain('urls=http://a/?x:=1&y@=2', 'j:={"a":"b=c"}', 'f@=b=c.ts', 'e==', 'a:b=c'), {
    urls: 'http://a/?x:=1&y@=2',
    j: { a: 'b=c' },
    f: 'BC',
    e: '=',
    'a:b': 'c',
  });
});

test('an empty value is the empty text in every form', () => {
  assert.deepEqual(plain('a=', 'b:=', 'c@='), { a: '', b: '', c: '' });
});

test('later words win inside a pass, later passes over earlier ones', () => {
  assert.deepEqual(plain('a=1', 'a=2'), { a: '2' });
  assert.deepEqual(plain('a=1', 'a:=2', 'a@=a.ts'), { a: '1' });
  assert.deepEqual(plain('a:=2', 'a@=a.ts'), { a: 2 });
});

test('words without = are left over', () => {
  assert.deepEqual(parse('x', 'a=1', 'y').rest, ['x', 'y']);
});

test('every bad word is told at once', () => {
  const bad = () => parse('=x', ':=1', '@=a.ts', 'j:={', 'f@=/nope');
  assert.throws(bad, (error: Failure) => {
    assert.equal(error.exit, 2);
    for (const part of [
      'invalid key-value pair: =x',
      'invalid key-value pair: :=1',
      'invalid key-value pair: @=a.ts',
      "invalid json for key 'j'",
      'error reading file: /nope (f@=): no such file or directory',
    ]) {
      assert.ok(error.message.includes(part), `${part} in ${error.message}`);
    }
    return true;
  });
});

test('any text survives as text, any JSON as JSON', () => {
  const key = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_.-]*$/);
  fc.assert(
    fc.property(key, fc.string(), (name, value) => {
      assert.equal(parse(`${name}=${value}`).values.get(name)?.value, value);
    }),
  );
  fc.assert(
    fc.property(key, fc.jsonValue(), (name, value) => {
      assert.deepEqual(parse(`${name}:=${JSON.stringify(value)}`).values.get(name)?.value, JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('no words make it fail otherwise than by a usage failure', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '=', ':', '@', '{', '1', '"', '\u0000', 'é') })), (words) => {
      try {
        const { values, rest } = parseWords(words, readFile);
        assert.ok(values.size + rest.length <= words.length);
      } catch (error) {
        assert.ok(error instanceof Failure && error.exit === 2);
      }
    }),
  );
});
