import { SekishoError } from '../lib/errors.ts';
import type { ResourceType } from '../schema/types.ts';
import { type Column, findColumn, keyOf, type Parameter, toCompared } from './column.ts';
import type { Selection } from './types.ts';

/** One column of an order. */
export interface SortKey {
  readonly column: Column;
  readonly isDescending: boolean;
  /** Where its value stands among those of `Selection.after`. */
  readonly place: number;
}

/** The total order of a list: its sort properties, then the key of the type. QUERY_INVALID for a property that is none. */
export function toSortKeys(type: ResourceType, sort: Selection['sort']): readonly SortKey[] {
  const keys: SortKey[] = [];
  for (const [place, { property, descending }] of (sort ?? []).entries()) {
    if (keys.some((key) => key.column.name === property)) continue;
    const column = findColumn(type, property);
    if (column === undefined) throw new SekishoError('QUERY_INVALID', `${type.id} has no property ${property} to sort by`);
    keys.push({ column, isDescending: descending, place });
  }
  const name = keyOf(type);
  const column = findColumn(type, name);
  if (column !== undefined && !keys.some((key) => key.column.name === name))
    keys.push({ column, isDescending: false, place: sort?.length ?? 0 });
  return keys;
}

/** The values after which a page begins, as parameters of the sort keys; null for a row that had none. PAGE_TOKEN_INVALID when they do not fit. */
export function toKeysetValues(keys: readonly SortKey[], after: readonly unknown[]): readonly Parameter[] {
  return keys.map(({ column, place }) => {
    const value = after[place];
    if (value === null) return null;
    const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    const parameter = isScalar ? toCompared(column.kind, value) : undefined;
    if (parameter === undefined) throw new SekishoError('PAGE_TOKEN_INVALID', `the page token has no value for ${column.name}`);
    return parameter;
  });
}

/**
 * The condition of the rows after `values`. `emit` is called for each placeholder in order and gives its text; `nameOf` gives the comparable
 * expression of a column. NULL comes first ascending, last descending.
 */
export function compileKeyset(
  keys: readonly SortKey[],
  values: readonly Parameter[],
  nameOf: (column: Column) => string,
  emit: (column: Column, value: Parameter) => string,
): string {
  const bound = leadingBound(keys, values, nameOf, emit);
  const alternatives: string[] = [];
  for (let last = 0; last < keys.length; last += 1) {
    const key = keys[last] as SortKey;
    const value = values[last] ?? null;
    if (value === null && key.isDescending) continue;
    const parts = keys.slice(0, last).map(({ column }, index) => {
      const before = values[index] ?? null;
      return before === null ? `${nameOf(column)} IS NULL` : `${nameOf(column)} = ${emit(column, before)}`;
    });
    parts.push(beyond(key, value, nameOf(key.column), emit));
    alternatives.push(`(${parts.join(' AND ')})`);
  }
  const condition = alternatives.length === 0 ? '1=0' : `(${alternatives.join(' OR ')})`;
  return bound === '' ? condition : `(${bound} AND ${condition})`;
}

function beyond(key: SortKey, value: Parameter, name: string, emit: (column: Column, value: Parameter) => string): string {
  if (value === null) return `${name} IS NOT NULL`;
  if (!key.isDescending) return `${name} > ${emit(key.column, value)}`;
  const test = `${name} < ${emit(key.column, value)}`;
  return key.column.isNullable ? `(${test} OR ${name} IS NULL)` : test;
}

/** Implied by the rest, but lets an index on the first column start there. */
function leadingBound(
  keys: readonly SortKey[],
  values: readonly Parameter[],
  nameOf: (column: Column) => string,
  emit: (column: Column, value: Parameter) => string,
): string {
  const key = keys[0];
  const value = values[0] ?? null;
  if (key === undefined || keys.length < 2 || value === null || (key.isDescending && key.column.isNullable)) return '';
  return `${nameOf(key.column)} ${key.isDescending ? '<=' : '>='} ${emit(key.column, value)}`;
}
