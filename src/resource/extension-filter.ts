import { SekishoError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { allOf, anyOf, FALSE, type Filter, type FilterValue, TRUE } from '../schema/filter.ts';
import type { Property, ResourceType } from '../schema/types.ts';
import { isObject, type JsonObject } from './body.ts';
import { parseFilterName } from './filter-parameters.ts';
import { parseBool } from './parameters.ts';

/**
 * A filter as extensions write it: `{property: value or list}` (joined by AND; `null` finds rows without a value), `property__gt` and the other operators of the
 * REST API, and Gohan's `__and__` and `__or__` (lists of such filters, or of `{property, type: 'eq' | 'neq', value}`) and `__bool__`. QUERY_INVALID for anything else.
 */
export function parseExtensionFilter(type: ResourceType, filter: unknown): Filter {
  if (filter === undefined || filter === null) return TRUE;
  if (!isObject(filter)) throw wrong(type, `a filter is an object, not ${JSON.stringify(filter)}`);
  if (isMatch(filter)) return toMatch(type, filter);
  return allOf(Object.entries(filter).map(([name, value]) => toFilter(type, name, value)));
}

function toFilter(type: ResourceType, name: string, value: unknown): Filter {
  switch (name) {
    case '__and__':
    case '__or__': {
      if (!Array.isArray(value)) throw wrong(type, `${name} is a list of filters`);
      const filters = value.map((part: unknown) => parseExtensionFilter(type, part));
      return name === '__and__' ? allOf(filters) : anyOf(filters);
    }
    case '__bool__':
      if (typeof value !== 'boolean') throw wrong(type, '__bool__ is true or false');
      return value ? TRUE : FALSE;
    default:
      return toCondition(type, name, value);
  }
}

function toCondition(type: ResourceType, name: string, value: unknown): Filter {
  const found = parseFilterName(type, name);
  if (found === undefined) {
    const meant = nearest(name, [...type.propertyByName.keys()]);
    throw wrong(type, `it has no property ${name}${meant === undefined ? '' : `; did you mean ${meant}?`}`);
  }
  const { property, operator } = found;
  switch (operator) {
    case undefined:
      return { kind: 'in', property: property.name, values: toValues(type, property, value) };
    case 'ne':
      return { kind: 'notIn', property: property.name, values: toValues(type, property, value) };
    case 'null':
      return { kind: value === false || value === 'false' ? 'notIn' : 'in', property: property.name, values: [null] };
    default:
      return allOf(toValues(type, property, value).map((limit) => ({ kind: 'compare', property: property.name, operator, value: limit })));
  }
}

/** Gohan's form of one condition, which its `__and__` and `__or__` hold. */
function isMatch(filter: JsonObject): boolean {
  return typeof filter['property'] === 'string' && typeof filter['type'] === 'string' && 'value' in filter;
}

function toMatch(type: ResourceType, { property: name, type: word, value }: JsonObject): Filter {
  if (word !== 'eq' && word !== 'neq') throw wrong(type, `type is eq or neq, not ${JSON.stringify(word)}`);
  const property = type.propertyByName.get(name as string);
  if (property === undefined) throw wrong(type, `it has no property ${String(name)}`);
  return { kind: word === 'eq' ? 'in' : 'notIn', property: property.name, values: toValues(type, property, value) };
}

function toValues(type: ResourceType, property: Property, value: unknown): FilterValue[] {
  return (Array.isArray(value) ? value : [value]).map((item: unknown) => toValue(type, property, item));
}

function toValue(type: ResourceType, property: Property, value: unknown): FilterValue {
  if (value === null || typeof value === 'number') return property.type === 'string' && value !== null ? String(value) : value;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return property.type === 'boolean' ? (parseBool(value) ?? false) : value;
  throw wrong(type, `${property.name} is compared with texts, numbers, booleans or null, not with ${JSON.stringify(value) ?? 'nothing'}`);
}

function wrong({ id }: ResourceType, detail: string): SekishoError {
  return new SekishoError('QUERY_INVALID', `filter of ${id}: ${detail}`);
}
