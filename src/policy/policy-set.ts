import type { Identity } from '../lib/identity.ts';
import type { PolicySource } from '../schema/types.ts';
import { ADMIN_POLICY } from './admin-policy.ts';
import { createAttachPolicy } from './attach.ts';
import { type CompiledPolicy, compilePolicy } from './compiled-policy.ts';
import { createPathIndex, type PathIndex } from './path-index.ts';
import { createPermit } from './permit.ts';
import { collectPolicyProblems } from './report.ts';
import { asksForTenants, createTenantBook, type Tenant, type TenantBook } from './tenant-book.ts';
import type { AttachPolicy, Decision, PolicySet } from './types.ts';

export interface PolicyOptions {
  /** Known tenants, by which belongs_to patterns that are no plain lists become ids in row filters; `unknown`: what needs them is refused for now. */
  readonly tenants?: readonly Tenant[] | 'unknown';
  /** Leaves the built-in policy of the admin role out. */
  readonly withoutAdminPolicy?: boolean;
  /** Identities whose grants are kept ready; the oldest goes first. */
  readonly maxCallers?: number;
}

const NOBODY = 'Nobody';
const DEFAULT_MAX_CALLERS = 2000;

/** The policies that callers of the same roles, scope and restricted tenants have, by action. */
interface Table {
  readonly policies: readonly CompiledPolicy[];
  readonly byAction: Map<string, PathIndex>;
  readonly attach: readonly CompiledPolicy[];
}

/** What is kept ready for one identity. */
interface Caller {
  readonly identity: Identity;
  readonly table: Table;
  readonly decisions: Map<CompiledPolicy, Map<string, Decision>>;
  readonly attach: Map<CompiledPolicy, AttachPolicy>;
}

/** Compiles all policies, in load order. SCHEMA_INVALID with every problem and its place when one of them is wrong. */
export function compilePolicies(sources: readonly PolicySource[], options: PolicyOptions = {}): PolicySet {
  const problems = collectPolicyProblems();
  const all = options.withoutAdminPolicy ? sources : [ADMIN_POLICY, ...sources];
  const policies = all.map((source, index) => compilePolicy(source, index, problems.of(source.id, source.place)));
  problems.throwIfAny();
  const tenants = createTenantBook(options.tenants ?? []);
  const callerOf = createCallers(policies, options.maxCallers ?? DEFAULT_MAX_CALLERS);
  const anonymous = createPathIndex(policies.filter((policy) => policy.principal === NOBODY));
  return {
    needTenants: policies.filter(({ conditions }) => conditions.belongsTo.some(asksForTenants)).map(({ id }) => id),
    decide(identity, action, path) {
      const caller = callerOf(identity);
      let first: CompiledPolicy | undefined;
      let isDenied = false;
      indexOf(caller.table, action).each(path, (policy) => {
        isDenied ||= policy.isDeny;
        if (first === undefined || policy.index < first.index) first = policy;
        return isDenied;
      });
      if (isDenied || first === undefined) return { allowed: false, reason: `No matching policy: ${action} ${path}` };
      return decisionOf(caller, first, action, tenants);
    },
    attachments(identity, path) {
      const caller = callerOf(identity);
      if (caller.table.attach.length === 0) return [];
      return caller.table.attach.filter((policy) => policy.path.matches(path)).map((policy) => attachOf(caller, policy, tenants));
    },
    isAnonymous(path) {
      let isFound = false;
      anonymous.each(path, () => (isFound = true));
      return isFound;
    },
  };
}

function indexOf(table: Table, action: string): PathIndex {
  let index = table.byAction.get(action);
  if (index === undefined) {
    index = createPathIndex(table.policies.filter((policy) => policy.action === '*' || (policy.action === action && action !== '')));
    table.byAction.set(action, index);
  }
  return index;
}

function decisionOf(caller: Caller, policy: CompiledPolicy, action: string, tenants: TenantBook): Decision {
  let byAction = caller.decisions.get(policy);
  if (byAction === undefined) caller.decisions.set(policy, (byAction = new Map()));
  let decision = byAction.get(action);
  if (decision === undefined) {
    decision = { allowed: true, permit: createPermit(policy, caller.identity, action, tenants) };
    byAction.set(action, decision);
  }
  return decision;
}

function attachOf(caller: Caller, policy: CompiledPolicy, tenants: TenantBook): AttachPolicy {
  let attach = caller.attach.get(policy);
  if (attach === undefined) caller.attach.set(policy, (attach = createAttachPolicy(policy, caller.identity, tenants)));
  return attach;
}

/** Finds what is kept for an identity: by the object first, since tokens are cached with theirs, then by its content. */
function createCallers(policies: readonly CompiledPolicy[], maxCallers: number): (identity: Identity) => Caller {
  const byObject = new WeakMap<Identity, Caller>();
  const byContent = new Map<string, Caller>();
  const tables = new Map<string, Table>();
  const principals = new Set(policies.map((policy) => policy.principal));
  const restricted = policies.filter((policy) => policy.tenant !== undefined);
  return (identity) => {
    const known = byObject.get(identity);
    if (known !== undefined) return known;
    // Roles that no policy names make no difference.
    const roles = [...new Set(identity.roles)].filter((role) => principals.has(role)).toSorted();
    const { scope, tenantId, tenantName, domainId, domainName } = identity;
    const content = JSON.stringify([roles, scope, tenantId, tenantName, domainId, domainName]);
    let caller = byContent.get(content);
    if (caller === undefined) {
      const tenants = restricted.filter((policy) => policy.tenant?.(identity));
      const key = JSON.stringify([roles, scope, tenants.map((policy) => policy.index)]);
      let table = tables.get(key);
      if (table === undefined) tables.set(key, (table = createTable(policies, roles, scope, new Set(tenants))));
      caller = { identity, table, decisions: new Map(), attach: new Map() };
    }
    byContent.delete(content);
    byContent.set(content, caller);
    if (byContent.size > maxCallers) byContent.delete(byContent.keys().next().value ?? '');
    byObject.set(identity, caller);
    return caller;
  };
}

function createTable(all: readonly CompiledPolicy[], roles: readonly string[], scope: string, tenants: ReadonlySet<CompiledPolicy>): Table {
  const own = all.filter(
    (policy) => roles.includes(policy.principal) && policy.scopes.has(scope) && (policy.tenant === undefined || tenants.has(policy)),
  );
  return { policies: own.filter((policy) => !policy.isAttach), attach: own.filter((policy) => policy.isAttach), byAction: new Map() };
}
