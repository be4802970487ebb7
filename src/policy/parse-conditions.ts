import { nearest } from '../lib/nearest.ts';
import type { FilterValue } from '../schema/filter.ts';
import type { ConditionTree } from './condition-tree.ts';
import type { BelongsTo, OwnerRule } from './owner.ts';
import type { PropertyCondition, PropertyRule } from './property-condition.ts';
import type { Report } from './report.ts';
import { compileTenantPattern } from './tenant-pattern.ts';

/** A condition list, parsed. All of it must hold; `belongsTo` widens the owner rule. */
export interface Conditions {
  readonly owner: OwnerRule;
  readonly belongsTo: readonly BelongsTo[];
  readonly trees: readonly ConditionTree[];
  readonly properties: readonly PropertyCondition[];
  readonly skipsTenantDomainCheck: boolean;
}

type MutableConditions = {
  owner: OwnerRule;
  belongsTo: BelongsTo[];
  trees: ConditionTree[];
  properties: PropertyCondition[];
  skipsTenantDomainCheck: boolean;
};
type Fields = Readonly<Record<string, unknown>>;
/** What a condition list stands in: an ordinary policy, or the target of an attach policy. */
export type ConditionUse = 'access' | 'attach';

const WORDS = ['is_owner', 'is_domain_owner', 'same_tenancy', 'skip_tenant_domain_check'];
const TYPES = ['belongs_to', 'property'];
const CRUD = new Set(['create', 'read', 'update', 'delete']);

/** Parses the list as schema files have it. Everything wrong with it is reported; nothing is ignored, since an ignored condition would open what it was to close. */
export function parseConditions(list: readonly unknown[], use: ConditionUse, report: Report): Conditions {
  const conditions: MutableConditions = { owner: 'none', belongsTo: [], trees: [], properties: [], skipsTenantDomainCheck: false };
  for (const item of list) {
    if (typeof item === 'string') addWord(conditions, item, use, report);
    else if (isFields(item)) addMap(conditions, item, use, report);
    else report(`a condition is a word (${WORDS.join(', ')}) or a map, not ${tell(item)}`);
  }
  return conditions;
}

function addWord(conditions: MutableConditions, word: string, use: ConditionUse, report: Report): void {
  if (word === 'skip_tenant_domain_check') conditions.skipsTenantDomainCheck = true;
  else if (word === 'is_owner') conditions.owner = 'tenant';
  else if (word === 'is_domain_owner') conditions.owner = conditions.owner === 'tenant' ? 'tenant' : 'domain';
  else addTree(conditions, parseWord(word, use, report));
}

function addMap(conditions: MutableConditions, item: Fields, use: ConditionUse, report: Report): void {
  if ('and' in item || 'or' in item || ('match' in item && item.type === undefined))
    return addTree(conditions, parseTree(item, use, report));
  const { type } = item;
  if (type === 'belongs_to') {
    const rule = parseBelongsTo(item, report);
    if (rule !== undefined) conditions.belongsTo.push(rule);
  } else if (type === 'property') {
    const condition = parseProperty(item, use, report);
    if (condition !== undefined) conditions.properties.push(condition);
  } else if (typeof type === 'string') {
    report(`unknown condition type "${type}"${suggest(type, TYPES)}; known are ${TYPES.join(', ')}`);
  } else {
    report(
      `a condition map has and, or, match, or a type (${TYPES.join(', ')}); this one has ${Object.keys(item).join(', ') || 'nothing'}`,
    );
  }
}

function addTree(conditions: MutableConditions, tree: ConditionTree | undefined): void {
  if (tree !== undefined) conditions.trees.push(tree);
}

function parseWord(word: string, use: ConditionUse, report: Report): ConditionTree | undefined {
  if (word === 'is_owner') return { kind: 'owner', rule: 'tenant' };
  if (word === 'is_domain_owner') return { kind: 'owner', rule: 'domain' };
  if (word === 'same_tenancy') {
    if (use === 'attach') return { kind: 'sameTenancy' };
    report('same_tenancy compares the two ends of a relation and is for the target_condition of an __attach__ policy only');
  } else {
    report(`unknown condition "${word}"${suggest(word, WORDS)}; known are ${WORDS.join(', ')}`);
  }
  return undefined;
}

