import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseDurationNs } from './duration.ts';
import { toDurationText } from './duration-text.ts';

test('durations print as Go prints them', () => {
  const texts: readonly (readonly [number, string])[] = [
    [0, '0s'],
    [1, '1ns'],
    [1100, '1.1µs'],
    [10e6, '10ms'],
    [1.5e9, '1.5s'],
    [90e9, '1m30s'],
    [3600e9, '1h0m0s'],
    [3_661_000_000_001, '1h1m1.000000001s'],
    [-2e9, '-2s'],
  ];
  for (const [ns, text] of texts) assert.equal(toDurationText(ns), text);
});

test('what is printed reads back as the same span', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e15, max: 1e15 }), (ns) => {
      assert.equal(parseDurationNs(toDurationText(ns)), ns === 0 ? 0 : ns);
    }),
  );
});
