import type { Identity } from '../lib/identity.ts';
import { allOf, type Filter, TRUE } from '../schema/filter.ts';
import type { ResourceType } from '../schema/types.ts';
import type { TenantBook } from './tenant-book.ts';
import type { TenantPattern } from './tenant-pattern.ts';

/** `{type: belongs_to}`: tenants beside the caller's own whose resources the caller may reach with some actions. */
export interface BelongsTo {
  readonly appliesTo: (action: string) => boolean;
  readonly tenantId: TenantPattern | undefined;
  readonly tenantName: TenantPattern | undefined;
}

/** What ownership is asked for: nothing, the domain only (`is_domain_owner`), or tenant and domain (`is_owner`). */
export type OwnerRule = 'none' | 'domain' | 'tenant';

/** The ids of the other tenants whose rows count as the caller's. */
type Others = () => readonly string[] | 'any';

/** The rows that the caller owns under `rule`, for those owner properties that the type has. Admin scope owns everything, domain scope its domain. */
export function toOwnerFilter(rule: OwnerRule, identity: Identity, type: ResourceType, others: Others = () => []): Filter {
  if (rule === 'none' || identity.scope === 'admin') return TRUE;
  const filters: Filter[] = [];
  if (rule === 'tenant' && identity.scope === 'tenant' && type.propertyByName.has('tenant_id')) {
    const opened = others();
    filters.push(
      opened === 'any'
        ? { kind: 'notIn', property: 'tenant_id', values: [null] }
        : { kind: 'in', property: 'tenant_id', values: [...new Set([identity.tenantId, ...opened])] },
    );
  }
  if (type.propertyByName.has('domain_id')) filters.push({ kind: 'in', property: 'domain_id', values: [identity.domainId] });
  return allOf(filters);
}

export interface OwnerCheck {
  readonly rule: OwnerRule;
  readonly belongsTo: readonly BelongsTo[];
  readonly tenants: TenantBook;
}

type Body = Readonly<Record<string, unknown>>;

/**
 * Whether the tenant and domain of a body are the caller's, or opened by `belongs_to`; the refusal's text, or undefined. An absent owner is
 * fine: it is filled in. An update may not take the owner away either (`null`), or it would give the resource to nobody.
 */
export function checkOwner(check: OwnerCheck, identity: Identity, action: string, body: Body): string | undefined {
  if (check.rule === 'none' || identity.scope === 'admin') return undefined;
  if (check.rule === 'tenant' && identity.scope === 'tenant' && !ownsTenant(check, identity, action, body)) {
    return 'Operating on resources from other tenant is prohibited';
  }
  const isOwnDomain = isFine(body.domain_id, action, identity.domainId) && isFine(body.domain_name, action, identity.domainName);
  return isOwnDomain ? undefined : 'Operating on resources from other domain is prohibited';
}

function ownsTenant(check: OwnerCheck, identity: Identity, action: string, body: Body): boolean {
  const rules = check.belongsTo.filter((rule) => rule.appliesTo(action));
  const opensId = (id: string): boolean => rules.some((rule) => (rule.tenantId ? rule.tenantId.matches(id) : opensByName(rule, id)));
  const opensByName = ({ tenantName: pattern }: BelongsTo, id: string): boolean =>
    pattern !== undefined && (pattern.isAny || check.tenants.list().some((tenant) => tenant.id === id && pattern.matches(tenant.name)));
  const opensName = (name: string): boolean =>
    rules.some((rule) => (rule.tenantName ? rule.tenantName.matches(name) : opensById(rule, name)));
  const opensById = ({ tenantId: pattern }: BelongsTo, name: string): boolean =>
    pattern !== undefined && (pattern.isAny || check.tenants.list().some((tenant) => tenant.name === name && pattern.matches(tenant.id)));
  return isFine(body.tenant_id, action, identity.tenantId, opensId) && isFine(body.tenant_name, action, identity.tenantName, opensName);
}

function isFine(owner: unknown, action: string, own: string, opens: (text: string) => boolean = () => false): boolean {
  if (owner === undefined) return true;
  if (owner === null || owner === '') return action !== 'update';
  return typeof owner === 'string' && (owner === own || opens(owner));
}
