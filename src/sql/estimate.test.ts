import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { onEveryDatabase, schemasOf } from '../../test/support/databases.ts';
import { type Filter, TRUE } from '../schema/filter.ts';
import type { Database } from './types.ts';

const SCHEMAS = schemasOf(`
schemas:
- id: item
  singular: item
  plural: items
  title: t
  description: d
  schema:
    type: object
    properties:
      id: {title: t, description: d, type: string}
      kind: {title: t, description: d, type: string, indexed: true}
      big: {title: t, description: d, type: integer}
`);
const item = SCHEMAS.resources.get('item') ?? assert.fail();
const ROWS = 2000;
const ofKind = (...values: readonly string[]): Filter => ({ kind: 'in', property: 'kind', values });

onEveryDatabase((subject) => {
  let database: Database;
  before(async () => {
    database = await subject.open(await subject.createConnection());
    await database.prepare(SCHEMAS, { autoMigrate: true, cascadeDelete: false });
    const write = { isolation: 'READ COMMITTED' } as const;
    await database.transaction(async (session) => {
      for (let n = 0; n < ROWS; n += 1) await session.insert(item, { id: `i${n}`, kind: n % 4 === 0 ? 'rare' : 'common', big: n });
    }, write);
    if (subject.kind === 'postgresql') await database.reader.query('ANALYZE', []);
    if (subject.kind === 'mysql') await database.reader.query('ANALYZE TABLE items', []);
  });
  after(() => database.close());

  const isNear = (found: number, wanted: number): void =>
    assert.ok(Math.abs(found - wanted) <= wanted / 2, `${found} instead of ${wanted}`);

  test('up to the limit the number is exact', async () => {
    assert.deepEqual(await database.reader.estimate(item, TRUE, ROWS), { total: ROWS, isEstimate: false });
    assert.deepEqual(await database.reader.estimate(item, ofKind('rare'), 500), { total: 500, isEstimate: false });
    assert.deepEqual(await database.reader.estimate(item, ofKind('none'), 0), { total: 0, isEstimate: false });
    const beyond: Filter = { kind: 'compare', property: 'big', operator: 'gte', value: ROWS - 3 };
    assert.deepEqual(await database.reader.estimate(item, beyond, 3), { total: 3, isEstimate: false });
  });

  test('of more rows the planner guesses, and never less than were seen', async () => {
    for (const [filter, wanted] of [
      [TRUE, ROWS],
      [ofKind('rare'), ROWS / 4],
      [ofKind('common'), (ROWS * 3) / 4],
      [ofKind('rare', 'common'), ROWS],
    ] as const) {
      const { total, isEstimate } = await database.reader.estimate(item, filter, 100);
      assert.equal(isEstimate, subject.kind !== 'sqlite3');
      if (isEstimate) isNear(total, wanted);
      else assert.equal(total, wanted);
    }
    const contained: Filter = { kind: 'contains', property: 'kind', text: 'are' };
    const { total } = await database.reader.estimate(item, contained, 100);
    assert.ok(total > 100, String(total));
  });

  test('in a transaction it is asked in that', async () => {
    const { total } = await database.transaction((session) => session.estimate(item, TRUE, 10), { isolation: 'REPEATABLE READ' });
    isNear(total, ROWS);
  });
});
