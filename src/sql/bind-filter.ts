import { SekishoError } from '../lib/errors.ts';
import type { Filter, FilterValue } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import { type Column, findColumn, type Parameter, toCompared, toInteger } from './column.ts';
import type { Dialect } from './dialect.ts';

/**
 * A filter without negations, its values bound: `key` is its shape, which decides the SQL; parameters stand in the order of the tree.
 * `isNegated` leaves hold for NULL, the others do not, so that SQL's third truth value never decides.
 */
export type BoundFilter =
  | { readonly kind: 'true' | 'false' }
  | { readonly kind: 'and' | 'or'; readonly of: readonly BoundFilter[] }
  | { readonly kind: 'null' | 'notNull'; readonly column: Column }
  /** `count` parameters; `orNull` when NULL is to match too. */
  | { readonly kind: 'in' | 'notIn'; readonly column: Column; readonly count: number; readonly orNull: boolean }
  | { readonly kind: 'compare'; readonly column: Column; readonly operator: CompareOperator; readonly orNull: boolean }
  | { readonly kind: 'contains'; readonly column: Column; readonly isNegated: boolean };

export type CompareOperator = 'gt' | 'gte' | 'lt' | 'lte';

/** What a bound filter's values are collected in: parameters in order, and the text that names the shape. */
export interface Binding {
  readonly dialect: Dialect;
  readonly type: ResourceType;
  readonly parameters: Parameter[];
  key: string;
}

const OPPOSITE: Readonly<Record<CompareOperator, CompareOperator>> = { gt: 'lte', gte: 'lt', lt: 'gte', lte: 'gt' };
const NEVER: BoundFilter = { kind: 'false' };
const ALWAYS: BoundFilter = { kind: 'true' };

/** Binds a filter on rows of the type: negations are pushed to the leaves, values become parameters. QUERY_INVALID for a property that is none. */
export function bindFilter(binding: Binding, filter: Filter, isNegated = false): BoundFilter {
  switch (filter.kind) {
    case 'true':
    case 'false':
      return constant(binding, (filter.kind === 'true') !== isNegated);
    case 'not':
      return bindFilter(binding, filter.of, !isNegated);
    case 'and':
    case 'or': {
      const kind = (filter.kind === 'and') === isNegated ? 'or' : 'and';
      binding.key += kind === 'and' ? '&(' : '|(';
      const of = filter.of.map((part) => bindFilter(binding, part, isNegated));
      binding.key += ')';
      return { kind, of };
    }
    case 'in':
    case 'notIn':
      return bindValues(binding, filter.property, filter.values, (filter.kind === 'in') !== isNegated);
    case 'compare':
      return bindCompare(binding, filter, isNegated);
    case 'contains': {
      const column = columnOf(binding, filter.property);
      binding.key += `${isNegated ? '!' : ''}%${column.name};`;
      binding.parameters.push(binding.dialect.containsText(filter.text));
      return { kind: 'contains', column, isNegated };
    }
  }
}

function constant(binding: Binding, isTrue: boolean): BoundFilter {
  binding.key += isTrue ? 'T' : 'F';
  return isTrue ? ALWAYS : NEVER;
}

function bindValues(binding: Binding, property: string, values: readonly FilterValue[], isIn: boolean): BoundFilter {
  const column = columnOf(binding, property);
  const bound: Parameter[] = [];
  let hasNull = false;
  for (const value of values) {
    const parameter = value === null ? null : toCompared(column.kind, value);
    if (parameter === null) hasNull = true;
    else if (parameter !== undefined) bound.push(binding.dialect.bind(parameter, column.kind));
  }
  if (bound.length === 0) {
    if (!hasNull) return constant(binding, !isIn);
    binding.key += `${isIn ? '0' : '1'}${column.name};`;
    return { kind: isIn ? 'null' : 'notNull', column };
  }
  // Lists are filled up to a power of two: a database then sees few different statements.
  const last = bound.at(-1) ?? null;
  const count = 2 ** Math.ceil(Math.log2(bound.length));
  while (bound.length < count) bound.push(last);
  binding.parameters.push(...bound);
  const orNull = isIn === hasNull;
  binding.key += `${isIn ? '=' : '#'}${bound.length}${orNull ? '?' : ''}${column.name};`;
  return { kind: isIn ? 'in' : 'notIn', column, count: bound.length, orNull };
}

function bindCompare(binding: Binding, filter: Filter & { readonly kind: 'compare' }, isNegated: boolean): BoundFilter {
  const column = columnOf(binding, filter.property);
  const limit = filter.value === null ? NONE : toLimit(column, filter.operator, filter.value);
  // Nothing compares with null or with what the column can't hold.
  if (limit.kind === 'none') return constant(binding, isNegated);
  if (limit.kind === 'all') {
    binding.key += `${isNegated ? '0' : '1'}${column.name};`;
    return { kind: isNegated ? 'null' : 'notNull', column };
  }
  const operator = isNegated ? OPPOSITE[filter.operator] : filter.operator;
  binding.parameters.push(binding.dialect.bind(limit.value, column.kind));
  binding.key += `${operator}${isNegated ? '?' : ''}${column.name};`;
  return { kind: 'compare', column, operator, orNull: isNegated };
}

/** What a column is compared with: a value, or it is known that all or none of the rows that have one pass. */
type Limit = { readonly kind: 'value'; readonly value: Parameter } | { readonly kind: 'all' } | { readonly kind: 'none' };

const NONE: Limit = { kind: 'none' };

function toLimit(column: Column, operator: CompareOperator, value: string | number | boolean): Limit {
  const exact = toCompared(column.kind, value);
  if (exact !== undefined) return { kind: 'value', value: exact };
  const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  if (column.kind !== 'integer' || typeof value === 'boolean' || Number.isNaN(number)) return NONE;
  // An integer is greater than 1.5 when it is greater than 1, and at least 1.5 when it is at least 2.
  const isFloored = operator === 'gt' || operator === 'lte';
  const rounded = Math.abs(number) < 2 ** 63 ? toInteger(isFloored ? Math.floor(number) : Math.ceil(number)) : undefined;
  if (rounded !== undefined) return { kind: 'value', value: rounded };
  const isUpper = operator === 'lt' || operator === 'lte';
  return number > 0 === isUpper ? { kind: 'all' } : NONE;
}

function columnOf(binding: Binding, property: string): Column {
  const column = findColumn(binding.type, property);
  if (column !== undefined) return column;
  throw new SekishoError('QUERY_INVALID', `${binding.type.id} has no property ${property}`);
}
