import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGate } from './gate.ts';

test('so many are inside at once; the next enters, in turn, when one leaves; who gives up is passed over', async () => {
  const gate = createGate(1);
  const leave = await gate.enter(undefined);
  const order: string[] = [];
  const second = gate.enter(undefined).then((free) => {
    order.push('second');
    return free;
  });
  const gone = new AbortController();
  const third = gate.enter(gone.signal);
  const fourth = gate.enter(undefined).then((free) => {
    order.push('fourth');
    return free;
  });
  gone.abort(new Error('gone'));
  await assert.rejects(third, /gone/);
  leave();
  leave();
  (await second)();
  (await fourth)();
  assert.deepEqual(order, ['second', 'fourth']);
  (await gate.enter(undefined))();
});
