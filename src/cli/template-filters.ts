import { toModernSchema } from '../schema/modern-schema.ts';
import type { Filters } from '../template/filter.ts';
import { isMap, toText, type Value } from '../template/values.ts';

/** What Gohan's templates have beside the filters of the language (gohan.md 7). */
export const SCHEMA_FILTERS: Filters = {
  swagger_path: { doc: '`/:id/name` → `/{id}/name`.', apply: (value) => toText(value).replaceAll(/:([A-Za-z_]\w*)/g, '{$1}') },
  swagger_has_id_param: { doc: 'Whether a path has `:id` in it.', apply: (value) => /:id\b/.test(toText(value)) },
  swagger: { doc: 'A JSON schema as Swagger 2 has it: one type, without null.', isSafe: true, apply: (value) => toJson(value, false) },
  openapi3: { doc: 'A JSON schema as OpenAPI 3.0 has it: one type, and `nullable`.', isSafe: true, apply: (value) => toJson(value, true) },
  to_non_null_type: { doc: 'The type of a property without null.', apply: toNonNullType },
  to_go_type: { doc: 'The type of Go for a type of JSON.', apply: (value) => GO_TYPES[toText(toNonNullType(value))] ?? 'interface{}' },
};

const GO_TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'int',
  number: 'float64',
  boolean: 'bool',
  object: 'map[string]interface{}',
  array: '[]interface{}',
};

function toNonNullType(value: Value): Value {
  return Array.isArray(value) ? (value as readonly Value[]).filter((type) => type !== 'null').at(-1) : value;
}

function toJson(value: Value, hasNullable: boolean): string {
  return JSON.stringify(isMap(value) ? toSingleTypes(toModernSchema(value, '#'), hasNullable) : (value ?? null), undefined, 2);
}

/** Those formats know no list of types. */
function toSingleTypes(value: unknown, hasNullable: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => toSingleTypes(item, hasNullable));
  if (typeof value !== 'object' || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toSingleTypes(part, hasNullable)]));
  const types = Array.isArray(inner['type']) ? (inner['type'] as readonly unknown[]) : undefined;
  if (types?.every((type) => typeof type === 'string') !== true) return inner;
  return { ...inner, type: toNonNullType(types), ...(hasNullable && types.includes('null') && { nullable: true }) };
}
