import { SekishoError } from '../lib/errors.ts';
import type { BelongsTo } from './owner.ts';

/** A tenant that is known to the identity service. */
export interface Tenant {
  readonly id: string;
  readonly name: string;
}

/** The tenants that there are, by which patterns of `belongs_to` become ids. */
export interface TenantBook {
  /** Throws IDENTITY_UNAVAILABLE while they are not known. */
  list(): readonly Tenant[];
  /**
   * Ids of the other tenants that the rules open for an action; `any` when they open all. A pattern that is no list of ids opens those of the
   * known tenants that it matches. Throws like `list`, and POLICY_DENIED when these are more than a database can be asked for.
   */
  opened(rules: readonly BelongsTo[], action: string): readonly string[] | 'any';
}

/** A database takes about twice as many parameters, and lists of them are filled up to powers of two. */
const MAX_OPENED = 16_384;

/** Opens the book; `unknown`: the identity service could not be asked yet. What rules open is found out once for all callers. */
export function createTenantBook(tenants: readonly Tenant[] | 'unknown'): TenantBook {
  const opened = new WeakMap<readonly BelongsTo[], Map<string, readonly string[] | 'any'>>();
  const list = (): readonly Tenant[] => {
    if (tenants !== 'unknown') return tenants;
    throw new SekishoError('IDENTITY_UNAVAILABLE', 'The tenants that a policy speaks of are not known yet; try again.');
  };
  return {
    list,
    opened(rules, action) {
      let byAction = opened.get(rules);
      if (byAction === undefined) opened.set(rules, (byAction = new Map()));
      let found = byAction.get(action);
      if (found === undefined) byAction.set(action, (found = findOpened(rules, action, list)));
      return found;
    },
  };
}

/** Whether what the rule opens depends on which tenants there are. */
export function asksForTenants({ tenantId, tenantName }: BelongsTo): boolean {
  return tenantId === undefined ? tenantName?.isAny === false : tenantId.texts === undefined && !tenantId.isAny;
}

function findOpened(rules: readonly BelongsTo[], action: string, list: () => readonly Tenant[]): readonly string[] | 'any' {
  const applying = rules.filter((rule) => rule.appliesTo(action));
  if (applying.some((rule) => rule.tenantId?.isAny || rule.tenantName?.isAny)) return 'any';
  const ids = new Set<string>();
  for (const rule of applying) for (const id of rule.tenantId?.texts ?? matching(rule, list())) ids.add(id);
  if (ids.size <= MAX_OPENED) return [...ids];
  throw new SekishoError(
    'POLICY_DENIED',
    `belongs_to opens ${ids.size} tenants here; at most ${MAX_OPENED} can be asked of a database. The pattern .* opens all.`,
  );
}

function matching({ tenantId, tenantName }: BelongsTo, tenants: readonly Tenant[]): readonly string[] {
  return tenants.filter(({ id, name }) => tenantId?.matches(id) ?? tenantName?.matches(name) ?? false).map(({ id }) => id);
}
