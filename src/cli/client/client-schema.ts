import { Failure } from '../failure.ts';

/** A property as the schema API answers it. */
export interface ClientProperty {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The type that is not null; of several the last. */
  readonly type: string;
  readonly isRequired: boolean;
  readonly permission: readonly string[];
  readonly relation: string | undefined;
  readonly embedAs: string | undefined;
}

export interface ClientAction {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly input: Fields | undefined;
}

/** What the client knows of a schema, from the server. */
export interface ClientSchema {
  readonly id: string;
  readonly singular: string;
  readonly plural: string;
  readonly title: string;
  readonly parent: string;
  readonly url: string;
  readonly properties: readonly ClientProperty[];
  readonly actions: readonly ClientAction[];
}

export type Fields = Readonly<Record<string, unknown>>;

/** The schemas of an answer of the schema API. Throws a `Failure` when it is something else. */
export function parseClientSchemas(body: unknown): readonly ClientSchema[] {
  const list = isFields(body) ? body['schemas'] : undefined;
  if (!Array.isArray(list)) throw new Failure(1, 'the server answered no list of schemas; is SEKISHO_SCHEMA_URL its path?');
  return list.filter(isFields).map(toSchema);
}

/** The properties of a JSON schema in its order. */
export function toProperties(schema: Fields): readonly ClientProperty[] {
  const properties = isFields(schema['properties']) ? schema['properties'] : {};
  const required = texts(schema['required']);
  const names = [...new Set([...texts(schema['propertiesOrder']), ...Object.keys(properties)])];
  return names.flatMap((name) => {
    const property = properties[name];
    return isFields(property) ? [toProperty(name, property, required.includes(name))] : [];
  });
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toSchema(view: Fields): ClientSchema {
  const actions = isFields(view['actions']) ? view['actions'] : {};
  return {
    id: text(view['id']),
    singular: text(view['singular']),
    plural: text(view['plural']),
    title: text(view['title']),
    parent: text(view['parent']),
    url: text(view['url']),
    properties: toProperties(isFields(view['schema']) ? view['schema'] : {}),
    actions: Object.entries(actions).flatMap(([id, action]) =>
      isFields(action)
        ? [
            {
              id,
              method: text(action['method']),
              path: text(action['path']),
              input: isFields(action['input']) ? action['input'] : undefined,
            },
          ]
        : [],
    ),
  };
}

function toProperty(name: string, property: Fields, isRequired: boolean): ClientProperty {
  const { type } = property;
  const types = Array.isArray(type) ? texts(type) : [text(type)];
  return {
    name,
    title: text(property['title']) || name,
    description: text(property['description']),
    type: types.findLast((one) => one !== 'null') ?? 'string',
    isRequired,
    permission: texts(property['permission']),
    relation: text(property['relation']) || undefined,
    embedAs: text(property['relation_property']) || undefined,
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
