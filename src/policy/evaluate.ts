import type { Filter, FilterValue } from '../schema/filter.ts';

type Resource = Readonly<Record<string, unknown>>;

/**
 * Whether the filter accepts the resource, as the compiled SQL would. An absent property is NULL. NULL is in a list that names it, compares
 * with nothing and contains nothing; `not` is the plain opposite, since `sql` leaves no third truth value either. Texts compare by their
 * code points; a database with another collation may order them differently.
 */
export function evaluateFilter(filter: Filter, resource: Resource): boolean {
  switch (filter.kind) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'and':
      return filter.of.every((part) => evaluateFilter(part, resource));
    case 'or':
      return filter.of.some((part) => evaluateFilter(part, resource));
    case 'not':
      return !evaluateFilter(filter.of, resource);
    default:
      return judge(filter, resource[filter.property] ?? null);
  }
}

function judge(filter: Extract<Filter, { readonly property: string }>, value: unknown): boolean {
  switch (filter.kind) {
    case 'in':
      return filter.values.some((one) => equals(value, one));
    case 'notIn':
      return !filter.values.some((one) => equals(value, one));
    case 'contains':
      return value !== null && toText(value).includes(filter.text);
    default: {
      const order = value === null || filter.value === null ? undefined : compare(value, filter.value);
      if (order === undefined) return false;
      if (filter.operator === 'gt') return order > 0;
      if (filter.operator === 'gte') return order >= 0;
      return filter.operator === 'lt' ? order < 0 : order <= 0;
    }
  }
}

/** Numbers beyond 2^53 are strings, and equal the same digits. */
function equals(value: unknown, wanted: FilterValue): boolean {
  return value === wanted || (typeof value === 'bigint' && String(value) === String(wanted));
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const INTEGER = /^-?[0-9]+$/;

/** Negative, zero or positive; undefined for what has no order. Integers in texts compare as numbers only with numbers. */
function compare(value: unknown, wanted: string | number | boolean): number | undefined {
  if (typeof value === 'string' && typeof wanted === 'string') {
    if (value.length >= 16 && INTEGER.test(value) && INTEGER.test(wanted)) return sign(BigInt(value), BigInt(wanted));
    return value < wanted ? -1 : Number(value > wanted);
  }
  if (typeof value === 'boolean' && typeof wanted === 'boolean') return Number(value) - Number(wanted);
  const [a, b] = [toNumber(value), toNumber(wanted)];
  return a === undefined || b === undefined ? undefined : sign(a, b);
}

function toNumber(value: unknown): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  return typeof value === 'string' && INTEGER.test(value) ? BigInt(value) : undefined;
}

function sign(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : Number(a > b);
}
