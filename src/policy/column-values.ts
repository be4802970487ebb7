import type { FilterValue } from '../schema/filter.ts';
import type { Property } from '../schema/types.ts';

/** Integers that JSON's numbers can't hold travel as strings. */
const BIG_INTEGER = /^-?[0-9]{16,}$/;

/**
 * Those of `values` that a column of the property can hold. What it can't hold equals nothing in it, and some databases refuse to compare
 * values of different types at all.
 */
export function toColumnValues(property: Property, values: readonly FilterValue[]): readonly FilterValue[] {
  return values.filter((value) => value === null || fits(property.type, value));
}

/** The values that a key of a transition map stands for in a column of the property: keys are always texts there. */
export function fromKey(property: Property, key: string): readonly FilterValue[] {
  if (property.type === 'boolean') return key === 'true' ? [true] : key === 'false' ? [false] : [];
  if (property.type === 'integer' || property.type === 'number') {
    if (BIG_INTEGER.test(key) && !Number.isSafeInteger(Number(key))) return [key];
    const number = Number(key);
    return String(number) === key ? [number] : [];
  }
  return property.type === 'string' ? [key] : [];
}

function fits(type: Property['type'], value: string | number | boolean): boolean {
  if (type === 'string') return typeof value === 'string';
  if (type === 'boolean') return typeof value === 'boolean';
  if (type === 'integer' || type === 'number') return typeof value === 'number' || (typeof value === 'string' && BIG_INTEGER.test(value));
  return false;
}
