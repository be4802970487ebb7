import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMet, median, quantile, toTable } from './result.ts';

test('median and quantile', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([5, 1, 2, 3, 4], 0.99), 5);
  assert.equal(quantile([5, 1, 2, 3, 4], 0.5), 3);
});

test('a goal is kept at its limit', () => {
  const row = { name: 'plain', measured: 3.3, unit: '×', goal: { atMost: 3.3 } };
  assert.equal(isMet(row), true);
  assert.equal(isMet({ ...row, measured: 3.31 }), false);
  assert.match(toTable([row]), /plain +3\.30 × +≤ 3\.30 +met/);
  const least = { name: 'events', measured: 5000, unit: '/s', goal: { atLeast: 5000 } };
  assert.equal(isMet(least), true);
  assert.equal(isMet({ ...least, measured: 4999 }), false);
  assert.match(toTable([least]), /events +5000 \/s +≥ 5000 +met/);
});
