import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../support/client.ts';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const SCHEMAS = `
schemas:
${schema('thing', [property('label', '[string, "null"]'), property('box', '[object, "null"]')])}
${schema('kid', [property('label', '[string, "null"]')], ['parent: thing', 'on_parent_delete_cascade: true'])}
`;

onEveryDatabaseServing(SCHEMAS, ({ api, make }) => {
  /** How often each status came, e.g. `{201: 1, 409: 39}`. */
  const tally = async (count: number, call: (index: number) => Promise<Answer>): Promise<Record<string, number>> => {
    const answers = await Promise.all(Array.from({ length: count }, (_, index) => call(index)));
    const counts: Record<string, number> = {};
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  };

  test('of creates with one id one wins, the others conflict', async () => {
    assert.deepEqual(await tally(30, () => api('POST', '/t/things', { body: { id: 'same' } })), { 201: 1, 409: 29 });
  });

  test('of PUTs to a new id one creates, the others update', async () => {
    const counts = await tally(30, (index) => api('PUT', '/t/things/put', { body: { label: `${index}` } }));
    assert.deepEqual(counts, { 200: 29, 201: 1 });
  });

  test('writers of one row wait for one another, and no change is lost', async () => {
    await make('/t/things', { id: 'merged' });
    const counts = await tally(30, (index) => api('PATCH', '/t/things/merged', { body: { box: { [`k${index}`]: index } } }));
    assert.deepEqual(counts, { 200: 30 });
    assert.equal(Object.keys((await api('GET', '/t/things/merged')).json().thing.box).length, 30);
  });

  test('of deletes one finds the row', async () => {
    await make('/t/things', { id: 'gone' });
    assert.deepEqual(await tally(20, () => api('DELETE', '/t/things/gone')), { 204: 1, 404: 19 });
  });

  test('no child outlives its parent, whoever comes first', async () => {
    await make('/t/things', { id: 'parent' });
    await tally(30, (index) =>
      index === 15 ? api('DELETE', '/t/things/parent') : api('POST', '/t/kids', { body: { id: `k${index}`, thing_id: 'parent' } }),
    );
    assert.equal((await api('GET', '/t/things/parent')).status, 404);
    assert.deepEqual((await api('GET', '/t/kids')).json(), { kids: [] });
  });

  test('more requests at once than the database has connections', async () => {
    assert.deepEqual(await tally(100, (index) => api('POST', '/t/things', { body: { id: `many-${index}` } })), { 201: 100 });
    assert.deepEqual(await tally(100, () => api('GET', '/t/things?limit=5')), { 200: 100 });
  });
});
