import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areExclusive, findMissingTag, findTagProblem } from './tag-conditions.ts';

const CASES: readonly (readonly [tags: readonly string[], node: readonly string[], isServed: boolean])[] = [
  [[], [], true],
  [['team-a', 'v2'], [], true],
  [['#canary'], [], false],
  [['#canary'], ['canary'], true],
  [['#canary', '#eu'], ['canary'], false],
  [['!canary'], [], true],
  [['!canary'], ['canary'], false],
  [['!zone:a,b'], ['zone:b'], false],
  [['!zone:a,b'], ['zone:c'], true],
  [['?a', '?b'], ['b'], true],
  [['?a,b'], ['b'], true],
  [['?a', '?b'], ['c'], false],
  [['?zone:a,b'], ['zone:b'], true],
  [['?zone:a,b'], ['b'], false],
  [['?zone:a', '?zone:b'], ['zone:a'], true],
  [['?zone:a,b', '?tier:gold'], ['zone:a'], false],
  [['?zone:a,b', '?tier:gold'], ['zone:a', 'tier:gold'], true],
  [['?*zone:a,b'], ['zone:a'], true],
  [['?*zone:a,b'], ['zone:a', 'zone:b'], false],
  [['?*zone:a,b'], [], false],
  [['#canary', '!eu', 'label'], ['canary', 'us'], true],
];

test('conditional tags choose nodes', () => {
  for (const [tags, node, isServed] of CASES) assert.equal(findMissingTag(tags, node) === undefined, isServed, `${tags} on ${node}`);
});

test('a refusal tells the tag', () => {
  assert.equal(findMissingTag(['#canary'], ['eu']), 'it is for nodes with the tag canary');
  assert.equal(findMissingTag(['!zone:a,b'], ['zone:b']), 'it is not for nodes with the tag zone:b');
  assert.equal(findMissingTag(['?zone:a,b'], []), 'it is for nodes with at least one of the tags zone:a, zone:b');
  assert.equal(findMissingTag(['?*zone:a,b'], []), 'it is for nodes with exactly one of the tags zone:a, zone:b');
});

test('entities exclude one another when no node can have both', () => {
  assert.ok(areExclusive(['#canary'], ['!canary']));
  assert.ok(areExclusive(['!zone:a,b'], ['?zone:a,b']));
  assert.ok(areExclusive(['!zone:a,b'], ['?*zone:a,b']));
  assert.ok(!areExclusive(['!zone:a'], ['?zone:a,b']));
  assert.ok(!areExclusive(['#canary'], undefined));
  assert.ok(!areExclusive(['#canary'], ['#stable']));
  assert.ok(!areExclusive(['canary'], ['!canary']));
});

test('a condition without a tag is a mistake', () => {
  for (const tag of ['#', '!', '?', '?*', '#zone:', '?zone:a,', '#a,b']) assert.ok(findTagProblem(tag), tag);
  for (const tag of ['', 'a', '#a', '#zone:a', '!a,b', '?a', '?*zone:a,b', 'a#b']) assert.equal(findTagProblem(tag), undefined, tag);
});
