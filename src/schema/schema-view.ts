import type { JsonSchema, ResourceType, SchemaGroup, SchemaSet } from './types.ts';

const ACTIONS = ['create', 'read', 'update', 'delete'] as const;

/** What the caller may do with a type. */
export interface ViewAccess {
  /** A policy permits the action (create, read, update, delete, an action id) on the type. */
  mayDo(type: ResourceType, action: string): boolean;
  /** The policy that permits the action shows the property; asked only when `mayDo`. */
  seesProperty(type: ResourceType, action: string, property: string): boolean;
}

/** A schema as the schema API answers it. */
export type SchemaView = Readonly<Record<string, unknown>>;

/** The schemas that the caller may read, in load order. */
export function schemaViews(set: SchemaSet, access: ViewAccess): readonly SchemaView[] {
  return [...set.resources.values()].map((type) => schemaView(type, access)).filter((view) => view !== undefined);
}

/** One schema with only the properties that the caller may read, and the permissions that it has; undefined when it may not read the type. */
export function schemaView(type: ResourceType, access: ViewAccess): SchemaView | undefined {
  if (!access.mayDo(type, 'read')) return undefined;
  return {
    id: type.id,
    singular: type.singular,
    plural: type.plural,
    title: type.title,
    description: type.description,
    parent: type.parent ?? '',
    namespace: type.group ?? '',
    prefix: type.prefix,
    url: type.url,
    metadata: type.metadata,
    actions: Object.fromEntries(
      [...type.actions].map(([id, { method, path, input, output, protocol }]) => [
        id,
        { method, path, input: input ?? null, output: output ?? null, protocol },
      ]),
    ),
    schema: visibleSchema(type, access),
  };
}

function visibleSchema(type: ResourceType, access: ViewAccess): JsonSchema {
  const names = type.properties.map(({ name }) => name).filter((name) => access.seesProperty(type, 'read', name));
  // Rules over several properties name them: they go when one of them is hidden.
  const isWhole = names.length === type.properties.length;
  const isVisible = (name: unknown): boolean => typeof name === 'string' && names.includes(name);
  const { properties: _properties, propertiesOrder: _order, required, indexes: _indexes, ...rest } = type.jsonSchema;
  return {
    ...(isWhole ? rest : { type: rest['type'] }),
    properties: Object.fromEntries(names.map((name) => [name, visibleProperty(type, name, access)])),
    propertiesOrder: names,
    ...(Array.isArray(required) && { required: required.filter(isVisible) }),
    permission: ACTIONS.filter((action) => access.mayDo(type, action)),
  };
}

function visibleProperty(type: ResourceType, name: string, access: ViewAccess): JsonSchema {
  const schema = type.propertyByName.get(name)?.schema ?? {};
  const { permission } = schema;
  if (!Array.isArray(permission)) return schema;
  const mayWrite = (action: unknown): boolean =>
    (action === 'create' || action === 'update') && access.mayDo(type, action) && access.seesProperty(type, action, name);
  return { ...schema, permission: permission.filter(mayWrite) };
}

/** What `GET` of a schema group answers: the versions inside of a top-level group, or the resources of an inner one that `isVisible`. */
export function groupView(set: SchemaSet, group: SchemaGroup, isVisible: (type: ResourceType) => boolean): JsonSchema {
  if (group.parent === undefined) {
    const children = set.groups.filter(({ parent }) => parent === group.id);
    return {
      versions: children.map((child, index) => ({
        status: index === children.length - 1 ? 'CURRENT' : 'SUPPORTED',
        id: child.prefix,
        links: [{ href: `${child.fullPrefix}/`, rel: 'self' }],
      })),
    };
  }
  const types = [...set.resources.values()].filter((type) => type.group === group.id && isVisible(type));
  return {
    resources: types.map(({ url, singular, plural }) => ({ links: [{ href: url, rel: 'self' }], name: singular, collection: plural })),
  };
}