/** One item of `and` and `or`, or such a list itself. A map with several of the keys means all of them. */
function parseTree(item: unknown, use: ConditionUse, report: Report): ConditionTree | undefined {
  if (typeof item === 'string') return parseWord(item, use, report);
  if (!isFields(item)) {
    report(`items of and/or are words or maps, not ${tell(item)}`);
    return undefined;
  }
  const parts: ConditionTree[] = [];
  for (const [key, value] of Object.entries(item)) {
    if (key === 'match') {
      const match = parseMatch(value, report);
      if (match !== undefined) parts.push(match);
    } else if (key === 'and' || key === 'or') {
      if (Array.isArray(value)) parts.push({ kind: key, of: value.flatMap((part) => parseTree(part, use, report) ?? []) });
      else report(`${key} is a list of conditions, not ${tell(value)}`);
    } else {
      report(`unknown key "${key}" in an and/or condition${suggest(key, ['and', 'or', 'match'])}; known are and, or, match`);
    }
  }
  return parts.length === 1 ? parts[0] : { kind: 'and', of: parts };
}

function parseMatch(match: unknown, report: Report): ConditionTree | undefined {
  if (!isFields(match)) {
    report(`match is a map with property, type and value, not ${tell(match)}`);
    return undefined;
  }
  const { property, type, value } = match;
  if (typeof property !== 'string' || property === '') report(`match needs the name of a property, not ${tell(property)}`);
  if (type !== 'eq' && type !== 'neq') report(`the type of a match is eq or neq, not ${tell(type)}`);
  if (value === undefined) report('match needs a value');
  const values = (Array.isArray(value) ? value : [value]).filter((one) => isValue(one));
  if (Array.isArray(value) ? values.length < value.length : value !== undefined && values.length === 0) {
    report('the value of a match is a text, number, boolean or null, or a list of these');
  }
  return { kind: 'match', property: String(property), isNegated: type === 'neq', values };
}

function parseBelongsTo(item: Fields, report: Report): BelongsTo | undefined {
  const { tenant_id: id, tenant_name: name, action = '*' } = item;
  rejectOthers(item, ['type', 'action', 'tenant_id', 'tenant_name'], 'belongs_to', report);
  if (typeof action !== 'string') report(`the action of belongs_to is a text, not ${tell(action)}`);
  if ((id === undefined) === (name === undefined)) {
    report('belongs_to needs either tenant_id or tenant_name');
    return undefined;
  }
  const pattern = id ?? name;
  if (typeof pattern !== 'string') {
    report(`${id === undefined ? 'tenant_name' : 'tenant_id'} of belongs_to is a regular expression, not ${tell(pattern)}`);
    return undefined;
  }
  const compiled = compileTenantPattern(pattern, id === undefined ? 'tenant_name' : 'tenant_id', report);
  if (compiled === undefined) return undefined;
  return {
    appliesTo: (wanted) => action === '*' || action === wanted,
    tenantId: id === undefined ? undefined : compiled,
    tenantName: id === undefined ? compiled : undefined,
  };
}

function parseProperty(item: Fields, use: ConditionUse, report: Report): PropertyCondition | undefined {
  const { action, match } = item;
  rejectOthers(item, ['type', 'action', 'match'], 'property', report);
  if (action !== undefined && typeof action !== 'string') report(`the action of a property condition is a text, not ${tell(action)}`);
  if (!isFields(match)) {
    report(`a property condition needs match, a map of property to rule, not ${tell(match)}`);
    return undefined;
  }
  const isDefault = action === undefined || action === '*';
  return {
    // The condition of an attach policy has one use, so that no word is needed for it.
    appliesTo: isDefault ? (wanted) => CRUD.has(wanted) || (use === 'attach' && wanted === '__attach__') : (wanted) => action === wanted,
    rules: Object.entries(match).map(([property, rule]) => [property, parseRule(property, rule, report)] as const),
  };
}

function parseRule(property: string, rule: unknown, report: Report): PropertyRule {
  if (isFields(rule)) {
    return { kind: 'transitions', rules: new Map(Object.entries(rule).map(([from, to]) => [from, parseRule(property, to, report)])) };
  }
  const values = Array.isArray(rule) ? rule : [rule];
  if (!values.every((value) => isValue(value))) {
    report(
      `the rule for the property ${property} is a value, a list of values, or a map of old value to rule; values are texts, numbers, booleans and null`,
    );
  }
  return { kind: 'values', values: values.filter((value) => isValue(value)) };
}

function rejectOthers(item: Fields, known: readonly string[], type: string, report: Report): void {
  for (const key of Object.keys(item)) {
    if (!known.includes(key))
      report(`unknown key "${key}" in a condition of type ${type}${suggest(key, known)}; known are ${known.join(', ')}`);
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isValue(value: unknown): value is FilterValue {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

function tell(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
}

function suggest(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === undefined ? '' : `, did you mean "${meant}"?`;
}
