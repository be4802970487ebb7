import { SekishoError } from '../lib/errors.ts';
import type { Identity } from '../lib/identity.ts';
import type { Decision, Permit, PolicySet } from '../policy/types.ts';
import { allOf, type Filter } from '../schema/filter.ts';
import type { ResourceType, SchemaSet } from '../schema/types.ts';
import type { TypePlan } from './models.ts';
import { isIdFree, policyPath } from './path-shape.ts';

/** Decisions of the policies, remembered per identity. An identity lives as long as its token is cached, and these memories with it. */
export interface Access {
  decide(identity: Identity, action: string, type: ResourceType, id?: string): Decision;
  /** Like `decide`, but throws POLICY_DENIED. */
  permit(identity: Identity, action: string, type: ResourceType, id?: string): Permit;
  /** Rows that the permit reaches: owner, domain and property conditions together. */
  reach(permit: Permit, type: ResourceType): Filter;
  /** Whether related resources of the type can be shown as the database gives them: the identity may see every row and property of them. */
  seesRelated(identity: Identity, type: ResourceType): boolean;
}

interface Memory {
  readonly decisions: Map<string, Decision>;
  readonly related: Map<ResourceType, boolean>;
}

/** Bounds what one identity can make remember. */
const MAX_DECISIONS = 4096;

export function createAccess(schemas: SchemaSet, policies: PolicySet, planOf: (type: ResourceType) => TypePlan): Access {
  const memories = new WeakMap<Identity, Memory>();
  const reaches = new WeakMap<Permit, Map<ResourceType, Filter>>();
  const idFree = new Map<ResourceType, boolean>();

  const memoryOf = (identity: Identity): Memory => {
    let memory = memories.get(identity);
    if (memory === undefined) memories.set(identity, (memory = { decisions: new Map(), related: new Map() }));
    return memory;
  };

  const ignoresIds = (type: ResourceType): boolean => {
    let known = idFree.get(type);
    if (known === undefined) idFree.set(type, (known = isIdFree(type, schemas.policies)));
    return known;
  };

  const decide: Access['decide'] = (identity, action, type, id) => {
    if (id !== undefined && !ignoresIds(type)) return policies.decide(identity, action, policyPath(type, id));
    const { decisions } = memoryOf(identity);
    const key = id === undefined ? `${action} ${type.url}` : `${action} ${type.url}/`;
    const known = decisions.get(key);
    if (known !== undefined) return known;
    const decision = policies.decide(identity, action, policyPath(type, id));
    if (decisions.size < MAX_DECISIONS) decisions.set(key, decision);
    return decision;
  };

  const reach: Access['reach'] = (permit, type) => {
    let byType = reaches.get(permit);
    if (byType === undefined) reaches.set(permit, (byType = new Map()));
    let filter = byType.get(type);
    if (filter === undefined) byType.set(type, (filter = allOf([permit.rowFilter(type), permit.propertyFilter(type)])));
    return filter;
  };

  const seesRelated: Access['seesRelated'] = (identity, type) => {
    const { related } = memoryOf(identity);
    const known = related.get(type);
    if (known !== undefined) return known;
    // A cycle of relations is open when everything else on it is.
    related.set(type, true);
    const isOpen = planOf(type).embeds.every(({ target }) => {
      const decision = ignoresIds(target) ? decide(identity, 'read', target, 'any') : undefined;
      return (
        decision?.allowed === true &&
        decision.permit.seesAll &&
        reach(decision.permit, target).kind === 'true' &&
        seesRelated(identity, target)
      );
    });
    // What was assumed on the way of a closed cycle must not stay.
    if (isOpen) related.set(type, true);
    else related.clear();
    if (!isOpen) related.set(type, false);
    return isOpen;
  };

  return {
    decide,
    permit(identity, action, type, id) {
      const decision = decide(identity, action, type, id);
      // The reason may be remembered from another id.
      if (!decision.allowed) throw new SekishoError('POLICY_DENIED', `No matching policy: ${action} ${policyPath(type, id)}`);
      return decision.permit;
    },
    reach,
    seesRelated,
  };
}
