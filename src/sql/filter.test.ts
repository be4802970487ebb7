import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { onEveryDatabase, schemasOf } from '../../test/support/databases.ts';
import type { Filter, FilterValue } from '../schema/filter.ts';
import type { Database, Resource, Selection } from './types.ts';

const FIELD = '{title: t, description: d, permission: [create, update]';
const SCHEMAS = schemasOf(`
schemas:
- id: thing
  singular: thing
  plural: things
  title: Thing
  description: d
  schema:
    type: object
    properties:
      id: ${FIELD}, type: integer}
      text: ${FIELD}, type: [string, 'null']}
      count: ${FIELD}, type: [integer, 'null']}
      rate: ${FIELD}, type: [number, 'null']}
      flag: ${FIELD}, type: [boolean, 'null']}
      list: ${FIELD}, type: [array, 'null']}
      always: ${FIELD}, type: string}
    required: [always]
`);
const thing = SCHEMAS.resources.get('thing') ?? assert.fail('no schema');

// Texts that are special in LIKE, in quotes or in collations.
const TEXTS = ['', 'a', 'A', 'a ', 'ä', '%', '_', '|', '\\', "'", 'a%b', 'a_b', 'ab', '5', 'true', 'null', 'Z', 'z'];
const COUNTS = [0, 1, -1, 5, 1000, '9007199254740993', '9007199254740992', '-9223372036854775808'];
const RATES = [0, 1, 5, 0.1, -2.5, 1e300];
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  text: [...TEXTS, null],
  count: [...COUNTS, null],
  rate: [...RATES, null],
  flag: [true, false, null],
  list: [[], ['a'], ['a', 'b'], [1], null],
  always: TEXTS,
};

/** What a filter compares a stored value with: JSON by its text, all numbers exactly. */
function toComparable(property: string, value: unknown): bigint | number | string | boolean | undefined {
  if (value === null || value === undefined) return undefined;
  if (property === 'count' || property === 'id') return /^-?\d+$/.test(String(value)) ? BigInt(String(value)) : undefined;
  if (property === 'list' && typeof value === 'object') return JSON.stringify(value);
  return value as number | string | boolean;
}

/** The semantics of schema/filter.ts, in memory. */
function accepts(filter: Filter, row: Resource): boolean {
  switch (filter.kind) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'not':
      return !accepts(filter.of, row);
    case 'and':
      return filter.of.every((part) => accepts(part, row));
    case 'or':
      return filter.of.some((part) => accepts(part, row));
    case 'in':
      return isAmong(row, filter.property, filter.values);
    case 'notIn':
      return !isAmong(row, filter.property, filter.values);
    case 'compare': {
      const [found, limit] = [toComparable(filter.property, row[filter.property]), toComparable(filter.property, filter.value)];
      if (found === undefined || limit === undefined) return false;
      const order = found < limit ? -1 : found > limit ? 1 : 0;
      return { gt: order > 0, gte: order >= 0, lt: order < 0, lte: order <= 0 }[filter.operator];
    }
    case 'contains': {
      const value = toComparable(filter.property, row[filter.property]);
      return value !== undefined && String(value).includes(filter.text);
    }
  }
}

function isAmong(row: Resource, property: string, values: readonly FilterValue[]): boolean {
  const found = toComparable(property, row[property]);
  return values.some((value) => (value === null ? found === undefined : found !== undefined && toComparable(property, value) === found));
}

const property = fc.constantFrom(...Object.keys(VALUES));
const leaf: fc.Arbitrary<Filter> = property.chain((name) => {
  const values = (VALUES[name] ?? []).map((value) =>
    typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as FilterValue),
  );
  const value = fc.constantFrom(...values);
  const list = fc.array(value, { maxLength: 5 });
  const some: fc.Arbitrary<Filter>[] = [
    list.map((of) => ({ kind: 'in', property: name, values: of })),
    list.map((of) => ({ kind: 'notIn', property: name, values: of })),
    fc.record({
      kind: fc.constant('compare' as const),
      property: fc.constant(name),
      operator: fc.constantFrom('gt', 'gte', 'lt', 'lte'),
      value,
    }),
  ];
  if (name === 'text' || name === 'always' || name === 'list' || name === 'count') {
    some.push(fc.constantFrom(...TEXTS, '"a","b"').map((text) => ({ kind: 'contains', property: name, text })));
  }
  return fc.oneof(...some);
});
const filters = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.constantFrom<Filter>({ kind: 'true' }, { kind: 'false' }),
    tie('filter').map((of): Filter => ({ kind: 'not', of })),
    fc.record({ kind: fc.constantFrom('and', 'or'), of: fc.array(tie('filter'), { maxLength: 3 }) }),
  ),
})).filter;

