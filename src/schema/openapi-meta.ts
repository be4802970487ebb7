import { headerRefs, pathParameter } from './openapi-parameters.ts';
import { componentRef } from './openapi-schemas.ts';
import type { JsonSchema, SchemaGroup } from './types.ts';
import type { VisibleType } from './visible-type.ts';

const PROBLEM = { $ref: '#/components/responses/Problem' };

/** The paths that are of no type: schemas, version, this document, everything at once, and the schema groups. */
export function metaPaths(visible: readonly VisibleType[], groups: readonly SchemaGroup[]): Readonly<Record<string, JsonSchema>> {
  return {
    '/gohan/v0.1/schemas': get('list_schemas', 'List the schemas that the caller may read', {
      schema: object({ schemas: { type: 'array', items: componentRef('SchemaView') } }),
      headers: headerRefs('X-Total-Count'),
    }),
    '/gohan/v0.1/schemas/{id}': {
      parameters: [pathParameter('id', 'Id of the schema.')],
      ...get('show_schema', 'Show a schema', { schema: object({ schema: componentRef('SchemaView') }) }),
    },
    '/gohan/v0.1/version': get('show_version', 'Show the version', {
      schema: object({ version: { type: 'string' }, app: { type: 'string' } }),
    }),
    '/openapi.json': get('show_openapi', 'Show this document, as the caller sees it', { schema: { type: 'object' } }),
    '/_all': get('list_all', 'List everything that the caller may read, by table', {
      schema: { type: 'object', properties: Object.fromEntries(visible.filter(({ mayDo }) => mayDo('read')).map(toTable)) },
      parameters: [
        {
          name: 'filters',
          in: 'query',
          required: false,
          style: 'form',
          explode: true,
          description: 'Filters as lists have them; a schema without the property has no row.',
          schema: { type: 'object', additionalProperties: { type: 'string' } },
        },
      ],
    }),
    ...Object.fromEntries(groups.filter(({ fullPrefix }) => fullPrefix !== '/').map((group) => [group.fullPrefix, groupPath(group)])),
  };
}

/** Component schemas of these paths. */
export const META_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  SchemaView: {
    type: 'object',
    description: 'A schema, with what the caller may see of it and do with it.',
    properties: {
      ...Object.fromEntries(
        ['id', 'singular', 'plural', 'title', 'description', 'parent', 'namespace', 'prefix', 'url'].map((name) => [
          name,
          { type: 'string' },
        ]),
      ),
      metadata: { type: 'object' },
      actions: { type: 'object', additionalProperties: { type: 'object' } },
      schema: { type: 'object' },
    },
    required: ['id', 'singular', 'plural', 'url', 'schema'],
  },
  SchemaLink: {
    type: 'object',
    properties: { href: { type: 'string' }, rel: { type: 'string' } },
    required: ['href', 'rel'],
  },
};

function groupPath({ id, parent, fullPrefix }: SchemaGroup): JsonSchema {
  const text = { type: 'string' };
  const links = { type: 'array', items: componentRef('SchemaLink') };
  return parent === undefined
    ? get(`list_versions_of_${id}`, `List the versions of ${fullPrefix}`, {
        schema: object({
          versions: { type: 'array', items: object({ status: { type: 'string', enum: ['SUPPORTED', 'CURRENT'] }, id: text, links }) },
        }),
      })
    : get(`list_collections_of_${id}`, `List the collections of ${fullPrefix}`, {
        schema: object({ resources: { type: 'array', items: object({ links, name: text, collection: text }) } }),
      });
}

function toTable({ type }: VisibleType): readonly [string, JsonSchema] {
  return [type.table, { type: 'array', items: componentRef(type.id) }];
}

function object(properties: JsonSchema): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}

function get(
  operationId: string,
  summary: string,
  { schema, headers, parameters }: { schema: JsonSchema; headers?: JsonSchema; parameters?: readonly JsonSchema[] },
): JsonSchema {
  return {
    get: {
      operationId,
      summary,
      tags: ['gateway'],
      ...(parameters !== undefined && { parameters }),
      responses: {
        200: { description: `${summary}.`, ...(headers !== undefined && { headers }), content: { 'application/json': { schema } } },
        default: PROBLEM,
      },
    },
  };
}
