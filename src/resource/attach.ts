import { SekishoError } from '../lib/errors.ts';
import type { AttachPolicy } from '../policy/types.ts';
import type { ResourceType } from '../schema/types.ts';
import type { Resource, Session } from '../sql/types.ts';
import { isObject, type JsonObject } from './body.ts';
import { policyPath } from './path-shape.ts';
import type { Call } from './types.ts';

/** One id in a body that refers to a resource of another type. */
interface Reference {
  readonly schemaId: string;
  readonly id: string | number;
  readonly pointer: string;
}

/**
 * Checks the references that a write makes against the attach policies; all of them must hold.
 * `written` is what the body sets, `source` the whole resource as it will be. Throws RESOURCE_REFERENCE.
 */
export async function checkAttachments(call: Call, session: Session, written: JsonObject, source: Resource): Promise<void> {
  const { models, identity, type, id } = call;
  for (const policy of models.policies.attachments(identity, policyPath(type, id))) {
    for (const reference of findReferences(type, policy.relationProperty, written)) {
      await checkReference(call, session, policy, reference, source);
    }
  }
}

async function checkReference(call: Call, session: Session, policy: AttachPolicy, reference: Reference, source: Resource): Promise<void> {
  const target = call.models.schemas.resources.get(reference.schemaId);
  if (target === undefined) return;
  const filter = policy.targetFilter(target, source);
  const found = await session.fetch(target, reference.id, { filter, embed: false });
  if (policy.effect === 'deny') {
    if (found !== undefined) throw refused(reference);
    return;
  }
  if (found === undefined || (!policy.skipsTenantDomainCheck && !isSameOwner(source, found))) throw refused(reference);
}

/** Only what both sides have as a text is compared. */
function isSameOwner(source: Resource, target: Resource): boolean {
  return ['tenant_id', 'domain_id'].every((name) => {
    const [a, b] = [source[name], target[name]];
    return typeof a !== 'string' || typeof b !== 'string' || a === b;
  });
}

function refused({ schemaId, id, pointer }: Reference): SekishoError {
  const detail = `Related resource ${schemaId} ID "${id}" not found`;
  return new SekishoError('RESOURCE_REFERENCE', detail, { errors: [{ pointer, detail }] });
}

/** The ids at a relation path: a name, a dotted path with `[]` for items, or `*` for every relation of the schema. */
function findReferences(type: ResourceType, path: string, written: JsonObject): readonly Reference[] {
  const references: Reference[] = [];
  const steps = path === '*' ? undefined : path.split('.');
  for (const property of type.properties) {
    if (steps !== undefined && steps[0] !== property.name) continue;
    walk(property.schema, written[property.name], steps?.slice(1), `/${property.name}`, references);
  }
  return references;
}

/** Follows schema and value together; without `steps`, everywhere. */
function walk(schema: unknown, value: unknown, steps: readonly string[] | undefined, pointer: string, found: Reference[]): void {
  if (!isObject(schema) || value === null || value === undefined || value === '') return;
  const relation = schema['relation'];
  const isHere = steps === undefined || steps.length === 0;
  if (isHere && typeof relation === 'string' && (typeof value === 'string' || typeof value === 'number')) {
    found.push({ schemaId: relation, id: value, pointer });
  }
  if (steps !== undefined && steps.length === 0 && !Array.isArray(value)) return;
  if (Array.isArray(value)) {
    const rest = steps === undefined ? undefined : steps[0] === '[]' ? steps.slice(1) : steps;
    for (const [index, item] of value.entries()) walk(schema['items'], item, rest, `${pointer}/${index}`, found);
  } else if (isObject(value) && isObject(schema['properties'])) {
    for (const [name, inner] of Object.entries(schema['properties'])) {
      if (steps === undefined || steps[0] === name) walk(inner, value[name], steps?.slice(1), `${pointer}/${name}`, found);
    }
  }
}
