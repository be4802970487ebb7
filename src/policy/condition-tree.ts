import type { Identity } from '../lib/identity.ts';
import { allOf, anyOf, FALSE, type Filter, type FilterValue, TRUE } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import { toColumnValues } from './column-values.ts';
import { type OwnerRule, toOwnerFilter } from './owner.ts';

/** `and`, `or` and `match` conditions, parsed. */
export type ConditionTree =
  | { readonly kind: 'and' | 'or'; readonly of: readonly ConditionTree[] }
  | { readonly kind: 'owner'; readonly rule: OwnerRule }
  /** Attach policies only: target and source have the same tenant and domain. */
  | { readonly kind: 'sameTenancy' }
  | { readonly kind: 'match'; readonly property: string; readonly isNegated: boolean; readonly values: readonly FilterValue[] };

type Source = Readonly<Record<string, unknown>>;

/**
 * The rows of `type` for which the tree holds for the caller. `source` is the resource that refers to the target, for attach policies.
 * NULL is neither equal nor unequal to anything, as in SQL; a property that the type lacks never matches.
 */
export function toTreeFilter(tree: ConditionTree, identity: Identity, type: ResourceType, source?: Source): Filter {
  switch (tree.kind) {
    case 'and':
      return allOf(tree.of.map((part) => toTreeFilter(part, identity, type, source)));
    case 'or':
      return anyOf(tree.of.map((part) => toTreeFilter(part, identity, type, source)));
    case 'owner':
      return toOwnerFilter(tree.rule, identity, type);
    case 'sameTenancy':
      return toSameTenancy(type, source ?? {});
    default:
      return toMatch(tree, type);
  }
}

function toMatch(tree: ConditionTree & { kind: 'match' }, type: ResourceType): Filter {
  const property = type.propertyByName.get(tree.property);
  if (tree.values.length === 0) return tree.isNegated ? TRUE : FALSE;
  if (property === undefined) return FALSE;
  const values = toColumnValues(property, tree.values);
  if (tree.isNegated) return { kind: 'notIn', property: property.name, values: [...values.filter((value) => value !== null), null] };
  return values.length === 0 ? FALSE : { kind: 'in', property: property.name, values };
}

function toSameTenancy(type: ResourceType, source: Source): Filter {
  const filters: Filter[] = [];
  for (const property of ['tenant_id', 'domain_id']) {
    const owner = source[property];
    if (owner === undefined || !type.propertyByName.has(property)) continue;
    filters.push({ kind: 'in', property, values: [typeof owner === 'string' ? owner : null] });
  }
  return allOf(filters);
}