const rows: readonly Resource[] = Array.from({ length: 60 }, (_, id) => {
  const pick = (name: string, step: number): unknown => (VALUES[name] ?? [])[(id * step) % (VALUES[name] ?? []).length];
  return {
    id,
    text: pick('text', 7),
    count: pick('count', 5),
    rate: pick('rate', 3),
    flag: pick('flag', 1),
    list: pick('list', 2),
    always: pick('always', 11),
  };
});

/** The order of a list, in memory: NULL first; texts by code points. */
function compareRows(sort: NonNullable<Selection['sort']>, a: Resource, b: Resource): number {
  for (const key of [...sort, { property: 'id', descending: false }]) {
    const [left, right] = [toComparable(key.property, a[key.property]), toComparable(key.property, b[key.property])];
    if (left === right) continue;
    const order = left === undefined ? -1 : right === undefined ? 1 : left < right ? -1 : 1;
    return key.descending ? -order : order;
  }
  return 0;
}

onEveryDatabase((subject) => {
  let database: Database;
  before(async () => {
    database = await subject.open(await subject.createConnection());
    await database.prepare(SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    await database.transaction(
      async (session) => {
        for (const row of rows) await session.insert(thing, row);
      },
      { isolation: 'SERIALIZABLE' },
    );
  });
  after(async () => database.close());

  test('a filter finds the rows that it accepts in memory, and count counts them', async () => {
    const check = fc.asyncProperty(filters, async (filter) => {
      const expected = rows.filter((row) => accepts(filter, row)).map((row) => row['id']);
      const found = await database.reader.list(thing, { filter, fields: ['id'] });
      assert.deepEqual(
        found.map((row) => row['id']),
        expected,
      );
      assert.equal(await database.reader.count(thing, filter), expected.length);
    });
    await fc.assert(check, { numRuns: 400 });
  });

  test('values that a column cannot hold match nothing, and their comparisons are rounded', async () => {
    const ids = async (filter: Filter) => (await database.reader.list(thing, { filter })).length;
    assert.equal(await ids({ kind: 'in', property: 'count', values: ['x', 1.5, true, '1e3'] }), 0);
    assert.equal(await ids({ kind: 'in', property: 'flag', values: ['x'] }), 0);
    assert.equal(await ids({ kind: 'in', property: 'rate', values: ['x', ''] }), 0);
    const positive = rows.filter((row) => row['count'] !== null && Number(row['count']) >= 1).length;
    assert.equal(await ids({ kind: 'compare', property: 'count', operator: 'gt', value: 0.5 }), positive);
    assert.equal(await ids({ kind: 'compare', property: 'count', operator: 'gte', value: '0.5' }), positive);
    assert.equal(await ids({ kind: 'compare', property: 'count', operator: 'gt', value: 1e30 }), 0);
    assert.equal(
      await ids({ kind: 'compare', property: 'count', operator: 'lt', value: '99999999999999999999' }),
      rows.filter((row) => row['count'] !== null).length,
    );
  });

  test('pages by keyset are the list in its order, without gaps and repetitions', async () => {
    const sorts = fc.array(fc.record({ property, descending: fc.boolean() }), { maxLength: 3 });
    const check = fc.asyncProperty(sorts, fc.integer({ min: 7, max: 40 }), async (sort, limit) => {
      const found: Resource[] = [];
      for (let after: readonly unknown[] | undefined; ; ) {
        const page = await database.reader.list(thing, { filter: { kind: 'true' }, sort, limit, ...(after !== undefined && { after }) });
        found.push(...page);
        const last = page.at(-1);
        if (last === undefined) break;
        after = [...sort.map((key) => toComparable(key.property, last[key.property]) ?? null), last['id']].map((value) =>
          typeof value === 'bigint' ? String(value) : value,
        );
      }
      const expected = rows.toSorted((a, b) => compareRows(sort, a, b)).map((row) => row['id']);
      assert.deepEqual(
        found.map((row) => row['id']),
        expected,
      );
    });
    await fc.assert(check, { numRuns: 40 });
  });
});
