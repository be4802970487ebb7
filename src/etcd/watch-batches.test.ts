import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createWatchBatches } from './watch-batches.ts';

const toMessage = (revisions: readonly number[], fragment = false) => ({
  header: { revision: '999' },
  ...(fragment && { fragment: true }),
  events: revisions.map((revision) => ({ kv: { key: 'YQ==', mod_revision: String(revision) } })),
});

test('fragments are put together; whole revisions do not wait for the rest', () => {
  const batches = createWatchBatches(1);
  assert.deepEqual(batches.add(toMessage([2, 3, 3], true))?.revision, 2);
  assert.equal(batches.add(toMessage([3], true)), undefined);
  const last = batches.add(toMessage([3, 4, 4]));
  assert.equal(last?.revision, 4);
  assert.deepEqual(
    last.events.map((event) => event.kv.modRevision),
    [3, 3, 3, 3, 4, 4],
  );
});

test('what a list had already is not told again, nor the rest of it', () => {
  const batches = createWatchBatches(1);
  assert.equal(batches.add(toMessage([2, 2], true)), undefined);
  batches.skipTo(2);
  assert.equal(batches.add(toMessage([2])), undefined);
  assert.equal(batches.add(toMessage([2, 3]))?.events.length, 1);
  assert.equal(batches.add({ header: { revision: '50' } }), undefined, 'progress is no event');
  assert.equal(batches.add(toMessage([4]))?.revision, 4, 'nor does it move anything on');
});

test('however a history is cut into fragments, every revision comes once and whole', () => {
  const history = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(history, fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 20 }), (sizes, cuts) => {
      const all = sizes.flatMap((size, i) => Array.from({ length: size }, () => i + 1));
      const batches = createWatchBatches(0);
      const told: number[] = [];
      for (let at = 0, i = 0; at < all.length; i += 1) {
        const part = all.slice(at, at + (cuts[i % cuts.length] ?? 1));
        at += part.length;
        const batch = batches.add(toMessage(part, at < all.length));
        if (batch === undefined) continue;
        const revisions = batch.events.map((event) => event.kv.modRevision);
        assert.ok(Math.min(...revisions) > (told.at(-1) ?? 0), 'a revision was torn');
        told.push(...revisions);
      }
      assert.deepEqual(told, all);
    }),
  );
});
