import { allOf, anyOf, type Filter, type FilterValue, TRUE } from '../schema/filter.ts';
import { FILTER_OPERATORS, type FilterOperator } from '../schema/query-parameters.ts';
import type { Property, ResourceType } from '../schema/types.ts';
import { badQuery, type Parameters, parseBool } from './parameters.ts';

const OPERATORS = Object.keys(FILTER_OPERATORS) as FilterOperator[];

/** A parameter that filters by a property. */
export interface FilterName {
  readonly property: Property;
  readonly operator: FilterOperator | undefined;
}

/** The property and operator that a parameter names; a property that is really called `a__gt` comes first. */
export function parseFilterName(type: ResourceType, name: string): FilterName | undefined {
  const property = type.propertyByName.get(name);
  if (property !== undefined) return { property, operator: undefined };
  const at = name.lastIndexOf('__');
  const operator = OPERATORS.find((word) => word === name.slice(at + 2));
  const base = at > 0 && operator !== undefined ? type.propertyByName.get(name.slice(0, at)) : undefined;
  return base === undefined ? undefined : { property: base, operator };
}

/**
 * The filter that the parameters ask for: different properties are joined by AND (`any_of`: OR), values of one property by OR.
 * Properties that the caller may not see do not filter: an answer must not tell anything about them.
 */
export function parseFilters(
  type: ResourceType,
  parameters: Parameters,
  options: { readonly sees: (name: string) => boolean; readonly searched: ReadonlySet<string>; readonly isAnyOf: boolean },
): Filter {
  const filters: Filter[] = [];
  for (const [name, values] of parameters) {
    const found = parseFilterName(type, name);
    if (found === undefined || !options.sees(found.property.name)) continue;
    filters.push(options.searched.has(name) ? toSearch(type, found.property, values[0] ?? '') : toFilter(found, values));
  }
  if (filters.length === 0) return TRUE;
  return options.isAnyOf ? anyOf(filters) : allOf(filters);
}

/** Gohan's `metadata.substr_search_enabled: false` turns a search into an exact comparison. */
function toSearch(type: ResourceType, property: Property, text: string): Filter {
  if (type.metadata['substr_search_enabled'] === false) return toFilter({ property, operator: undefined }, [text]);
  return { kind: 'contains', property: property.name, text };
}

function toFilter({ property, operator }: FilterName, values: readonly string[]): Filter {
  const { name } = property;
  switch (operator) {
    case undefined:
      return { kind: 'in', property: name, values: values.map((value) => toValue(property, value)) };
    case 'ne':
      return { kind: 'notIn', property: name, values: values.map((value) => toValue(property, value)) };
    case 'null': {
      const isNull = parseBool(values[0]);
      if (isNull === undefined) throw badQuery(`${name}__null: found ${JSON.stringify(values[0])}, expected true or false.`);
      return { kind: isNull ? 'in' : 'notIn', property: name, values: [null] };
    }
    default:
      return allOf(values.map((value) => ({ kind: 'compare', property: name, operator, value: toValue(property, value) })));
  }
}

/** A text of the query as a value of the property's type. */
function toValue(property: Property, text: string): FilterValue {
  switch (property.type) {
    case 'boolean':
      return parseBool(text) ?? false;
    case 'integer': {
      if (!/^[+-]?\d{1,40}(?:\.0+)?$/.test(text.trim()))
        throw badQuery(`${property.name}: found ${JSON.stringify(text)}, expected a whole number.`);
      const number = Number(text);
      return Number.isSafeInteger(number) ? number : text.trim().replace(/\.0+$/, '');
    }
    case 'number': {
      const number = Number(text);
      if (text.trim() === '' || !Number.isFinite(number))
        throw badQuery(`${property.name}: found ${JSON.stringify(text)}, expected a number.`);
      return number;
    }
    default:
      return text;
  }
}
