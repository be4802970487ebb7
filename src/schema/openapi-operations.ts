import { toModernSchema } from './modern-schema.ts';
import { componentRef, inputName } from './openapi-schemas.ts';
import type { Action, JsonSchema, Property, ResourceType } from './types.ts';
import type { VisibleType } from './visible-type.ts';

type PathItem = Record<string, unknown>;

/** The paths of a type that the caller may use: its collection, its resources and its actions, under the short URL and under that of its parents. */
export function typePaths(visible: VisibleType): Readonly<Record<string, PathItem>> {
  const { type } = visible;
  const paths: Record<string, PathItem> = {};
  const urls = type.longUrl === type.url ? [type.url] : [type.url, type.longUrl];
  urls.forEach((url, index) => {
    const suffix = index === 0 ? '' : '_under_parent';
    const parameters = type.ancestors.filter(() => index > 0).map(({ schemaId }) => pathParameter(schemaId, `Id of the ${schemaId}.`));
    const add = (path: string, more: readonly JsonSchema[], operations: PathItem): void => {
      if (Object.keys(operations).length === 0) return;
      const all = [...parameters, ...more];
      paths[path] = { ...(all.length > 0 && { parameters: all }), ...paths[path], ...operations };
    };
    add(url, [], collectionOperations(visible, suffix));
    add(`${url}/{id}`, [pathParameter('id', `Id of the ${type.singular}.`)], itemOperations(visible, suffix));
    for (const action of type.actions.values()) {
      if (!visible.mayDo(action.id)) continue;
      const path = action.path.replace(/:([A-Za-z_]\w*)/g, '{$1}');
      const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => pathParameter(name, `The ${name} of the resource.`));
      add(url + path, names, { [action.method.toLowerCase()]: actionOperation(type, action, suffix) });
    }
  });
  return paths;
}

function collectionOperations({ type, read, mayDo }: VisibleType, suffix: string): PathItem {
  const tags = [tagOf(type)];
  return {
    ...(mayDo('read') && {
      get: {
        operationId: `list_${type.id}${suffix}`,
        summary: `List ${type.plural}`,
        tags,
        parameters: [...LIST_PARAMETERS.map(parameterRef), ...read.filter(isScalar).map(filterParameter)],
        responses: {
          200: {
            description: 'A page of them.',
            headers: { 'X-Total-Count': { $ref: '#/components/headers/X-Total-Count' }, Link: { $ref: '#/components/headers/Link' } },
            content: json(wrapped(type.plural, { type: 'array', items: componentRef(type.id) })),
          },
          ...FAILURES,
        },
      },
    }),
    ...(mayDo('create') && {
      post: {
        operationId: `create_${type.id}${suffix}`,
        summary: `Create a ${type.singular}`,
        tags,
        parameters: ['IdempotencyKey', 'Prefer'].map(parameterRef),
        requestBody: { required: true, content: json(wrapped(type.singular, componentRef(`${type.id}Create`))) },
        responses: {
          201: {
            ...one(type, 'It was made.', mayDo),
            headers: { ...headers('ETag'), Location: { $ref: '#/components/headers/Location' } },
          },
          409: problem,
          ...FAILURES,
        },
      },
    }),
  };
}

