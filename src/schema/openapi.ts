import { typePaths } from './openapi-operations.ts';
import { PROBLEM_SCHEMA, typeSchemas } from './openapi-schemas.ts';
import type { ViewAccess } from './schema-view.ts';
import type { JsonSchema, ResourceType } from './types.ts';
import { FULL_ACCESS, visibleTypes } from './visible-type.ts';

export interface OpenApiOptions {
  readonly title: string;
  readonly version: string;
  readonly description?: string;
  /** Whose document it is; everything is in it when absent. */
  readonly access?: ViewAccess;
}

/** The OpenAPI 3.1 document of the REST API of `types`, with what the caller may do and see. */
export function toOpenApi(types: Iterable<ResourceType>, options: OpenApiOptions): JsonSchema {
  const visible = visibleTypes(types, options.access ?? FULL_ACCESS);
  const known = new Set(visible.filter(({ mayDo }) => mayDo('read')).map(({ type }) => type.id));
  return {
    openapi: '3.1.0',
    info: {
      title: options.title,
      version: options.version,
      ...(options.description !== undefined && { description: options.description }),
    },
    security: [{ token: [] }, { bearer: [] }, { apiKey: [] }, {}],
    paths: Object.assign({}, ...visible.map(typePaths), META_PATHS),
    components: {
      schemas: Object.assign({}, ...visible.map((one) => typeSchemas(one, known)), { Problem: PROBLEM_SCHEMA }),
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: {
        Problem: {
          description: 'What went wrong.',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
      securitySchemes: {
        token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' },
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
    },
  };
}

function query(name: string, schema: JsonSchema, description: string): JsonSchema {
  return { name, in: 'query', required: false, description, schema };
}

function header(name: string, description: string): JsonSchema {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}

const COUNT = { type: 'integer', minimum: 0 };
const TEXTS = { type: 'array', items: { type: 'string' } };

const PARAMETERS: JsonSchema = {
  SortKey: query('sort_key', { type: 'string', default: 'id' }, 'Property to sort by.'),
  SortOrder: query('sort_order', { type: 'string', enum: ['asc', 'desc'], default: 'asc' }, 'Its direction.'),
  Sort: query('sort', { type: 'string' }, 'Several properties to sort by: `a:asc,b:desc`.'),
  Limit: query('limit', COUNT, 'Most resources; 0 gives the total alone.'),
  Offset: query('offset', COUNT, 'Resources to pass over.'),
  PageSize: query('page_size', { type: 'integer', minimum: 1 }, 'Resources of a page; the `Link` field has the next one.'),
  PageToken: query('page_token', { type: 'string' }, 'Where a page begins, from that link.'),
  SearchField: query('search_field', TEXTS, 'Properties whose filter is searched anywhere in the text.'),
  AnyOf: query('any_of', { type: 'boolean', default: false }, 'Filters are joined by OR.'),
  Fields: query('_fields', TEXTS, 'Properties that are answered.'),
  Details: query('_details', { type: 'boolean', default: true }, 'Embed related resources.'),
  IfMatch: header('If-Match', 'Only when the resource still has this ETag; 412 otherwise.'),
  IfNoneMatch: header('If-None-Match', 'Only when it has another ETag, or with `*` when there is none.'),
  IdempotencyKey: header('Idempotency-Key', 'A repeated request with the same key gets the first answer.'),
  Prefer: header('Prefer', '`return=minimal`, `return=representation`, `count=none`, `count=estimated`, `count=exact`.'),
};

const HEADERS: JsonSchema = {
  ETag: { description: 'Version of the resource.', schema: { type: 'string' } },
  Location: { description: 'URL of the resource.', schema: { type: 'string' } },
  Link: { description: 'The next page.', schema: { type: 'string' } },
  'X-Total-Count': { description: 'Resources that match, on all pages.', schema: { type: 'integer' } },
};

/** Paths that every API has. */
const META_PATHS: JsonSchema = {
  '/gohan/v0.1/schemas': {
    get: {
      operationId: 'list_schemas',
      summary: 'List the schemas that the caller may read',
      tags: ['gateway'],
      responses: {
        200: { description: 'Schemas.', content: { 'application/json': { schema: { type: 'object' } } } },
        default: { $ref: '#/components/responses/Problem' },
      },
    },
  },
  '/gohan/v0.1/schemas/{id}': {
    parameters: [{ name: 'id', in: 'path', required: true, description: 'Id of the schema.', schema: { type: 'string' } }],
    get: {
      operationId: 'show_schema',
      summary: 'Show a schema',
      tags: ['gateway'],
      responses: {
        200: { description: 'The schema.', content: { 'application/json': { schema: { type: 'object' } } } },
        default: { $ref: '#/components/responses/Problem' },
      },
    },
  },
  '/gohan/v0.1/version': {
    get: {
      operationId: 'show_version',
      summary: 'Show the version',
      tags: ['gateway'],
      responses: {
        200: { description: 'The version.', content: { 'application/json': { schema: { type: 'object' } } } },
        default: { $ref: '#/components/responses/Problem' },
      },
    },
  },
};
