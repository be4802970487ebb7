import type { Filter, FilterValue } from '../schema/filter.ts';

type Resource = Readonly<Record<string, unknown>>;
/** SQL's three values: NULL compared with anything is unknown, and `not` of unknown stays unknown. */
type Truth = boolean | undefined;

/**
 * Whether the filter accepts the resource, as the database would: unknown is no. An absent property is NULL. Texts compare by their
 * code points; a database with another collation may order them differently.
 */
export function evaluateFilter(filter: Filter, resource: Resource): boolean {
  return judge(filter, resource) === true;
}

function judge(filter: Filter, resource: Resource): Truth {
  switch (filter.kind) {
    case 'true':
      return true;
    case 'false':
      return false;
    case 'and':
      return fold(filter.of, resource, false);
    case 'or':
      return fold(filter.of, resource, true);
    case 'not': {
      const truth = judge(filter.of, resource);
      return truth === undefined ? undefined : !truth;
    }
    default:
      return judgeValue(filter, resource[filter.property] ?? null);
  }
}

/** `and` is decided by one false, `or` by one true; else one unknown makes all unknown. */
function fold(filters: readonly Filter[], resource: Resource, decides: boolean): Truth {
  let truth: Truth = !decides;
  for (const filter of filters) {
    const one = judge(filter, resource);
    if (one === decides) return decides;
    if (one === undefined) truth = undefined;
  }
  return truth;
}

type ValueFilter = Extract<Filter, { readonly property: string }>;

function judgeValue(filter: ValueFilter, value: unknown): Truth {
  switch (filter.kind) {
    case 'in':
      if (value !== null) return filter.values.some((one) => equals(value, one));
      return filter.values.includes(null) ? true : filter.values.length === 0 ? false : undefined;
    case 'notIn':
      return value === null ? !filter.values.includes(null) : !filter.values.some((one) => equals(value, one));
    case 'contains':
      return value === null ? undefined : toText(value).includes(filter.text);
    default: {
      const order = value === null || filter.value === null ? undefined : compare(value, filter.value);
      if (order === undefined) return undefined;
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
