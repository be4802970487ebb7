import { type Cursor, isMap, mapAt, placeText, textAt, textsAt } from './cursor.ts';
import type { Draft } from './draft.ts';
import { orderProperties, toProperty } from './property.ts';
import type { Action, Index, IsolationLevel, JsonSchema, LockPolicy, Property, ResourceType, SchemaGroup } from './types.ts';

/** What a schema is put together with. Missing ones were reported. */
export interface Surroundings {
  readonly drafts: ReadonlyMap<string, Draft>;
  readonly groups: ReadonlyMap<string, SchemaGroup>;
  readonly legacyTableNames: boolean;
}

/** Keywords that a whole body must keep on create; on update it is a part, of which only the properties can be judged. */
const WHOLE_BODY = ['anyOf', 'oneOf', 'allOf', 'not', 'dependencies', 'minProperties', 'maxProperties'];

/** The type of a schema with its bases merged in. Wrong values were reported and are left out here. */
export function toResourceType(draft: Draft, surroundings: Surroundings): ResourceType {
  const { id, cursor, metadata } = draft;
  const plural = textAt(cursor, 'plural');
  const group = surroundings.groups.get(draft.group);
  const base = `${group === undefined || group.fullPrefix === '/' ? '' : group.fullPrefix}/${withSlash(draft.prefix)}`;
  const ancestors = ancestorsOf(draft, surroundings.drafts);
  const long = ancestors.map(({ schemaId, plural: name }) => `${encode(name)}/{${schemaId}}/`).join('');
  const table = surroundings.legacyTableNames ? `${id}s` : plural;
  const { properties, required } = withParent(draft, surroundings.drafts);
  const order = orderProperties(
    draft.parent === '' ? draft.order : [...draft.order, `${draft.parent}_id`],
    new Map(properties.map(({ name, cursor: at }) => [name, at])),
  );
  const byName = new Map(properties.map(({ name, cursor: at }) => [name, toProperty(name, at, required.includes(name))]));
  const parentProperty = draft.parent === '' ? undefined : `${draft.parent}_id`;
  const ordered = order.map((name) => withCascade(byName.get(name) as Property, draft, parentProperty));
  const jsonSchema: JsonSchema = {
    type: 'object',
    ...draft.keywords,
    ...(Object.keys(draft.definitions).length > 0 && { definitions: draft.definitions }),
    properties: Object.fromEntries(ordered.map((property) => [property.name, property.schema])),
    propertiesOrder: order,
    ...(required.length > 0 && { required }),
    ...(draft.indexes.size > 0 && { indexes: Object.fromEntries([...draft.indexes].map(([name, index]) => [name, index.cursor.value])) }),
  };
  return {
    id,
    singular: textAt(cursor, 'singular'),
    plural,
    title: textAt(cursor, 'title'),
    description: textAt(cursor, 'description'),
    group: group?.id,
    prefix: draft.prefix,
    url: encode(base) + encode(plural),
    ancestors,
    longUrl: encode(base) + long + encode(plural),
    parent: draft.parent || undefined,
    parentProperty,
    onParentDeleteCascade: cursor.at('on_parent_delete_cascade').value === true,
    table,
    renamedFrom: textAt(cursor, 'renamed_from') || undefined,
    properties: ordered,
    propertyByName: new Map(ordered.map((property) => [property.name, property])),
    jsonSchema,
    createSchema: { ...bodySchema(draft, ordered, 'mayCreate'), ...toRequired(required, byName), ...pick(draft.keywords, WHOLE_BODY) },
    updateSchema: bodySchema(draft, ordered, 'mayUpdate'),
    indexes: [...draft.indexes].map(([name, index]) => toIndex(index.isInherited ? `${table}_${name}` : name, index.cursor)),
    metadata,
    actions: new Map([...draft.actions].map(([name, action]) => [name, toAction(name, action)])),
    isolationLevels: draft.isolation as Readonly<Record<string, IsolationLevel>>,
    lockingPolicy: { update: toLock(metadata, 'update'), delete: toLock(metadata, 'delete') },
    noSync: metadata['nosync'] === true,
    stateVersioning: metadata['state_versioning'] === true,
    isMeta: metadata['type'] === 'metaschema',
    place: placeText(cursor),
  };
}

function withSlash(prefix: string): string {
  const bare = prefix.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `${bare}/`;
}

/** A path, percent-encoded but for its slashes. */
function encode(path: string): string {
  return path
    .split('/')
    .map((segment) => encodeURIComponent(segment))
    .join('/');
}

