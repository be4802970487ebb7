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
});
