import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBytes } from './bytes.ts';

test('sizes', () => {
  for (const [value, bytes] of [
    [0, 0],
    [65_536, 65_536],
    ['512', 512],
    ['512B', 512],
    ['64KB', 64_000],
    ['64KiB', 65_536],
    ['64 kib', 65_536],
    ['10MiB', 10_485_760],
    ['1.5GiB', 1_610_612_736],
    ['2gb', 2e9],
  ] as const) {
    assert.equal(parseBytes(value), bytes, String(value));
  }
  for (const value of ['', 'MiB', '10XB', '-1', '1.5', '1.0001KB', 1.5, Number.NaN, 2 ** 60, true, undefined, '1e3'])
    assert.equal(parseBytes(value), undefined, String(value));
});
