import { isMap } from './cursor.ts';
import { typesOf } from './property.ts';
import { KEYWORDS, type SchemaKeys } from './schema-keys.ts';
import type { JsonSchema } from './types.ts';

/** Keyword of our own: a number that is no integer of at most 53 bits was rounded when it was parsed. */
export const EXACT = 'exact';

type Fields = Record<string, unknown>;

/**
 * A JSON schema of draft 4, as schema files have it, in the words of draft 7. Only keywords that decide what is valid stay: others have other meanings in newer drafts
 * (`nullable`, `id`). Integers must be exact: a number that a double can't hold is refused.
 */
export function fromDraft4(schema: JsonSchema): JsonSchema {
  const converted: Fields = {};
  for (const [name, key] of Object.entries<SchemaKeys[string]>(KEYWORDS)) {
    if (schema[name] !== undefined) converted[name] = convert(schema[name], key.type, name);
  }
  toNumericBound(converted, 'minimum', 'exclusiveMinimum');
  toNumericBound(converted, 'maximum', 'exclusiveMaximum');
  if (typesOf(schema).includes('integer')) converted[EXACT] = true;
  return converted;
}

function convert(value: unknown, type: SchemaKeys[string]['type'], name: string): unknown {
  if (name === 'dependencies') return mapValues(value, (inner) => (isMap(inner) ? fromDraft4(inner) : inner));
  if (type === 'schemaMap') return mapValues(value, (inner) => (isMap(inner) ? fromDraft4(inner) : inner));
  if (!type.startsWith('schema')) return value;
  if (Array.isArray(value)) return value.map((inner) => (isMap(inner) ? fromDraft4(inner) : inner));
  return isMap(value) ? fromDraft4(value) : value;
}

function mapValues(value: unknown, to: (inner: unknown) => unknown): unknown {
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, to(inner)])) : value;
}

/** Draft 4 has `minimum: 5, exclusiveMinimum: true` where draft 7 has `exclusiveMinimum: 5`. */
function toNumericBound(schema: Fields, bound: string, exclusive: string): void {
  const flag = schema[exclusive];
  if (typeof flag !== 'boolean') return;
  delete schema[exclusive];
  if (!flag || schema[bound] === undefined) return;
  schema[exclusive] = schema[bound];
  delete schema[bound];
}