function itemOperations({ type, mayDo }: VisibleType, suffix: string): PathItem {
  const tags = [tagOf(type)];
  const changing = ['IfMatch', 'IfNoneMatch', 'IdempotencyKey', 'Prefer'].map(parameterRef);
  const changed = {
    200: { ...one(type, 'As it is now.', mayDo), headers: headers('ETag') },
    404: problem,
    409: problem,
    412: problem,
    ...FAILURES,
  };
  const body = wrapped(type.singular, componentRef(`${type.id}Update`));
  return {
    ...(mayDo('read') && {
      get: {
        operationId: `show_${type.id}${suffix}`,
        summary: `Show a ${type.singular}`,
        tags,
        parameters: ['Fields', 'Details', 'IfNoneMatch'].map(parameterRef),
        responses: {
          200: { ...one(type, 'The resource.', mayDo), headers: headers('ETag') },
          304: { description: 'It has not changed.' },
          404: problem,
          ...FAILURES,
        },
      },
    }),
    ...(mayDo('update') && {
      put: {
        operationId: `update_${type.id}${suffix}`,
        summary: `Update a ${type.singular}, or create it`,
        tags,
        parameters: changing,
        requestBody: { required: true, content: json(body) },
        responses: { ...changed, 201: { ...one(type, 'It was made.', mayDo), headers: headers('ETag') } },
      },
      patch: {
        operationId: `patch_${type.id}${suffix}`,
        summary: `Change parts of a ${type.singular}`,
        tags,
        parameters: changing,
        requestBody: {
          required: true,
          content: {
            ...json(body),
            'application/merge-patch+json': { schema: body },
            'application/json-patch+json': { schema: { type: 'array', items: { type: 'object' } } },
          },
        },
        responses: changed,
      },
    }),
    ...(mayDo('delete') && {
      delete: {
        operationId: `delete_${type.id}${suffix}`,
        summary: `Delete a ${type.singular}`,
        tags,
        parameters: [parameterRef('IfMatch')],
        responses: { 204: { description: 'It is gone.' }, 404: problem, 409: problem, 412: problem, ...FAILURES },
      },
    }),
  };
}

function actionOperation(type: ResourceType, action: Action, suffix: string): JsonSchema {
  const query = Object.entries(action.parameters ?? {}).map(([name, rule]) => {
    const { type: kind = 'string', required = false, description = '' } = (rule ?? {}) as Readonly<Record<string, unknown>>;
    return { name, in: 'query', required, description, schema: { type: kind } };
  });
  return {
    operationId: `${action.id}_${type.id}${suffix}`,
    summary: action.description || `${action.id} of ${type.singular}`,
    tags: [tagOf(type)],
    ...(query.length > 0 && { parameters: query }),
    ...(action.input !== undefined &&
      action.protocol === '' && { requestBody: { required: true, content: json(componentRef(inputName(type, action))) } }),
    responses: {
      200:
        action.protocol === ''
          ? { description: 'What the action answers.', content: json(toOutput(action.output)) }
          : { description: `${action.protocol} protocol` },
      ...FAILURES,
    },
  };
}

/** An output whose `type` names no type of JSON is a resource of that schema. */
function toOutput(output: JsonSchema | undefined): JsonSchema {
  if (output === undefined) return {};
  const { type } = output;
  const isJsonType = typeof type !== 'string' || ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'].includes(type);
  return isJsonType ? toModernSchema(output, '#') : componentRef(type);
}

const problem = { $ref: '#/components/responses/Problem' };
const FAILURES = { 400: problem, 401: problem, 403: problem, default: problem };
const LIST_PARAMETERS = [
  'SortKey',
  'SortOrder',
  'Sort',
  'Limit',
  'Offset',
  'PageSize',
  'PageToken',
  'SearchField',
  'AnyOf',
  'Fields',
  'Details',
  'Prefer',
];

function one(type: ResourceType, description: string, mayDo: (action: string) => boolean): JsonSchema {
  return { description, content: json(wrapped(type.singular, mayDo('read') ? componentRef(type.id) : { type: 'object' })) };
}

function wrapped(key: string, schema: JsonSchema): JsonSchema {
  return { type: 'object', properties: { [key]: schema }, required: [key] };
}

function json(schema: JsonSchema): JsonSchema {
  return { 'application/json': { schema } };
}

function headers(name: string): JsonSchema {
  return { [name]: { $ref: `#/components/headers/${name}` } };
}

function parameterRef(name: string): JsonSchema {
  return { $ref: `#/components/parameters/${name}` };
}

function pathParameter(name: string, description: string): JsonSchema {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

function isScalar({ type }: Property): boolean {
  return type !== 'object' && type !== 'array';
}

function filterParameter({ name, title, type }: Property): JsonSchema {
  return {
    name,
    in: 'query',
    required: false,
    description: `${title}: this value; several are joined by OR.`,
    schema: { type: 'array', items: { type } },
    explode: true,
  };
}

function tagOf({ metadata, group, id }: ResourceType): string {
  const { resource_group: tag } = metadata;
  return typeof tag === 'string' && tag !== '' ? tag : (group ?? id);
}
