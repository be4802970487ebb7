import { META_SCHEMAS, metaPaths } from './openapi-meta.ts';
import { typePaths } from './openapi-operations.ts';
import { HEADERS, PARAMETERS } from './openapi-parameters.ts';
import { withoutDangling } from './openapi-references.ts';
import { PROBLEM_SCHEMA, typeSchemas } from './openapi-schemas.ts';
import type { ViewAccess } from './schema-view.ts';
import type { JsonSchema, ResourceType, SchemaGroup } from './types.ts';
import { FULL_ACCESS, visibleTypes } from './visible-type.ts';

export interface OpenApiOptions {
  readonly title: string;
  readonly version: string;
  readonly description?: string;
  /** Whose document it is; everything is in it when absent. */
  readonly access?: ViewAccess;
  /** Schema groups, whose listings are paths too. */
  readonly groups?: readonly SchemaGroup[];
}

/** The OpenAPI 3.1 document of the REST API of `types`, with what the caller may do and see. */
export function toOpenApi(types: Iterable<ResourceType>, options: OpenApiOptions): JsonSchema {
  const visible = visibleTypes(types, options.access ?? FULL_ACCESS);
  const known = new Set(visible.filter(({ mayDo }) => mayDo('read')).map(({ type }) => type.id));
  const paths = Object.assign({}, ...visible.map((one) => typePaths(one, known)), metaPaths(visible, options.groups ?? [])) as Paths;
  nameOperations(paths);
  return withoutDangling({
    openapi: '3.1.0',
    info: {
      title: options.title,
      version: options.version,
      ...(options.description !== undefined && { description: options.description }),
    },
    security: [{ token: [] }, { bearer: [] }, { apiKey: [] }, {}],
    paths,
    components: {
      schemas: Object.assign({}, ...visible.map((one) => typeSchemas(one, known)), META_SCHEMAS, { Problem: PROBLEM_SCHEMA }),
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
  });
}

type Paths = Readonly<Record<string, Readonly<Record<string, { operationId?: string }>>>>;

/** Ids of operations are made of those of schemas and actions, which may add up to the same; the later ones are counted then. */
function nameOperations(paths: Paths): void {
  const taken = new Set<string>();
  for (const operation of Object.values(paths).flatMap((item) => Object.values(item))) {
    const { operationId: id } = operation;
    if (id === undefined) continue;
    let name = id;
    for (let count = 2; taken.has(name); count += 1) name = `${id}_${count}`;
    taken.add(name);
    operation.operationId = name;
  }
}
