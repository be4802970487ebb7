import type { FieldRule } from './field-rule.ts';
import { KINDS, type KindName } from './kinds.ts';

/** A JSON Schema, as far as entities need it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** The JSON Schema (draft 2020-12) of `kind` as it is put, from the table that validates it. */
export function toEntitySchema(kind: KindName): JsonSchema {
  const { doc, fields } = KINDS[kind];
  const entries = Object.entries(fields);
  return {
    type: 'object',
    description: doc,
    properties: Object.fromEntries(entries.map(([name, field]) => [name, toFieldSchema(field)])),
    required: entries.flatMap(([name, field]) => (field.required === true ? [name] : [])),
    additionalProperties: false,
  };
}

function toFieldSchema(field: FieldRule): JsonSchema {
  return {
    ...toTypeSchema(field),
    description: field.doc,
    ...(field.default !== undefined && { default: field.default }),
    ...(field.redact !== undefined && { writeOnly: true }),
    ...(field.isReadOnly && { readOnly: true }),
  };
}

function toTypeSchema(field: FieldRule): JsonSchema {
  const filled = field.required === true;
  switch (field.type) {
    case 'string':
      return { type: 'string', ...(field.values && { enum: field.values }), ...(filled && { minLength: 1 }) };
    case 'strings':
      return { type: 'array', items: { type: 'string' }, ...(filled && { minItems: 1 }) };
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return {
        type: 'integer',
        ...(field.minimum !== undefined && { minimum: field.minimum }),
        ...(field.maximum !== undefined && { maximum: field.maximum }),
      };
    case 'duration':
      return {
        oneOf: [
          { type: 'integer', minimum: 0, description: 'Nanoseconds.' },
          { type: 'string', examples: ['50ms', '1m30s'] },
        ],
      };
    case 'json':
      return {};
  }
}
