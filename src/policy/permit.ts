import type { Identity } from '../lib/identity.ts';
import { allOf, type Filter, TRUE } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import type { CompiledPolicy } from './compiled-policy.ts';
import { toTreeFilter } from './condition-tree.ts';
import { evaluateFilter } from './evaluate.ts';
import { checkOwner, toOwnerFilter } from './owner.ts';
import { findBroken, findBrokenUpdate, toPropertyFilter } from './property-condition.ts';
import type { TenantBook } from './tenant-book.ts';
import type { Permit } from './types.ts';

/** Actions whose property conditions speak of a stored row. A create and a custom action are judged by their body. */
const STORED = new Set(['read', 'update', 'delete']);

/** What `policy` grants `identity` for `action`. Filters are made once per type. */
export function createPermit(policy: CompiledPolicy, identity: Identity, action: string, tenants: TenantBook): Permit {
  const { owner, belongsTo, trees } = policy.conditions;
  const others = () => tenants.opened(belongsTo, action);
  const conditions = conditionsOf(policy, action);
  const rowFilter = memoize((type) =>
    allOf([toOwnerFilter(owner, identity, type, others), ...trees.map((tree) => toTreeFilter(tree, identity, type))]),
  );
  const refuse = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : `Rejected by property filter: ${name} is or becomes what the policy "${policy.id}" does not permit`;
  return {
    policyId: policy.id,
    seesProperty: policy.seesProperty,
    seesAll: policy.seesAll,
    rowFilter,
    propertyFilter: memoize((type) => (STORED.has(action) ? toPropertyFilter(conditions, type) : TRUE)),
    checkOwner: (_type, body) => checkOwner({ rule: owner, belongsTo, tenants }, identity, action, body),
    hiddenKey(body) {
      if (policy.seesAll) return undefined;
      // Gohan's clients repeat the tenant's name, which is dropped.
      return Object.keys(body).find((name) => name !== 'tenant_name' && !policy.seesProperty(name));
    },
    checkCreate: (body) => refuse(findBroken(conditions, body)),
    checkUpdate: (stored, body) => refuse(findBrokenUpdate(conditions, stored, body)),
    admits: (type, resource) => evaluateFilter(rowFilter(type), resource),
  };
}

/** A delete without conditions of its own keeps those of the update: what may not be changed may not be removed. */
function conditionsOf(policy: CompiledPolicy, action: string): CompiledPolicy['conditions']['properties'] {
  const { properties } = policy.conditions;
  const own = properties.filter((condition) => condition.appliesTo(action));
  return own.length === 0 && action === 'delete' ? properties.filter((condition) => condition.appliesTo('update')) : own;
}

function memoize(make: (type: ResourceType) => Filter): (type: ResourceType) => Filter {
  const made = new WeakMap<ResourceType, Filter>();
  return (type) => {
    let filter = made.get(type);
    if (filter === undefined) made.set(type, (filter = make(type)));
    return filter;
  };
}
