import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SekishoError } from '../lib/errors.ts';
import { compileHostPattern } from './host-pattern.ts';

const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['a.com', ['a.com', 'A.COM'], ['b.a.com', 'a.com.x', '']],
  ['A.com', ['a.com'], []],
  ['*', ['', 'anything'], []],
  ['***', ['anything'], []],
  ['*.a.com', ['x.a.com', 'x.y.A.com', '.a.com'], ['a.com', 'xa.com']],
  ['**a.com', ['a.com', 'xa.com'], ['a.com.x']],
  ['a.*', ['a.', 'a.com'], ['b.a.com']],
  ['*a*', ['a', 'xay'], ['b']],
  ['a*b', ['a*b'], ['axb', 'ab']],
  ['*a*b', ['xa*b'], ['xaxb']],
  ['/^a\\d+\\.com$/', ['a1.com', 'A22.com'], ['a.com', 'xa1.com']],
  ['/A|B/', ['xbx', 'a'], ['c']],
  ['/(?i)Ex[A-Z]mple/', ['exXmple'], ['ex1mple']],
  ['/(?P<sub>\\w+)\\.example/', ['a.example'], ['.example']],
  ['/', ['/'], ['x']],
];

for (const [pattern, yes, no] of cases) {
  test(`host pattern ${pattern}`, () => {
    const matches = compileHostPattern(pattern);
    for (const host of yes) assert.equal(matches(host), true, host);
    for (const host of no) assert.equal(matches(host), false, host);
  });
}

test('empty patterns and regular expressions that do not compile are refused', () => {
  for (const pattern of ['', '/(/', '/a(?!b)/', '/(a)\\1/', '/[a/', '/a**/', '/\\q/']) {
    assert.throws(
      () => compileHostPattern(pattern),
      (error) => error instanceof SekishoError && error.code === 'ENTITY_INVALID',
      pattern,
    );
  }
});
