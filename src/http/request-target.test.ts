import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalise, type TargetParts } from './request-target.ts';

function canonical(raw: string): TargetParts | string {
  const out: TargetParts = { target: '', path: '', query: '' };
  return canonicalise(raw, out) ?? out;
}

function target(raw: string): string {
  const result = canonical(raw);
  assert.ok(typeof result === 'object', `${raw}: ${JSON.stringify(result)}`);
  return result.target;
}

const CANONICAL: readonly (readonly [raw: string, canonical: string])[] = [
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a//b', '/a//b'],
  ['//a', '//a'],
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/a/..', '/'],
  ['/a/.', '/a/'],
  ['/..', '/'],
  ['/../../x', '/x'],
  ['/a//../b', '/a/b'],
  ['/a/%2e%2E/b', '/b'],
  ['/a/.%2e/b', '/b'],
  ['/%61%7E%2d', '/a~-'],
  ['/%2f', '/%2F'],
  ['/a%2F..%2fb', '/a%2F..%2Fb'],
  ['/a%5cb', '/a%5Cb'],
  ['/%25%32%65', '/%252e'],
  ['/%c3%a9', '/%C3%A9'],
  ['/a{b}|^`"<>', '/a%7Bb%7D%7C%5E%60%22%3C%3E'],
  ['/.a/..b/c.', '/.a/..b/c.'],
  ['/...', '/...'],
  ['/..;/a', '/..;/a'],
  ['/a?b=../c/./d', '/a?b=../c/./d'],
  ['/a?', '/a?'],
  ['/a?b?c', '/a?b?c'],
  ['/a/..?x=%7e%2f', '/?x=~%2F'],
  ['/a?x[]={1}', '/a?x[]=%7B1%7D'],
];

test('a target has one canonical form', () => {
  for (const [raw, expected] of CANONICAL) assert.equal(target(raw), expected, raw);
});

test('path and query are the parts of the target', () => {
  assert.deepEqual(canonical('/a/../b?x=1?y'), { target: '/b?x=1?y', path: '/b', query: 'x=1?y' });
  assert.deepEqual(canonical('/b'), { target: '/b', path: '/b', query: '' });
  assert.deepEqual(canonical('/%62?'), { target: '/b?', path: '/b', query: '' });
});

test('what no URL may hold is refused', () => {
  for (const raw of [
    '',
    'a',
    '*',
    '/a#b',
    '/a\\b',
    '/a b',
    '/a\tb',
    '/\x00',
    '/\x7f',
    '/é',
    '/Ā',
    '/%',
    '/%4',
    '/%zz',
    '/%4g',
    '/a%00',
    '/a?%00',
    '/a?%',
    '/?\\',
    '/?#',
  ]) {
    assert.equal(typeof canonical(raw), 'string', JSON.stringify(raw));
  }
});

const PIECES = [
  '/',
  '.',
  '..',
  '%2e',
  '%2E',
  '%2f',
  '%25',
  '%41',
  '%7f',
  '%00',
  '%',
  '?',
  'a',
  'B',
  ';',
  '//',
  '{',
  '"',
  '#',
  '\\',
  'é',
  ':',
  '@',
  '[',
  '~',
];

test('canonicalisation is a fixed point, keeps its alphabet and leaves no dot segment', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary-ascii', maxLength: 3 })), { maxLength: 12 }),
      (pieces) => {
        const first = canonical(`/${pieces.join('')}`);
        if (typeof first === 'string') return;
        assert.deepEqual(canonical(first.target), first);
        assert.match(first.target, /^\/[!$%&'()*+,\-./0-9:;=?@A-Z[\]_a-z~]*$/);
        assert.doesNotMatch(first.target, /%(?![0-9A-F]{2})|%00|%(2D|2E|5F|7E|3[0-9]|[46][1-9A-F]|[57][0-9A])/);
        assert.ok(!first.path.split('/').some((segment) => segment === '.' || segment === '..'), first.path);
        assert.equal(first.target, first.target.includes('?') ? `${first.path}?${first.query}` : first.path);
      },
    ),
    { numRuns: 5000 },
  );
});
