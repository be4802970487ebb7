import type { Identity } from '../lib/identity.ts';
import type { Filter } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';

/** All policies of a schema set, compiled. Pure: decides from its arguments alone. */
export interface PolicySet {
  /** Ids of the policies that speak of tenants by patterns or names, so that the known tenants decide what they open. */
  readonly needTenants: readonly string[];
  /** What `identity` may do: the first matching allow policy, unless a deny policy matches. `path` is the short URL, with `/id` for single resources. */
  decide(identity: Identity, action: string, path: string): Decision;
  /** The attach policies that bear on a write of `path`; all of them must hold. */
  attachments(identity: Identity, path: string): readonly AttachPolicy[];
  /** Whether requests of this path need no credentials (a policy of the principal Nobody has the path). */
  isAnonymous(path: string): boolean;
}

export type Decision = { readonly allowed: true; readonly permit: Permit } | { readonly allowed: false; readonly reason: string };

/** What one allow policy grants to one identity for one action. */
export interface Permit {
  readonly policyId: string;
  /** False for properties that are hidden and must not be written. */
  readonly seesProperty: (name: string) => boolean;
  /** True when every property is visible: nothing needs to be filtered. */
  readonly seesAll: boolean;
  /** Rows that the identity may reach: owner and domain conditions, and/or/match trees. Goes into the SQL. */
  rowFilter(type: ResourceType): Filter;
  /** Property conditions of the action as a filter over stored rows, so that totals count them. Goes into the SQL too. */
  propertyFilter(type: ResourceType): Filter;
  /** Tenant and domain of a body that is to be written; the refusal's text, or undefined when they are fine. */
  checkOwner(type: ResourceType, body: Readonly<Record<string, unknown>>): string | undefined;
  /** First hidden property among the keys of a body, if any. */
  hiddenKey(body: Readonly<Record<string, unknown>>): string | undefined;
  /** Property conditions of a create (on the body) or of an update (stored resource, with the body as candidate); the refusal's text or undefined. */
  checkCreate(body: Readonly<Record<string, unknown>>): string | undefined;
  checkUpdate(stored: Readonly<Record<string, unknown>>, body: Readonly<Record<string, unknown>>): string | undefined;
  /** Evaluates `rowFilter` in memory on the final data of a create. */
  admits(type: ResourceType, resource: Readonly<Record<string, unknown>>): boolean;
}

/** One attach policy, for one identity. */
export interface AttachPolicy {
  readonly policyId: string;
  readonly effect: 'allow' | 'deny';
  /** A name, a dotted path with `[]` for items, or `*`. */
  readonly relationProperty: string;
  readonly skipsTenantDomainCheck: boolean;
  /** Rows of the target that the owner and and/or conditions reach; `source` is the resource that refers to it. */
  targetFilter(target: ResourceType, source: Readonly<Record<string, unknown>>): Filter;
  /** Those of them that keep the property conditions. */
  propertyFilter(target: ResourceType): Filter;
}
