import type { Identity } from '../lib/identity.ts';
import type { Permit } from '../policy/types.ts';
import type { JsonSchema, ResourceType } from '../schema/types.ts';
import { isObject, type JsonObject } from './body.ts';
import type { Models } from './models.ts';

const ACTIONS = ['create', 'read', 'update', 'delete'] as const;

/** A schema as the schema API shows it to a caller: with what it may do, without the properties that it does not see. */
export function shownSchema(models: Models, identity: Identity, type: ResourceType): JsonObject {
  const permits = new Map<string, Permit>();
  for (const action of ACTIONS) {
    const decision = models.access.decide(identity, action, type);
    if (decision.allowed) permits.set(action, decision.permit);
  }
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
      [...type.actions].map(([id, { method, path, input, output, protocol }]) => [id, { method, path, input, output, protocol }]),
    ),
    schema: { ...shownProperties(type.jsonSchema, permits), permission: [...permits.keys()] },
  };
}

function shownProperties(schema: JsonSchema, permits: ReadonlyMap<string, Permit>): JsonObject {
  const read = permits.get('read');
  const sees = (name: unknown): boolean => typeof name === 'string' && read?.seesProperty(name) === true;
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const shown = Object.entries(properties)
    .filter(([name]) => sees(name))
    .map(([name, property]) => [name, isObject(property) ? withPermission(name, property, permits) : property]);
  return {
    ...schema,
    properties: Object.fromEntries(shown),
    ...(Array.isArray(schema['propertiesOrder']) && { propertiesOrder: schema['propertiesOrder'].filter(sees) }),
    ...(Array.isArray(schema['required']) && { required: schema['required'].filter(sees) }),
  };
}

/** What the caller may not write loses the permission for it. */
function withPermission(name: string, property: JsonObject, permits: ReadonlyMap<string, Permit>): JsonObject {
  const { permission } = property;
  if (!Array.isArray(permission)) return property;
  return { ...property, permission: permission.filter((action) => permits.get(String(action))?.seesProperty(name) === true) };
}
