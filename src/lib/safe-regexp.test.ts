import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toSafeRegExp } from './safe-regexp.ts';

const sourceOf = (pattern: string, lowerCase = false) => {
  const result = toSafeRegExp(pattern, { lowerCase });
  return 'source' in result ? result.source : `problem: ${result.problem}`;
};

test('translates what RE2 writes in another way', () => {
  assert.equal(sourceOf('\\Aa\\z'), '^a$');
  assert.equal(sourceOf('(?P<y>\\d{4})-(?<m>..)'), '(?<y>\\d{4})-(?<m>..)');
  assert.equal(sourceOf('[[:alpha:]_]'), '[A-Za-z_]');
  assert.equal(sourceOf('[]a]'), '[\\]a]');
  assert.equal(sourceOf('[^]a]'), '[^\\]a]');
  assert.equal(sourceOf('[\\[]x'), '[\\[]x');
  assert.equal(sourceOf('[a[b]'), '[a\\[b]');
  assert.equal(sourceOf('\\-\\_\\x41'), '\\-\\_\\x41');
});

test('folds literals but not classes and escapes', () => {
  assert.equal(sourceOf('AB\\D[A-Z]\\x41', true), 'ab\\D[a-z]\\x61');
  assert.equal(sourceOf('[[:upper:]]', true), '[a-z]');
});

test('refuses what RE2 has not', () => {
  for (const pattern of [
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?<!a)',
    '(a)\\1',
    '\\k<a>',
    '(?i:a)',
    '(?i)a',
    'a\\',
    '[[:nope:]]',
    '[\\B]',
    '(',
    'a**',
    '(?:a)++',
  ]) {
    assert.match(sourceOf(pattern), /^problem: /, pattern);
  }
});

test('gives a source that compiles, or a problem, for any text', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('a', 'A', '[', ']', '^', '-', '(', ')', '?', ':', '\\', 'd', '{', '}', '1', ',', '*', '+', '|', '.', '$'),
      }),
      fc.boolean(),
      (pattern, lowerCase) => {
        const result = toSafeRegExp(pattern, { lowerCase });
        if ('source' in result) new RegExp(result.source);
        else assert.notEqual(result.problem, '');
      },
    ),
    { numRuns: 3000 },
  );
});
