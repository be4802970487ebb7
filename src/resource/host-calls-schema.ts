import { schemaViews } from '../schema/schema-view.ts';
import type { PolicySource } from '../schema/types.ts';
import type { HostCalls } from './host-calls.ts';
import { typeOf } from './life.ts';

const EVERYTHING = { mayDo: () => true, seesProperty: () => true };

/** `schema.*` and `policy.*`: what the schema files say. */
export const SCHEMA_CALLS: HostCalls<'schema'> & HostCalls<'policy'> = {
  'schema.list': ({ life }) => schemaViews(life.models.schemas, EVERYTHING),
  'schema.url': ({ life }, schemaId) => typeOf(life, schemaId).url,
  'policy.list': ({ life }) => life.models.schemas.policies.map(toRaw),
};

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
