import type { Identity } from '../lib/identity.ts';
import { evaluateFilter } from '../policy/evaluate.ts';
import type { Permit } from '../policy/types.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Resource } from '../sql/types.ts';
import { isObject, type JsonObject } from './body.ts';
import { idText } from './id-text.ts';
import type { Models } from './models.ts';
import type { Work } from './types.ts';

/**
 * What the caller may see of a resource that the database gave: hidden properties are left out, and so are relations whose property is hidden; a related resource
 * is shown as the caller would see it by itself, null when not at all.
 */
export function toVisible(models: Models, identity: Identity, permit: Permit, type: ResourceType, resource: Resource): Resource {
  const { embeds } = models.planOf(type);
  if (permit.seesAll && (embeds.length === 0 || models.access.seesRelated(identity, type))) return resource;
  const visible: Record<string, unknown> = {};
  for (const name of Object.keys(resource)) if (permit.seesProperty(name)) visible[name] = resource[name];
  for (const { name, property, target } of embeds) {
    if (!(name in visible)) continue;
    if (!permit.seesProperty(property.name)) delete visible[name];
    else visible[name] = relatedAsSeen(models, identity, target, visible[name]);
  }
  return visible;
}

/** A whole answer as extensions left it, without what the policy hides of the resources in it. */
export function withoutHidden({ type }: Pick<Work, 'type'>, permit: Permit, response: JsonObject): JsonObject {
  if (permit.seesAll) return response;
  const { singular, plural } = type;
  return Object.fromEntries(
    Object.entries(response).map(([name, value]) => {
      if (name === singular) return [name, isObject(value) ? ownAsSeen(type, permit, value) : value];
      if (name !== plural || !Array.isArray(value)) return [name, value];
      return [name, value.map((row: unknown) => (isObject(row) ? ownAsSeen(type, permit, row) : row))];
    }),
  );
}

function ownAsSeen({ properties }: ResourceType, permit: Permit, resource: JsonObject): JsonObject {
  const seen: Record<string, unknown> = {};
  for (const name of Object.keys(resource)) {
    const embedding = properties.find(({ relation }) => relation?.embedAs === name);
    if (permit.seesProperty(name) && (embedding === undefined || permit.seesProperty(embedding.name))) seen[name] = resource[name];
  }
  return seen;
}

/** Related resources as the caller would see them by themselves; the own properties are all there, for handlers, and hidden when they are done. */
export function withSeenRelations(models: Models, identity: Identity, type: ResourceType, resource: Resource): Resource {
  const { embeds } = models.planOf(type);
  if (embeds.length === 0 || models.access.seesRelated(identity, type)) return resource;
  const seen: Record<string, unknown> = { ...resource };
  for (const { name, target } of embeds) if (name in seen) seen[name] = relatedAsSeen(models, identity, target, seen[name]);
  return seen;
}

function relatedAsSeen(models: Models, identity: Identity, type: ResourceType, value: unknown): Resource | null {
  if (typeof value !== 'object' || value === null) return null;
  const related = value as Resource;
  const { access } = models;
  const decision = access.decide(identity, 'read', type, idText(related['id']));
  if (!decision.allowed || !evaluateFilter(access.reach(decision.permit, type), related)) return null;
  return toVisible(models, identity, decision.permit, type, related);
}

/**
 * Only the asked fields of a resource: names of its own properties, or `schema_id.name` for those of related ones. As in Gohan those without a value are left out.
 */
export function toFields(models: Models, type: ResourceType, resource: Resource, fields: readonly string[]): Resource {
  const picked: Record<string, unknown> = {};
  for (const field of fields) {
    const own = ownName(type, field);
    if (own !== undefined && isGiven(resource[own])) picked[own] = resource[own];
  }
  for (const { name, target } of models.planOf(type).embeds) {
    if (!fields.some((field) => field.startsWith(`${target.id}.`) && target.propertyByName.has(field.slice(target.id.length + 1))))
      continue;
    const related = resource[name];
    if (!isGiven(related)) continue;
    const inner = fields.filter((field) => field.includes('.'));
    picked[name] = toFields(models, target, related as Resource, inner);
  }
  return picked;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The own property that a field names, with or without the schema's id before it. */
export function ownName(type: ResourceType, field: string): string | undefined {
  if (type.propertyByName.has(field)) return field;
  const name = field.startsWith(`${type.id}.`) ? field.slice(type.id.length + 1) : '';
  return type.propertyByName.has(name) ? name : undefined;
}
