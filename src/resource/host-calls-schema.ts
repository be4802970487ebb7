import { schemaViews } from '../schema/schema-view.ts';
import type { PolicySource, SchemaSet } from '../schema/types.ts';
import type { HostCalls } from './host-calls.ts';
import { typeOf } from './type-of.ts';

const EVERYTHING = { mayDo: () => true, seesProperty: () => true };

type SchemaCalls = HostCalls<'schema'> & HostCalls<'policy'>;

/** `schema.*` and `policy.*`: what the schema files say. */
export const SCHEMA_CALLS: SchemaCalls = {
  'schema.list': ({ life }) => schemaViews(life.models.schemas, EVERYTHING),
  'schema.url': ({ life }, schemaId) => typeOf(life.models.schemas, schemaId).url,
  'policy.list': ({ life }) => life.models.schemas.policies.map(toRaw),
};

/** Answers one of these calls while scripts load, before anything is served. */
export function answerSchemaCall(schemas: SchemaSet, name: string, [schemaId]: readonly unknown[]): unknown {
  if (name === 'schema.list') return schemaViews(schemas, EVERYTHING);
  return name === 'schema.url' ? typeOf(schemas, schemaId).url : schemas.policies.map(toRaw);
}

/** A policy as files have it. */
function toRaw(policy: PolicySource): Record<string, unknown> {
  const { id, description, principal, action, effect, path, properties, blacklistProperties, condition, scope } = policy;
  return {
    id,
    description,
    principal,
    action,
    effect,
    scope,
    condition,
    resource: {
      path,
      ...(properties !== undefined && { properties }),
      ...(blacklistProperties !== undefined && { blacklistProperties }),
    },
    ...(policy.tenantId !== undefined && { tenant_id: policy.tenantId }),
    ...(policy.tenantName !== undefined && { tenant_name: policy.tenantName }),
    ...(policy.relationProperty !== undefined && { relation_property: policy.relationProperty }),
    ...(policy.targetCondition !== undefined && { target_condition: policy.targetCondition }),
  };
}
