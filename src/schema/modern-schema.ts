import { isMap } from './cursor.ts';
import { fromDraft4 } from './draft4.ts';
import { KEYWORDS, type SchemaKeys } from './schema-keys.ts';
import type { JsonSchema } from './types.ts';

const ANNOTATIONS = ['title', 'description', 'default'];
const RENAMED: Readonly<Record<string, string>> = { definitions: '$defs' };

/**
 * A JSON schema of a schema file in the draft that OpenAPI 3.1 has (2020-12), with its labels and defaults and without the keys that only the gateway reads.
 * `base` is where its own definitions are found in the document.
 */
export function toModernSchema(schema: JsonSchema, base: string): JsonSchema {
  const flat = fromDraft4(schema);
  const modern: Record<string, unknown> = {};
  for (const name of ANNOTATIONS) if (schema[name] !== undefined) modern[name] = schema[name];
  for (const [name, key] of Object.entries<SchemaKeys[string]>(KEYWORDS)) {
    if (flat[name] === undefined || name === 'dependencies') continue;
    const isOwn = schema[name] !== undefined && key.type.startsWith('schema');
    modern[RENAMED[name] ?? name] = isOwn ? convert(schema[name], key.type, base) : flat[name];
  }
  if (Array.isArray(modern['items'])) {
    modern['prefixItems'] = modern['items'];
    modern['items'] = modern['additionalItems'] ?? true;
  }
  delete modern['additionalItems'];
  if (typeof modern['$ref'] === 'string') modern['$ref'] = base + modern['$ref'].slice(1).replace(/^\/definitions\//, '/$defs/');
  return { ...modern, ...toDependencies(schema['dependencies'], base) };
}

function convert(value: unknown, type: SchemaKeys[string]['type'], base: string): unknown {
  const inner = (part: unknown): unknown => (isMap(part) ? toModernSchema(part, base) : part);
  if (type === 'schemaMap')
    return isMap(value) ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, inner(part)])) : value;
  return Array.isArray(value) ? value.map(inner) : inner(value);
}

/** What was one keyword is two: properties that must be there, and schemas that must hold. */
function toDependencies(dependencies: unknown, base: string): JsonSchema {
  if (!isMap(dependencies)) return {};
  const entries = Object.entries(dependencies);
  const required = entries.filter(([, value]) => Array.isArray(value));
  const schemas = entries
    .filter(([, value]) => isMap(value))
    .map(([key, value]) => [key, toModernSchema(value as JsonSchema, base)] as const);
  return {
    ...(required.length > 0 && { dependentRequired: Object.fromEntries(required) }),
    ...(schemas.length > 0 && { dependentSchemas: Object.fromEntries(schemas) }),
  };
}
