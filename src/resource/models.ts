import type { Extensions } from '../extension/types.ts';
import type { PolicySet } from '../policy/types.ts';
import type { Property, ResourceType, SchemaSet } from '../schema/types.ts';
import { type Access, createAccess } from './access.ts';
import { OPERATION_EVENTS } from './events.ts';
import { compileRouter, type Router } from './router.ts';

/** One set of schemas with everything that is compiled from it. Immutable: a reload makes another one. */
export interface Models {
  readonly schemas: SchemaSet;
  readonly policies: PolicySet;
  readonly router: Router;
  readonly access: Access;
  readonly extensions: Extensions | undefined;
  planOf(type: ResourceType): TypePlan;
}

/** What the operations need to know about a type, looked up once. */
export interface TypePlan {
  /** Properties under which related resources are embedded. */
  readonly embeds: readonly Embed[];
  readonly idProperty: Property | undefined;
  readonly ownsTenant: boolean;
  readonly ownsDomain: boolean;
  readonly metricName: string;
  /** Operations and own actions with a handler for one of their events. */
  readonly handled: ReadonlySet<string>;
}

export interface Embed {
  readonly name: string;
  readonly property: Property;
  readonly target: ResourceType;
}

export function compileModels(schemas: SchemaSet, policies: PolicySet, extensions: Extensions | undefined): Models {
  const plans = new Map<ResourceType, TypePlan>();
  for (const type of schemas.resources.values()) plans.set(type, toPlan(type, schemas, extensions));
  const planOf = (type: ResourceType): TypePlan => {
    let plan = plans.get(type);
    if (plan === undefined) plans.set(type, (plan = toPlan(type, schemas, extensions)));
    return plan;
  };
  return { schemas, policies, router: compileRouter(schemas), access: createAccess(schemas, policies, planOf), extensions, planOf };
}

function toPlan(type: ResourceType, schemas: SchemaSet, extensions: Extensions | undefined): TypePlan {
  const embeds: Embed[] = [];
  for (const property of type.properties) {
    const { relation } = property;
    const target = relation === undefined ? undefined : schemas.resources.get(relation.schemaId);
    if (relation?.embedAs !== undefined && target !== undefined) embeds.push({ name: relation.embedAs, property, target });
  }
  return {
    embeds,
    idProperty: type.propertyByName.get('id'),
    ownsTenant: type.propertyByName.has('tenant_id'),
    ownsDomain: type.propertyByName.has('domain_id'),
    metricName: `schema:${type.id}`,
    handled: extensions === undefined ? NONE : handledBy(extensions, type),
  };
}

const NONE: ReadonlySet<string> = new Set();

function handledBy(extensions: Extensions, { id, actions }: ResourceType): ReadonlySet<string> {
  const has = (event: string): boolean => extensions.handles(id, event);
  const operations = Object.entries(OPERATION_EVENTS).flatMap(([name, events]) => (events.some(has) ? [name] : []));
  return new Set([...operations, ...[...actions.keys()].filter(has)]);
}
