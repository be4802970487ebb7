import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CommitQueue } from './commit-queue.ts';

const LIMITS = { maxRows: 3, maxBytes: 1000 };

test('whatever order rows are delivered in, a position counts only when all before it is delivered or parked', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('commit' as const), rows: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('other' as const) }),
    fc.record({ kind: fc.constant('deliver' as const), at: fc.nat({ max: 5 }) }),
    fc.record({ kind: fc.constant('park' as const), at: fc.nat({ max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new CommitQueue();
      /** Open rows of each position, in order; none for those of others. */
      const model: { readonly position: string; readonly open: Set<number> }[] = [];
      let id = 0;
      for (const [index, one] of steps.entries()) {
        const position = String(index);
        const open = model.flatMap((entry) => [...entry.open]);
        switch (one.kind) {
          case 'commit': {
            const rows = Array.from({ length: one.rows }, () => ({ id: (id += 1), bytes: 1 }));
            queue.add(rows, position);
            model.push({ position, open: new Set(rows.map((row) => row.id)) });
            break;
          }
          case 'other':
            queue.seen(position);
            model.push({ position, open: new Set() });
            break;
          case 'deliver':
          case 'park': {
            const chosen = open[one.at];
            if (chosen === undefined) break;
            if (one.kind === 'deliver') queue.drop([chosen]);
            else queue.park(chosen, `/p/${chosen}`);
            for (const entry of model) entry.open.delete(chosen);
          }
        }
        const firstOpen = model.findIndex((entry) => entry.open.size > 0);
        const allowed = firstOpen < 0 ? model : model.slice(0, firstOpen);
        if (queue.done !== undefined) assert.ok(allowed.some((entry) => entry.position === queue.done));
        if (firstOpen < 0) assert.equal(queue.done, model.at(-1)?.position);
        assert.deepEqual(queue.head(LIMITS), model.flatMap((entry) => [...entry.open]).slice(0, LIMITS.maxRows));
      }
    }),
  );
});

test('rows that were parked come back before all others, those of paths that still wait do not', () => {
  const queue = new CommitQueue();
  queue.add([{ id: 1, bytes: 1 }], 'a');
  queue.add([{ id: 2, bytes: 1 }], 'b');
  queue.park(1, '/x');
  assert.equal(queue.done, 'a');
  queue.add([{ id: 3, bytes: 1 }], 'c');
  queue.park(3, '/y');
  queue.unpark(new Set(['/y']));
  assert.deepEqual(queue.head(LIMITS), [1, 2]);
  queue.unpark(new Set());
  assert.deepEqual(queue.head(LIMITS), [3, 1, 2]);
});

test('a batch is bounded in rows and bytes, and never empty while something waits', () => {
  const queue = new CommitQueue();
  queue.add(
    [2000, 600, 300, 200, 1, 1, 1].map((bytes, index) => ({ id: index + 1, bytes })),
    'a',
  );
  assert.deepEqual(queue.head(LIMITS), [1]);
  queue.drop([1]);
  assert.deepEqual(queue.head(LIMITS), [2, 3]);
  queue.drop([2, 3]);
  assert.deepEqual(queue.head(LIMITS), [4, 5, 6]);
});
