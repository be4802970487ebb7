import type { Identity } from '../lib/identity.ts';

/** Where claims stand: a name, a dotted path (`realm_access.roles`), or a JSON pointer for names with dots (`/https:~1~1x.com~1roles`). */
export interface ClaimPaths {
  /** A list of texts, or one text of words. */
  readonly roles?: string;
  readonly tenantId?: string;
  readonly tenantName?: string;
  readonly domainId?: string;
  readonly domainName?: string;
  /** Holds tenant, domain or admin. Without a path every token is for a tenant. */
  readonly scope?: string;
  readonly principal?: string;
}

export interface ClaimOptions {
  readonly claims?: ClaimPaths;
  /** Role names of the issuer to those of the policies; roles that a map with entries does not name are dropped. */
  readonly roleMap?: Readonly<Record<string, string>>;
  /** Roles (after the map) that make a token one of admin scope. */
  readonly adminRoles?: readonly string[];
  /** For tokens that lack the claim. */
  readonly defaultTenantId?: string;
  readonly defaultDomainId?: string;
}

type Claims = Readonly<Record<string, unknown>>;
const DEFAULT_PATHS = {
  roles: 'roles',
  tenantId: 'tenant_id',
  tenantName: 'tenant_name',
  domainId: 'domain_id',
  domainName: 'domain_name',
  principal: 'sub',
};
const MAX_TEXT = 256;
const MAX_ROLES = 256;

/** Compiles the mapping of claims to an identity. It gives undefined for a token that is for no tenant, domain or system. */
export function compileClaims(options: ClaimOptions): (claims: Claims) => Identity | undefined {
  const given = Object.entries(options.claims ?? {}).filter(([, path]) => path !== undefined && path !== '');
  const paths: ClaimPaths = { ...DEFAULT_PATHS, ...Object.fromEntries(given) };
  const readers = Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, compilePath(path as string)]));
  const text = (claims: Claims, name: keyof ClaimPaths): string | undefined => toText(readers[name]?.(claims));
  const roleMap = new Map(Object.entries(options.roleMap ?? {}));
  const adminRoles = new Set(options.adminRoles);
  return (claims) => {
    const named = toRoles(readers.roles?.(claims));
    const roles = roleMap.size === 0 ? named : [...new Set(named.flatMap((role) => roleMap.get(role) ?? []))];
    const scope = roles.some((role) => adminRoles.has(role)) ? 'admin' : paths.scope === undefined ? 'tenant' : text(claims, 'scope');
    const tenantId = text(claims, 'tenantId') ?? options.defaultTenantId;
    const domainId = text(claims, 'domainId') ?? options.defaultDomainId ?? 'default';
    if (scope !== 'tenant' && scope !== 'domain' && scope !== 'admin') return undefined;
    if (scope === 'tenant' && tenantId === undefined) return undefined;
    return {
      roles,
      tenantId: tenantId ?? '',
      tenantName: text(claims, 'tenantName') ?? tenantId ?? '',
      domainId,
      domainName: text(claims, 'domainName') ?? domainId,
      scope,
      principal: `jwt:${text(claims, 'principal') ?? ''}`,
    };
  };
}

function compilePath(path: string): (claims: Claims) => unknown {
  const steps = path.startsWith('/')
    ? path
        .slice(1)
        .split('/')
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    : path.split('.');
  return (claims) => {
    let value: unknown = claims;
    for (const step of steps) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
      value = (value as Claims)[step];
    }
    return value;
  };
}

/** Printable and of bounded length: it ends up in logs and rows. */
function toText(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value).trim();
  return text === '' || text.length > MAX_TEXT || /[\x00-\x1f\x7f]/.test(text) ? undefined : text;
}

function toRoles(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : typeof value === 'string' ? value.split(/[\s,]+/) : [];
  return [...new Set(list.slice(0, MAX_ROLES).flatMap((role) => (typeof role === 'string' ? (toText(role) ?? []) : [])))];
}
