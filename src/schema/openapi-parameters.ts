import { FILTER_OPERATORS, type FilterOperator, LIST_PARAMETERS, WRITE_PARAMETERS } from './query-parameters.ts';
import type { JsonSchema, Property, PropertyType } from './types.ts';

/** Fields of the request that mean something. */
const REQUEST_FIELDS = {
  'If-Match': 'Only when the resource still has this ETag; 412 otherwise.',
  'If-None-Match': 'Only when it has another ETag, or with `*` when there is none.',
  'Idempotency-Key': 'A repeated request with the same key gets the first answer.',
  Prefer: '`return=minimal`, `return=representation`, `count=none`, `count=estimated`, `count=exact`.',
} as const;

/** Component parameters, by the names that they have in requests. */
export const PARAMETERS: JsonSchema = {
  ...Object.fromEntries(
    Object.entries({ ...LIST_PARAMETERS, ...WRITE_PARAMETERS }).map(([name, { schema, doc }]) => [name, queryParameter(name, schema, doc)]),
  ),
  ...Object.fromEntries(
    Object.entries(REQUEST_FIELDS).map(([name, description]) => [
      name,
      { name, in: 'header', required: false, description, schema: { type: 'string' } },
    ]),
  ),
};

/** Component headers of answers. */
export const HEADERS: JsonSchema = {
  ETag: { description: 'Version of the resource.', schema: { type: 'string' } },
  Location: { description: 'URL of the resource.', schema: { type: 'string' } },
  Link: { description: 'The next page.', schema: { type: 'string' } },
  'X-Total-Count': { description: 'Resources that match, on all pages.', schema: { type: 'integer' } },
  'Preference-Applied': { description: 'Wishes of `Prefer` that were granted.', schema: { type: 'string' } },
  'Idempotency-Replayed': { description: '`true` when this is the answer of an earlier request.', schema: { type: 'string' } },
};

type ParameterName = keyof typeof LIST_PARAMETERS | keyof typeof WRITE_PARAMETERS | keyof typeof REQUEST_FIELDS;

/** References to component parameters. */
export function parameterRefs(...names: readonly ParameterName[]): readonly JsonSchema[] {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

/** References to component headers, by name. */
export function headerRefs(...names: readonly string[]): JsonSchema {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** All parameters of a list but its filters. */
export const LIST_PARAMETER_REFS = [...parameterRefs(...(Object.keys(LIST_PARAMETERS) as (keyof typeof LIST_PARAMETERS)[]), 'Prefer')];

export function pathParameter(name: string, description: string): JsonSchema {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

export function queryParameter(name: string, schema: JsonSchema, description: string): JsonSchema {
  return { name, in: 'query', required: false, description, schema };
}

/** Every way to filter a list by a property. */
export function filterParameters({ name, title, type, isColumnNullable }: Property): readonly JsonSchema[] {
  const value = { type };
  const many = { type: 'array', items: value };
  const operators = (Object.keys(FILTER_OPERATORS) as FilterOperator[]).filter((operator) => fits(operator, type, isColumnNullable));
  return [
    queryParameter(name, many, `${title}: this value; several are joined by OR.`),
    ...operators.map((operator) =>
      queryParameter(
        `${name}__${operator}`,
        operator === 'null' ? { type: 'boolean' } : operator === 'ne' ? many : value,
        `${title}: ${FILTER_OPERATORS[operator]}.`,
      ),
    ),
  ];
}

/** Truths have no order; what is never null need not be asked for it. */
function fits(operator: FilterOperator, type: PropertyType, isNullable: boolean): boolean {
  if (operator === 'null') return isNullable;
  return operator === 'ne' || type === 'integer' || type === 'number' || type === 'string';
}
