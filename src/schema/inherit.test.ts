import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCursor } from './cursor.ts';
import { type Draft, toDraft } from './draft.ts';
import { inheritAll } from './inherit.ts';
import { createPlaces } from './places.ts';
import { collectProblems } from './problems.ts';

const PLACE = { file: 'x.yaml', order: 0, line: 1, column: 1 };
const NAMES = ['id', 'a', 'b', 'c', 'd', 'e'];

interface Part {
  readonly own: readonly string[];
  readonly order: readonly string[];
  readonly required: readonly string[];
  readonly prefix: string;
}

const part: fc.Arbitrary<Part> = fc.record({
  own: fc.subarray(NAMES),
  order: fc.shuffledSubarray(NAMES),
  required: fc.subarray(NAMES),
  prefix: fc.constantFrom('', 'p', 'q'),
});

/** The schema `own` that extends all `bases`, merged. */
function merge(bases: readonly Part[], own: Part, before: readonly string[]): Draft {
  const problems = collectProblems();
  const reading = { places: createPlaces(), problems };
  const toObject = (id: string, { own: names, order, required, prefix }: Part): Record<string, unknown> => ({
    id,
    prefix,
    schema: {
      properties: Object.fromEntries(names.map((name) => [name, { type: 'string', title: `${id}.${name}` }])),
      propertiesOrder: order,
      required,
    },
  });
  const objects = [
    { ...toObject('own', own), extends: bases.map((_, index) => `base${index}`), order_properties_before: before },
    ...bases.map((base, index) => ({ ...toObject(`base${index}`, base), type: 'abstract' })),
  ];
  const drafts = objects.map((object) => toDraft(createCursor(object, '', PLACE, reading)));
  const [merged] = inheritAll(new Map(drafts.map((draft) => [draft.id, draft])));
  assert.deepEqual(problems.errors(), []);
  assert.ok(merged);
  return merged;
}

test('a property is its own, else that of the first base that has it', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), part, (bases, own) => {
      const { properties } = merge(bases, own, []);
      for (const name of NAMES) {
        const base = bases.findIndex((candidate) => candidate.own.includes(name));
        const owner = own.own.includes(name) ? 'own' : base < 0 ? undefined : `base${base}`;
        assert.equal((properties.get(name)?.value as { title?: string } | undefined)?.title, owner && `${owner}.${name}`);
      }
    }),
  );
});

test('what is required and ordered is everything that any of them names, once', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), part, (bases, own) => {
      const merged = merge(bases, own, []);
      const all = [own, ...bases];
      assert.deepEqual(merged.required.toSorted(), [...new Set(all.flatMap(({ required }) => required))].toSorted());
      assert.deepEqual(merged.order.toSorted(), [...new Set(all.flatMap(({ order }) => order))].toSorted());
      assert.equal(new Set(merged.order).size, merged.order.length);
    }),
  );
});

test('one base: its order comes first, or last when its properties are to come behind', () => {
  fc.assert(
    fc.property(part, part, fc.boolean(), (base, own, isBehind) => {
      const { order } = merge([base], own, isBehind ? ['base0'] : []);
      const [first, second] = isBehind ? [own, base] : [base, own];
      assert.deepEqual(order, [...new Set([...first.order, ...second.order])]);
    }),
  );
});

test('the prefix is its own, else that of the first base that has one', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), part, (bases, own) => {
      assert.equal(merge(bases, own, []).prefix, [own, ...bases].map(({ prefix }) => prefix).find((prefix) => prefix !== '') ?? '');
    }),
  );
});
