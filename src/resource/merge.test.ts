import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyJsonPatch } from './json-patch.ts';
import { mergeProperties, mergeValue } from './merge.ts';

// RFC 7396, appendix A: those whose target and patch are objects.
const EXAMPLES: readonly (readonly [target: object, patch: object, result: object])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test('merge patches of RFC 7396', () => {
  for (const [target, patch, result] of EXAMPLES) assert.deepEqual(mergeValue(target, patch, true), result);
});

test("Gohan's merge keeps nulls, replaces lists and merges objects", () => {
  const stored = { o: { a: 1, b: { c: 2 } }, l: [1, 2], s: 'x', untouched: 1 };
  const changes = mergeProperties(stored, { o: { a: null, b: { d: 3 } }, l: [3], s: null }, false);
  assert.deepEqual(changes, { o: { a: null, b: { c: 2, d: 3 } }, l: [3], s: null });
});

test('__proto__ is a key like any other', () => {
  const merged = mergeValue({}, JSON.parse('{"__proto__": {"polluted": true}}'), false) as object;
  assert.deepEqual(Object.keys(merged), ['__proto__']);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  applyJsonPatch({ a: {} }, [{ op: 'add', path: '/a/__proto__', value: { polluted: true } }]);
  assert.throws(() => applyJsonPatch({ a: {} }, [{ op: 'add', path: '/a/constructor/prototype/polluted', value: true }]), /nothing at/);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('a JSON patch gives what it changed, and leaves the resource as it was', () => {
  const resource = { id: 'x', tags: ['a', 'b'], o: { k: 1 }, n: 1 };
  const changes = applyJsonPatch(resource, [
    { op: 'remove', path: '/n' },
    { op: 'add', path: '/tags/0', value: 'z' },
    { op: 'replace', path: '/o/k', value: 1 },
  ]);
  assert.deepEqual(changes, { n: null, tags: ['z', 'a', 'b'] });
  assert.deepEqual(resource, { id: 'x', tags: ['a', 'b'], o: { k: 1 }, n: 1 });
});

test('what is wrong with a patch is told with its operation', () => {
  for (const [operation, pointer] of [
    [{ op: 'add', path: 'n', value: 1 }, '/0/path'],
    [{ op: 'add', path: '/n' }, '/0'],
    [{ op: 'add', path: '/l/5', value: 1 }, '/0'],
    [{ op: 'add', path: '/l/01', value: 1 }, '/0'],
    [{ op: 'move', from: '/o', path: '/o/x' }, '/0'],
    [{ op: 'replace', path: '', value: 1 }, ''],
  ] as const) {
    assert.throws(
      () => applyJsonPatch({ l: [1], o: {} }, [operation]),
      (error: { errors: { pointer: string }[] }) => error.errors[0]?.pointer === pointer,
      JSON.stringify(operation),
    );
  }
});
