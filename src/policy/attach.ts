import type { Identity } from '../lib/identity.ts';
import { allOf } from '../schema/filter.ts';
import { ATTACH_ACTION, type CompiledPolicy } from './compiled-policy.ts';
import { toTreeFilter } from './condition-tree.ts';
import { toOwnerFilter } from './owner.ts';
import { toPropertyFilter } from './property-condition.ts';
import type { TenantBook } from './tenant-book.ts';
import type { AttachPolicy } from './types.ts';

/** What an attach policy asks of the targets when `identity` writes a reference. The owner rules are those of reading. */
export function createAttachPolicy(policy: CompiledPolicy, identity: Identity, tenants: TenantBook): AttachPolicy {
  const { owner, belongsTo, trees, properties, skipsTenantDomainCheck } = policy.conditions;
  const others = () => tenants.opened(belongsTo, 'read');
  const conditions = properties.filter((condition) => condition.appliesTo(ATTACH_ACTION));
  return {
    policyId: policy.id,
    effect: policy.isDeny ? 'deny' : 'allow',
    relationProperty: policy.relationProperty,
    skipsTenantDomainCheck,
    targetFilter: (target, source) =>
      allOf([toOwnerFilter(owner, identity, target, others), ...trees.map((tree) => toTreeFilter(tree, identity, target, source))]),
    propertyFilter: (target) => toPropertyFilter(conditions, target),
  };
}