function ancestorsOf(draft: Draft, drafts: ReadonlyMap<string, Draft>): { schemaId: string; plural: string }[] {
  const found: { schemaId: string; plural: string }[] = [];
  for (let parent = drafts.get(draft.parent); parent !== undefined; parent = drafts.get(parent.parent)) {
    // A schema that is its own ancestor was reported.
    if (parent.id === draft.id || found.some(({ schemaId }) => schemaId === parent?.id)) break;
    found.unshift({ schemaId: parent.id, plural: textAt(parent.cursor, 'plural') });
  }
  return found;
}

interface NamedCursor {
  readonly name: string;
  readonly cursor: Cursor;
}

/** Its properties, with the one that leads to the parent when it does not declare that itself. */
function withParent(draft: Draft, drafts: ReadonlyMap<string, Draft>): { properties: readonly NamedCursor[]; required: readonly string[] } {
  const properties = [...draft.properties].map(([name, cursor]) => ({ name, cursor }));
  const name = `${draft.parent}_id`;
  if (draft.parent === '' || draft.properties.has(name)) return { properties, required: draft.required };
  const key = drafts.get(draft.parent)?.properties.get('id')?.value;
  const schema = {
    title: draft.parent,
    description: 'parent object',
    type: isMap(key) && key['type'] === 'integer' ? 'integer' : 'string',
    relation: draft.parent,
    unique: false,
    permission: ['create'],
  };
  return { properties: [...properties, { name, cursor: generated(schema, draft.cursor) }], required: [...draft.required, name] };
}

/** A cursor on a property that no file has; it stands where its schema does. */
function generated(value: Readonly<Record<string, unknown>>, owner: Cursor): Cursor {
  const at = (key: string | number): Cursor => ({
    ...owner,
    value: value[key],
    at: () => owner,
    has: () => false,
    entries: () => [],
    items: () => [],
  });
  return {
    ...owner,
    value,
    at,
    has: (key) => Object.hasOwn(value, key),
    entries: () => Object.keys(value).map((key) => [key, at(key)] as const),
  };
}

function withCascade(property: Property, draft: Draft, parentProperty: string | undefined): Property {
  const { relation } = property;
  if (property.name !== parentProperty || relation?.schemaId !== draft.parent) return property;
  return {
    ...property,
    relation: { ...relation, onDeleteCascade: relation.onDeleteCascade || draft.cursor.at('on_parent_delete_cascade').value === true },
  };
}

function bodySchema(draft: Draft, properties: readonly Property[], permission: 'mayCreate' | 'mayUpdate'): JsonSchema {
  const allowed = properties.filter((property) => property[permission]);
  return {
    type: 'object',
    properties: Object.fromEntries(allowed.map(({ name, schema }) => [name, schema])),
    additionalProperties: false,
    ...(Object.keys(draft.definitions).length > 0 && { definitions: draft.definitions }),
  };
}

function toRequired(required: readonly string[], properties: ReadonlyMap<string, Property>): JsonSchema {
  const settable = required.filter((name) => properties.get(name)?.mayCreate);
  return settable.length > 0 ? { required: settable } : {};
}

function pick(map: JsonSchema, keys: readonly string[]): JsonSchema {
  return Object.fromEntries(keys.filter((key) => map[key] !== undefined).map((key) => [key, map[key]]));
}

function toIndex(name: string, cursor: Cursor): Index {
  return { name, columns: textsAt(cursor, 'columns'), type: textAt(cursor, 'type').toLowerCase() as Index['type'] };
}

function toAction(id: string, cursor: Cursor): Action {
  return {
    id,
    method: textAt(cursor, 'method'),
    path: textAt(cursor, 'path'),
    input: cursor.has('input') ? mapAt(cursor, 'input') : undefined,
    output: cursor.has('output') ? mapAt(cursor, 'output') : undefined,
    parameters: cursor.has('parameters') ? mapAt(cursor, 'parameters') : undefined,
    description: textAt(cursor, 'description'),
    protocol: textAt(cursor, 'protocol'),
    hasResponseOwnership: cursor.at('has_response_ownership').value === true,
  };
}

function toLock(metadata: JsonSchema, operation: 'update' | 'delete'): LockPolicy {
  const { locking_policy: policy } = metadata;
  const lock = isMap(policy) ? policy[operation] : undefined;
  return lock === 'lock_related' || lock === 'skip_related' ? lock : 'none';
}
