/** A value that a column is compared with. Numbers beyond 2^53 travel as strings. */
export type FilterValue = string | number | boolean | null;

/**
 * A condition on the rows of one resource type. Policies and query parameters both become one of these; `sql` compiles it,
 * `policy` can evaluate it in memory. Property names are first-level ones of the type.
 */
export type Filter =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter }
  /** The property equals one of the values; an empty list matches nothing. A null among the values matches NULL. */
  | { readonly kind: 'in'; readonly property: string; readonly values: readonly FilterValue[] }
  /** The property is none of the values (NULL is none of them); an empty list matches everything. */
  | { readonly kind: 'notIn'; readonly property: string; readonly values: readonly FilterValue[] }
  | { readonly kind: 'compare'; readonly property: string; readonly operator: 'gt' | 'gte' | 'lt' | 'lte'; readonly value: FilterValue }
  /** The text is somewhere in the property. */
  | { readonly kind: 'contains'; readonly property: string; readonly text: string };

export const TRUE: Filter = { kind: 'true' };
export const FALSE: Filter = { kind: 'false' };

/** All of them; constants are folded. */
export function allOf(filters: readonly Filter[]): Filter {
  const rest = filters.filter((filter) => filter.kind !== 'true');
  if (rest.some((filter) => filter.kind === 'false')) return FALSE;
  return rest.length === 0 ? TRUE : rest.length === 1 ? (rest[0] as Filter) : { kind: 'and', of: rest };
}

/** Any of them; constants are folded. */
export function anyOf(filters: readonly Filter[]): Filter {
  const rest = filters.filter((filter) => filter.kind !== 'false');
  if (rest.some((filter) => filter.kind === 'true')) return TRUE;
  return rest.length === 0 ? FALSE : rest.length === 1 ? (rest[0] as Filter) : { kind: 'or', of: rest };
}
