import { toEntitySchema } from '../entity/entity-schema.ts';
import { KINDS, type KindName } from '../entity/kinds.ts';
import type { AdminRoute, QueryParameter, ResponseRule } from './route.ts';
import { PROBLEM } from './schemas.ts';
import type { AdminAuthOptions } from './types.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 document of `routes`, with the credentials that `auth` asks for. */
export function toOpenApi(routes: readonly AdminRoute[], version: string, auth: AdminAuthOptions): JsonObject {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const item = (paths[route.path] ??= {});
    item[route.method.toLowerCase()] = toOperation(route);
  }
  const scheme = toSecurityScheme(auth);
  return {
    openapi: '3.1.0',
    info: { title: 'Sekisho admin API', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    tags: [...new Set(routes.map((route) => route.group))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...entitySchemas(), Problem: PROBLEM },
      ...(scheme !== undefined && { securitySchemes: { admin: scheme } }),
    },
    ...(scheme !== undefined && { security: [{ admin: [] }] }),
  };
}

function entitySchemas(): JsonObject {
  return Object.fromEntries((Object.keys(KINDS) as KindName[]).map((kind) => [kind, toEntitySchema(kind)]));
}

function toOperation(route: AdminRoute): JsonObject {
  const names = [...route.path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
  const parameters = [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...route.query.map(toParameter),
    ...(route.conditional
      ? [
          {
            name: 'If-Match',
            in: 'header',
            required: false,
            description: 'The ETag of an earlier answer; 412 when the state has changed since.',
            schema: { type: 'string' },
          },
        ]
      : []),
  ];
  return {
    operationId: route.id,
    tags: [route.group],
    summary: route.summary,
    parameters,
    ...(route.body && {
      requestBody: {
        description: route.body.doc,
        required: route.body.required,
        content: { 'application/json': { schema: route.body.schema } },
      },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(route.responses).map(([status, rule]) => [status, toResponse(rule)])),
      default: toResponse({ doc: 'The error.', schema: { $ref: '#/components/schemas/Problem' }, contentType: 'application/problem+json' }),
    },
  };
}

function toParameter(parameter: QueryParameter): JsonObject {
  const { name, type, doc, minimum, maximum } = parameter;
  const schema = {
    type,
    ...(type === 'integer' && { minimum: minimum ?? 0 }),
    ...(maximum !== undefined && { maximum }),
    ...(parameter.default !== undefined && { default: parameter.default }),
    ...(parameter.values !== undefined && { enum: parameter.values }),
  };
  return { name, in: 'query', required: false, description: doc, schema };
}

function toResponse(rule: ResponseRule): JsonObject {
  if (rule.schema === undefined && rule.contentType === undefined) return { description: rule.doc };
  return { description: rule.doc, content: { [rule.contentType ?? 'application/json']: { schema: rule.schema ?? { type: 'string' } } } };
}

function toSecurityScheme(auth: AdminAuthOptions): JsonObject | undefined {
  if (auth.method === 'none') return undefined;
  if (auth.method === 'basic') return { type: 'http', scheme: 'basic' };
  if (auth.method === 'key') {
    return auth.queryParamName === undefined
      ? { type: 'apiKey', in: 'header', name: auth.headerName ?? 'X-DGate-Key' }
      : { type: 'apiKey', in: 'query', name: auth.queryParamName };
  }
  return auth.headerName === undefined || auth.headerName.toLowerCase() === 'authorization'
    ? { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }
    : { type: 'apiKey', in: 'header', name: auth.headerName };
}
