import { allOf, FALSE, type Filter, type FilterValue } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import { fromKey, toColumnValues } from './column-values.ts';

/** What a property must be: one of some values, or one of the keys of a transition map, whose rule the new value must keep. */
export type PropertyRule =
  | { readonly kind: 'values'; readonly values: readonly FilterValue[] }
  | { readonly kind: 'transitions'; readonly rules: ReadonlyMap<string, PropertyRule> };

/** `{type: property, match: {…}}`: rules for properties, all of which must hold. */
export interface PropertyCondition {
  readonly appliesTo: (action: string) => boolean;
  readonly rules: readonly (readonly [property: string, rule: PropertyRule])[];
}

type Values = Readonly<Record<string, unknown>>;

/** The name of the first property of `resource` that breaks a rule, or undefined. An absent property breaks every rule but those with null. */
export function findBroken(conditions: readonly PropertyCondition[], resource: Values): string | undefined {
  return find(conditions, (name, rule) => keeps(rule, resource[name]));
}

/** The same for an update of `stored` by `body`: a transition must lead from the stored value to the body's. */
export function findBrokenUpdate(conditions: readonly PropertyCondition[], stored: Values, body: Values): string | undefined {
  return find(conditions, (name, rule) => changes(rule, stored[name] ?? null, body[name]));
}

/** The stored rows that keep the rules. A property that the type lacks keeps none. */
export function toPropertyFilter(conditions: readonly PropertyCondition[], type: ResourceType): Filter {
  const filters: Filter[] = [];
  for (const { rules } of conditions) {
    for (const [name, rule] of rules) {
      const property = type.propertyByName.get(name);
      if (property === undefined) return FALSE;
      const values =
        rule.kind === 'values' ? toColumnValues(property, rule.values) : [...rule.rules.keys()].flatMap((key) => fromKey(property, key));
      if (values.length === 0) return FALSE;
      filters.push({ kind: 'in', property: name, values });
    }
  }
  return allOf(filters);
}

function find(conditions: readonly PropertyCondition[], isKept: (name: string, rule: PropertyRule) => boolean): string | undefined {
  for (const { rules } of conditions) {
    for (const [name, rule] of rules) if (!isKept(name, rule)) return name;
  }
  return undefined;
}

function keeps(rule: PropertyRule, value: unknown): boolean {
  if (rule.kind === 'values') return rule.values.includes(value as FilterValue);
  return ruleOf(rule.rules, value) !== undefined;
}

function changes(rule: PropertyRule, from: unknown, to: unknown): boolean {
  if (rule.kind === 'values') return keeps(rule, from);
  const next = ruleOf(rule.rules, from);
  return next !== undefined && keeps(next, to);
}

/** Keys are texts: 1 is found under `1`, true under `true`. */
function ruleOf(rules: ReadonlyMap<string, PropertyRule>, value: unknown): PropertyRule | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined;
  return rules.get(String(value));
}
