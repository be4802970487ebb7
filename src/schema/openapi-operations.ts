import { toModernSchema } from './modern-schema.ts';
import { filterParameters, headerRefs, LIST_PARAMETER_REFS, parameterRefs, pathParameter, queryParameter } from './openapi-parameters.ts';
import { componentRef, inputName } from './openapi-schemas.ts';
import { TYPES } from './schema-keys.ts';
import type { Action, JsonSchema, Property, ResourceType } from './types.ts';
import type { VisibleType } from './visible-type.ts';

type PathItem = Record<string, unknown>;

/** The paths of a type that the caller may use: its collection, its resources and its actions, under the short URL and under that of its parents. */
export function typePaths(visible: VisibleType, known: ReadonlySet<string>): Readonly<Record<string, PathItem>> {
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
      add(url + path, names, { [action.method.toLowerCase()]: actionOperation(type, action, { suffix, known }) });
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
        parameters: [...LIST_PARAMETER_REFS, ...filtersOf(read)],
        responses: {
          200: {
            description: 'A page of them.',
            headers: headerRefs('X-Total-Count', 'Link', 'Preference-Applied'),
            content: json({
              type: 'object',
              properties: {
                [type.plural]: { type: 'array', items: componentRef(type.id) },
                next_page_token: { type: 'string', description: 'With `page_size`, when there is a next page.' },
              },
              required: [type.plural],
            }),
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
        parameters: parameterRefs('validate_only', 'Idempotency-Key', 'Prefer'),
        requestBody: { required: true, content: json(wrapped(type.singular, componentRef(`${type.id}Create`))) },
        responses: {
          201: { ...one(type, 'It was made.', mayDo), headers: headerRefs('ETag', 'Location', ...WRITE_HEADERS) },
          200: one(type, 'It would be made (`validate_only`).', mayDo),
          409: problem,
          ...FAILURES,
        },
      },
    }),
  };
}

function itemOperations({ type, mayDo }: VisibleType, suffix: string): PathItem {
  const tags = [tagOf(type)];
  const changing = parameterRefs('validate_only', 'If-Match', 'If-None-Match', 'Idempotency-Key', 'Prefer');
  const changed = {
    200: { ...one(type, 'As it is now.', mayDo), headers: headerRefs('ETag', ...WRITE_HEADERS) },
    204: { description: 'It was changed (`Prefer: return=minimal`).', headers: headerRefs('ETag', ...WRITE_HEADERS) },
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
        parameters: parameterRefs('_fields', '_details', 'If-None-Match'),
        responses: {
          200: { ...one(type, 'The resource.', mayDo), headers: headerRefs('ETag') },
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
        responses: {
          ...changed,
          201: { ...one(type, 'It was made.', mayDo), headers: headerRefs('ETag', 'Location', ...WRITE_HEADERS) },
        },
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
            'application/json-patch+json': { schema: JSON_PATCH },
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
        parameters: parameterRefs('validate_only', 'If-Match', 'Idempotency-Key'),
        responses: { 204: { description: 'It is gone.' }, 404: problem, 409: problem, 412: problem, ...FAILURES },
      },
    }),
  };
}

function actionOperation(
  type: ResourceType,
  action: Action,
  { suffix, known }: { readonly suffix: string; readonly known: ReadonlySet<string> },
): JsonSchema {
  const query = Object.entries(action.parameters ?? {}).map(([name, rule]) => {
    const { type: kind = 'string', required, description } = (rule ?? {}) as Readonly<Record<string, unknown>>;
    const parameter = queryParameter(name, { type: kind }, typeof description === 'string' ? description : '');
    return required === true ? { ...parameter, required } : parameter;
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
          ? { description: 'What the action answers.', content: json(toOutput(action.output, known)) }
          : { description: `${action.protocol} protocol` },
      ...FAILURES,
    },
  };
}

/** An output whose `type` names no type of JSON is a resource of that schema, when the caller may see one. */
function toOutput(output: JsonSchema | undefined, known: ReadonlySet<string>): JsonSchema {
  if (output === undefined) return {};
  const { type } = output;
  const isJsonType = typeof type !== 'string' || TYPES.some((name) => name === type);
  if (isJsonType) return toModernSchema(output, '#');
  return known.has(type) ? componentRef(type) : { type: 'object' };
}

const problem = { $ref: '#/components/responses/Problem' };
const FAILURES = { 400: problem, 401: problem, 403: problem, default: problem };
const WRITE_HEADERS = ['Preference-Applied', 'Idempotency-Replayed'];
const JSON_PATCH = {
  type: 'array',
  description: 'RFC 6902.',
  items: {
    type: 'object',
    properties: {
      op: { type: 'string', enum: ['add', 'remove', 'replace', 'move', 'copy', 'test'] },
      path: { type: 'string' },
      from: { type: 'string' },
      value: {},
    },
    required: ['op', 'path'],
  },
};

function one(type: ResourceType, description: string, mayDo: (action: string) => boolean): JsonSchema {
  return { description, content: json(wrapped(type.singular, mayDo('read') ? componentRef(type.id) : { type: 'object' })) };
}

function wrapped(key: string, schema: JsonSchema): JsonSchema {
  return { type: 'object', properties: { [key]: schema }, required: [key] };
}

function json(schema: JsonSchema): JsonSchema {
  return { 'application/json': { schema } };
}

/** Objects and lists are no filters; a filter whose name is a property's own is that property. */
function filtersOf(properties: readonly Property[]): readonly JsonSchema[] {
  const own = new Set(properties.map(({ name }) => name));
  return properties
    .filter(({ type }) => type !== 'object' && type !== 'array')
    .flatMap((property) => filterParameters(property).filter(({ name }) => name === property.name || !own.has(String(name))));
}

function tagOf({ metadata, group, id }: ResourceType): string {
  const { resource_group: tag } = metadata;
  return typeof tag === 'string' && tag !== '' ? tag : (group ?? id);
}
