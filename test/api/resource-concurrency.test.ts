import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onEveryDatabaseServing, property, schema } from '../support/models.ts';

const SCHEMAS = [
  'schemas:',
  schema('owner', [property('name', 'string', 'default: ""')]),
  schema(
    'item',
    [property('count', 'integer', 'default: 0'), property('owner_id', '[string, "null"]', 'relation: owner')],
    ['metadata: {state_versioning: true}'],
  ),
].join('\n');

onEveryDatabaseServing(
  SCHEMAS,
  ({ api, make }) => {
    const many = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

    test('writers of different rows do not refuse one another', async () => {
      await make('/t/owners', { id: 'o' });
      const made = await Promise.all(many(60).map((i) => api('POST', '/t/items', { body: { id: `i${i}`, owner_id: 'o' } })));
      assert.deepEqual(
        made.filter(({ status }) => status !== 201).map(({ text }) => text),
        [],
      );
      const put = await Promise.all(many(60).map((i) => api('PUT', `/t/items/i${i}`, { body: { count: i } })));
      assert.deepEqual(
        put.filter(({ status }) => status !== 200).map(({ text }) => text),
        [],
      );
      assert.equal((await api('GET', '/t/items')).headers['x-total-count'], '60');
    });

    test('writers of one row come one after another: every answered change is counted, and in the event log', async () => {
      await make('/t/items', { id: 'one' });
      const put = await Promise.all(many(20).map((i) => api('PUT', '/t/items/one', { body: { count: i } })));
      const done = put.filter(({ status }) => status === 200).length;
      assert.deepEqual(
        put.filter(({ status }) => status !== 200 && status !== 503).map(({ text }) => text),
        [],
      );
      const { events } = (await api('GET', '/gohan/v0.1/events?path=/t/items/one&sort_key=id')).json();
      assert.deepEqual(
        events.map(({ version }: { version: number }) => version),
        many(done + 1).map((index) => index + 1),
      );
      const last = JSON.parse(events.at(-1).body);
      assert.equal((await api('GET', '/t/items/one')).json().item.count, last.count);
    });
  },
  { event_log: 'on' },
);
