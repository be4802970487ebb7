import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInvocationNumbers, indexOf } from './invocation-table.ts';

test('numbers are never 0, are used again with another generation, and have a bound', () => {
  const numbers = createInvocationNumbers();
  const first = numbers.take() as number;
  const second = numbers.take() as number;
  assert.notEqual(first, 0);
  assert.notEqual(indexOf(first), indexOf(second));
  numbers.giveBack(first);
  const again = numbers.take() as number;
  assert.equal(indexOf(again), indexOf(first));
  assert.notEqual(again, first);
  for (let i = 0; i < 65_533; i += 1) assert.notEqual(numbers.take(), undefined);
  assert.equal(numbers.take(), undefined);
  let number = again;
  for (let i = 0; i < 20_000; i += 1) {
    numbers.giveBack(number);
    number = numbers.take() as number;
    assert.ok(number > 0 && number < 2 ** 30);
  }
});
