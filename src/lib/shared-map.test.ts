import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffKeys, type MapEdit, SharedMap, toSharedMap } from './shared-map.ts';

const key = fc.integer({ min: 0, max: 300 }).map((number) => `key-${number}`);
const edit: fc.Arbitrary<MapEdit<number>> = fc.tuple(key, fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 2 }));

test('any edits: the same entries as a map that is changed in place, and every map before stays as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.array(edit, { maxLength: 120 }), { maxLength: 12 }), (lists) => {
      const model = new Map<string, number>();
      let map = new SharedMap<number>();
      const before: { readonly map: SharedMap<number>; readonly entries: ReadonlyMap<string, number> }[] = [];
      for (const edits of lists) {
        before.push({ map, entries: new Map(model) });
        for (const [name, value] of edits) {
          if (value === undefined) model.delete(name);
          else model.set(name, value);
        }
        map = map.with(edits);
        assert.equal(map.size, model.size);
        assert.deepEqual(new Map(map), model);
        for (let i = 0; i <= 300; i += 1) assert.equal(map.get(`key-${i}`), model.get(`key-${i}`));
      }
      assert.deepEqual(map, toSharedMap(model), 'equal entries are equal maps, however they came about');
      for (const known of before) {
        assert.deepEqual(new Map(known.map), known.entries);
        const expected = [...new Set([...known.entries.keys(), ...model.keys()])].filter(
          (name) => known.entries.get(name) !== model.get(name),
        );
        assert.deepEqual(diffKeys(known.map, map), new Set(expected));
        assert.deepEqual(diffKeys(known.entries, map), new Set(expected));
      }
    }),
    { numRuns: 200 },
  );
});

test('an edit among many shares the rest', () => {
  const many = new SharedMap<number>().with(Array.from({ length: 20_000 }, (_, i): MapEdit<number> => [`namespace/name-${i}`, i]));
  const next = many.with([['namespace/name-7', -1]]);
  assert.ok('children' in many.root && 'children' in next.root);
  const [old, now] = [many.root.children, next.root.children];
  assert.equal(old.filter((child, i) => child !== now[i]).length, 1);
  assert.equal(many.with([]), many);
  const sizes = old.map(({ size }) => size);
  assert.ok(Math.max(...sizes) < 2 * Math.min(...sizes), `names that are alike spread: ${sizes.join(', ')}`);
});
