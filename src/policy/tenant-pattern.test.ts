import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTenantPattern } from './tenant-pattern.ts';

const compile = (pattern: string) => {
  const compiled = compileTenantPattern(pattern, 'tenant_id', (problem) => assert.fail(problem));
  assert.ok(compiled);
  return compiled;
};

for (const [pattern, texts] of [
  ['a', ['a']],
  ['^a$', ['a']],
  ['a|b', ['a', 'b']],
  ['^a|b$', ['a', 'b']],
  ['^(a|b)$', ['a', 'b']],
  ['^(?:a|b)$', ['a', 'b']],
  ['(a|b)', ['a', 'b']],
  ['^a$|^b$', ['a', 'b']],
  ['fc39-4f', ['fc39-4f']],
  ['a\\.b\\-c', ['a.b-c']],
  ['two words', ['two words']],
  ['^dev-', undefined],
  ['-prod$', undefined],
  ['^a|^b', undefined],
  ['^a|^b$', undefined],
  ['a|', undefined],
  ['a.b', undefined],
  ['^t[0-9]$', undefined],
  ['^(a|(b|c))$', undefined],
  ['a\\$', undefined],
  ['^$', undefined],
] as const) {
  test(`${pattern} stands for ${texts?.join(', ') ?? 'more than a list'}`, () => assert.deepEqual(compile(pattern).texts, texts));
}

test('a list means exactly its texts, a pattern is searched', () => {
  assert.equal(compile('t2').matches('t22'), false);
  assert.equal(compile('^dev-').matches('dev-a'), true);
  assert.equal(compile('^dev-').matches('my-dev-a'), false);
  assert.equal(compile('dev.').matches('my-dev-a'), true);
});

test('patterns that mean every tenant', () => {
  for (const pattern of ['', '.*', '^.*$', '^']) assert.equal(compile(pattern).isAny, true, pattern);
  for (const pattern of ['.+', 'a', '^a']) assert.equal(compile(pattern).isAny, false, pattern);
});
