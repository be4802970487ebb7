import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FALSE, type Filter, TRUE } from '../schema/filter.ts';
import { evaluateFilter } from './evaluate.ts';

const is = (...values: (string | number | boolean | null)[]): Filter => ({ kind: 'in', property: 'p', values });
const isNot = (...values: (string | number | boolean | null)[]): Filter => ({ kind: 'notIn', property: 'p', values });
const not = (of: Filter): Filter => ({ kind: 'not', of });
const than = (operator: 'gt' | 'gte' | 'lt' | 'lte', value: string | number | boolean | null): Filter => ({
  kind: 'compare',
  property: 'p',
  operator,
  value,
});
const contains = (text: string): Filter => ({ kind: 'contains', property: 'p', text });

const cases: readonly (readonly [name: string, filter: Filter, value: unknown, accepted: boolean])[] = [
  ['a value in the list', is('a', 'b'), 'b', true],
  ['a value that is not', is('a', 'b'), 'c', false],
  ['NULL in a list without null', is('a'), null, false],
  ['an absent property is NULL', is('a', null), undefined, true],
  ['nothing is in an empty list', is(), null, false],
  ['everything is outside an empty list', isNot(), null, true],
  ['NULL is none of the values', isNot('a'), null, true],
  ['NULL is one of the values', isNot('a', null), null, false],
  ['a number is no text', is('1'), 1, false],
  ['a big integer equals its digits', is('9007199254740993'), 9007199254740993n, true],
  ['not of a list, with NULL', not(is('a')), null, true],
  ['NULL is not greater', than('gt', 1), null, false],
  ['nothing compares with null', than('gte', null), 1, false],
  ['gt', than('gt', 1), 2, true],
  ['gt of the same', than('gt', 2), 2, false],
  ['gte of the same', than('gte', 2), 2, true],
  ['lt', than('lt', 2), 1.5, true],
  ['lte', than('lte', 2), 3, false],
  ['big integers compare exactly', than('gt', '9007199254740992'), '9007199254740993', true],
  ['a big integer and a small number', than('gt', 5), '9007199254740993', true],
  ['texts compare as texts', than('lt', '2'), '10', true],
  ['false is before true', than('lt', true), false, true],
  ['text and boolean do not compare', than('lt', true), 'a', false],
  ['contains', contains('b'), 'abc', true],
  ['contains is exact about case', contains('B'), 'abc', false],
  ['NULL contains nothing', contains(''), null, false],
  ['and', { kind: 'and', of: [TRUE, is('a')] }, 'a', true],
  ['and with false', { kind: 'and', of: [TRUE, FALSE] }, 'a', false],
  ['or', { kind: 'or', of: [FALSE, is('a')] }, 'a', true],
  ['or of nothing', { kind: 'or', of: [] }, 'a', false],
];

for (const [name, filter, value, accepted] of cases) {
  test(`evaluate: ${name}`, () => assert.equal(evaluateFilter(filter, { p: value }), accepted));
}
