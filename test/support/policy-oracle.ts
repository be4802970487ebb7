import type { Identity } from '../../src/lib/identity.ts';
import type { PolicySource } from '../../src/schema/types.ts';

/**
 * What policies mean, written down as naively as possible and apart from the code that it checks: no filters, no caches, no compiling.
 * It knows the ticket type of its test only: the texts id, tenant_id, domain_id, state and the integer level.
 */
export type Row = Readonly<Record<string, any>>;
const PROPERTIES = ['id', 'tenant_id', 'domain_id', 'state', 'level'];

/** The policy that decides, or undefined when the caller may not. */
export function chosenPolicy(policies: readonly PolicySource[], who: Identity, action: string, path: string): PolicySource | undefined {
  const matching = policies.filter((policy) => {
    if (policy.action === '__attach__') return false;
    if (policy.action !== '*' && policy.action !== action) return false;
    if (!new RegExp(policy.path).test(path)) return false;
    if (policy.tenantId !== undefined && !new RegExp(policy.tenantId).test(who.tenantId)) return false;
    if (policy.tenantName !== undefined && !new RegExp(policy.tenantName).test(who.tenantName)) return false;
    return policy.scope.includes(who.scope) && who.roles.includes(policy.principal);
  });
  return matching.some((policy) => policy.effect === 'deny') ? undefined : matching[0];
}

export function isVisible(policy: PolicySource, property: string): boolean {
  if (policy.properties) return policy.properties.includes(property);
  return !(policy.blacklistProperties ?? []).includes(property);
}

/** Whether the caller reaches the row: owners, trees, and, for stored rows, property conditions. */
export function reaches(policy: PolicySource, who: Identity, action: string, row: Row): boolean {
  return policy.condition.every((condition: any) => {
    if (condition === 'is_owner') return owns(who, row, othersOf(policy, action));
    if (condition === 'is_domain_owner') return who.scope === 'admin' || row.domain_id === who.domainId;
    if (condition.type === 'belongs_to' || condition.type === 'property') return true;
    return holds(condition, who, row);
  });
}

/** Whether the stored row keeps the property conditions of the action. */
export function keepsProperties(policy: PolicySource, action: string, row: Row): boolean {
  if (!['read', 'update', 'delete'].includes(action)) return true;
  return rulesOf(policy, action).every(([property, rule]) => {
    const value = row[property] ?? null;
    return isMap(rule) ? value !== null && Object.keys(rule).includes(String(value)) : PROPERTIES.includes(property) && oneOf(rule, value);
  });
}

export function acceptsCreate(policy: PolicySource, action: string, body: Row): boolean {
  return rulesOf(policy, action).every(([property, rule]) => {
    const value = body[property];
    if (value === undefined) return false;
    return isMap(rule) ? value !== null && Object.keys(rule).includes(String(value)) : oneOf(rule, value);
  });
}

export function acceptsUpdate(policy: PolicySource, stored: Row, body: Row): boolean {
  return rulesOf(policy, 'update').every(([property, rule]) => {
    const value = stored[property] ?? null;
    if (!isMap(rule)) return oneOf(rule, value);
    if (value === null || !Object.keys(rule).includes(String(value))) return false;
    return property in body && oneOf(rule[String(value)], body[property]);
  });
}

export function acceptsOwner(policy: PolicySource, who: Identity, action: string, body: Row): boolean {
  if (who.scope === 'admin') return true;
  const asksTenant = policy.condition.includes('is_owner') && who.scope === 'tenant';
  const asksDomain = policy.condition.includes('is_owner') || policy.condition.includes('is_domain_owner');
  const gives = (value: unknown): boolean => value !== undefined && !((value === null || value === '') && action !== 'update');
  if (asksTenant && gives(body.tenant_id) && ![who.tenantId, ...othersOf(policy, action)].includes(body.tenant_id)) return false;
  return !(asksDomain && gives(body.domain_id) && body.domain_id !== who.domainId);
}

function owns(who: Identity, row: Row, others: readonly string[]): boolean {
  if (who.scope === 'admin') return true;
  if (who.scope === 'tenant' && row.tenant_id !== who.tenantId && !others.includes(row.tenant_id)) return false;
  return row.domain_id === who.domainId;
}

/** The tenants that there are in the test. */
export const TENANTS = [
  { id: 't1', name: 'dev-one' },
  { id: 't2', name: 'dev-two' },
  { id: 't3', name: 'ops' },
] as const;

function othersOf(policy: PolicySource, action: string): readonly string[] {
  return policy.condition
    .filter((condition: any) => condition.type === 'belongs_to' && ['*', undefined, action].includes(condition.action))
    .flatMap((condition: any) =>
      TENANTS.filter(({ id, name }) =>
        new RegExp(condition.tenant_id ?? condition.tenant_name).test(condition.tenant_id === undefined ? name : id),
      ),
    )
    .map(({ id }) => id);
}

function holds(tree: any, who: Identity, row: Row): boolean {
  if (tree === 'is_owner') return owns(who, row, []);
  if (tree === 'is_domain_owner') return who.scope === 'admin' || row.domain_id === who.domainId;
  if (tree.and) return tree.and.every((part: any) => holds(part, who, row));
  if (tree.or) return tree.or.some((part: any) => holds(part, who, row));
  const { property, type, value } = tree.match;
  if (Array.isArray(value) && value.length === 0) return type === 'neq';
  if (!PROPERTIES.includes(property)) return false;
  const found = row[property] ?? null;
  if (type === 'eq') return oneOf(value, found);
  return found !== null && !oneOf(value, found);
}

function rulesOf(policy: PolicySource, action: string): [string, any][] {
  const of = (wanted: string): any[] =>
    policy.condition.filter(
      (condition: any) =>
        condition.type === 'property' &&
        (condition.action === undefined ? ['create', 'read', 'update', 'delete'].includes(wanted) : condition.action === wanted),
    );
  const own = of(action);
  const conditions = own.length === 0 && action === 'delete' ? of('update') : own;
  return conditions.flatMap((condition) => Object.entries(condition.match));
}

const isMap = (rule: unknown): rule is Record<string, any> => typeof rule === 'object' && rule !== null && !Array.isArray(rule);
const oneOf = (rule: any, value: unknown): boolean => (Array.isArray(rule) ? rule : [rule]).some((one) => one === value);
