import type { JsonSchema } from '../entity/entity-schema.ts';
import type { KindName } from '../entity/kinds.ts';

/** JSON Schemas of what the admin API takes and gives, beside those of the entities. */
export const STRING: JsonSchema = { type: 'string' };
const STRINGS: JsonSchema = { type: 'array', items: STRING };
export const INTEGER: JsonSchema = { type: 'integer' };

export const KEY_SCHEMA: JsonSchema = {
  type: 'object',
  properties: { name: { type: 'string', minLength: 1 }, namespace: STRING },
  required: ['name'],
};

/** The reference to the schema of a kind in the OpenAPI document. */
export function entityRef(kind: KindName): JsonSchema {
  return { $ref: `#/components/schemas/${kind}` };
}

/** `{"data","status_code"}` around `data`. */
export function oneOf(data: JsonSchema): JsonSchema {
  return objectOf({ data, status_code: INTEGER, warnings: STRINGS }, ['warnings']);
}

/** `{"count","data","status_code"}` around a list of `items`. */
export function listOf(items: JsonSchema): JsonSchema {
  return objectOf({ count: INTEGER, data: { type: 'array', items }, status_code: INTEGER, warnings: STRINGS }, ['warnings']);
}

/** The list of a kind. */
export function entityList(kind: KindName): JsonSchema {
  return listOf(entityRef(kind));
}

/** An object with these properties, all of them present but the `optional` ones. */
export function objectOf(properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) };
}

export const FIELD_ERRORS: JsonSchema = { type: 'array', items: objectOf({ pointer: STRING, detail: STRING }) };

/** RFC 9457 with what Sekisho adds. */
export const PROBLEM: JsonSchema = objectOf(
  { type: STRING, title: STRING, status: INTEGER, detail: STRING, code: STRING, error: STRING, errors: FIELD_ERRORS, id: STRING },
  ['errors', 'id'],
);
