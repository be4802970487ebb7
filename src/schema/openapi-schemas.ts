import { toModernSchema } from './modern-schema.ts';
import { typesOf } from './property.ts';
import type { Action, JsonSchema, Property, Relation, ResourceType } from './types.ts';
import { requiredOf, type VisibleType } from './visible-type.ts';

/** `#/components/schemas/NAME`. */
export function componentRef(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${componentName(name)}` };
}

/** OpenAPI allows few characters in the names of components. */
function componentName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]/g, '_');
}

/** Component schema of the input of an action. */
export function inputName(type: ResourceType, action: Action): string {
  return componentName(`${type.id}_${action.id}_input`);
}

/** The component schemas of a type: a resource as it is answered, and the bodies that make and change one. */
export function typeSchemas(visible: VisibleType, known: ReadonlySet<string>): Readonly<Record<string, JsonSchema>> {
  const { type, read, create, update } = visible;
  const id = componentName(type.id);
  const required = requiredOf(visible);
  const body = (name: string, properties: readonly Property[], must: readonly string[]): JsonSchema => ({
    type: 'object',
    title: type.title,
    properties: Object.fromEntries(
      properties.map((property) => [property.name, toModernSchema(property.schema, `#/components/schemas/${name}`)]),
    ),
    ...(must.length > 0 && { required: must }),
    additionalProperties: false,
    ...definitions(type.jsonSchema, name),
  });
  return {
    ...(visible.mayDo('read') && {
      [id]: {
        type: 'object',
        title: type.title,
        description: type.description,
        properties: {
          ...Object.fromEntries(read.map((property) => [property.name, answered(property, id)])),
          ...embedded(read, known),
        },
        required: read.map(({ name }) => name),
        ...definitions(type.jsonSchema, id),
      },
    }),
    ...(visible.mayDo('create') && { [`${id}Create`]: body(`${id}Create`, create, required) }),
    ...(visible.mayDo('update') && { [`${id}Update`]: body(`${id}Update`, update, []) }),
    ...Object.fromEntries(
      [...type.actions.values()]
        .filter((action) => action.input !== undefined && visible.mayDo(action.id))
        .map((action) => [inputName(type, action), toModernSchema(action.input ?? {}, `#/components/schemas/${inputName(type, action)}`)]),
    ),
  };
}

function definitions(schema: JsonSchema, name: string): JsonSchema {
  const modern = toModernSchema({ definitions: schema['definitions'] ?? undefined }, `#/components/schemas/${name}`);
  return modern['$defs'] === undefined ? {} : { $defs: modern['$defs'] };
}

/** A property in answers: absent values are null there. */
function answered(property: Property, name: string): JsonSchema {
  const modern = toModernSchema(property.schema, `#/components/schemas/${name}`);
  const types = typesOf(property.schema);
  const isWritable = property.mayCreate || property.mayUpdate;
  const nullable = property.isColumnNullable && property.name !== 'id' && types.length > 0 && !types.includes('null');
  return {
    ...modern,
    ...(nullable && { type: [...types, 'null'] }),
    ...(nullable && Array.isArray(modern['enum']) && { enum: [...(modern['enum'] as unknown[]), null] }),
    ...(!isWritable && { readOnly: true }),
  };
}

/** Related resources stand beside the ids that refer to them; null when there is none. */
function embedded(properties: readonly Property[], known: ReadonlySet<string>): JsonSchema {
  const relations = properties
    .map(({ relation }) => relation)
    .filter((relation): relation is Relation & { readonly embedAs: string } => relation?.embedAs !== undefined);
  return Object.fromEntries(
    relations
      .filter(({ schemaId }) => known.has(schemaId))
      .map(({ schemaId, embedAs }) => [embedAs, { anyOf: [componentRef(schemaId), { type: 'null' }], readOnly: true }]),
  );
}

/** The body of every error. */
export const PROBLEM_SCHEMA: JsonSchema = {
  type: 'object',
  description: 'RFC 9457. `code` is stable; `error` repeats the detail.',
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    error: { type: 'string' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { pointer: { type: 'string' }, detail: { type: 'string' } }, required: ['pointer', 'detail'] },
    },
    id: { type: 'string', description: 'Found in the log; on 5xx only.' },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'error'],
};
