import type { Identity } from '../lib/identity.ts';
import { refuse } from './refuse.ts';
import type { Identification } from './types.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The identity of a validated Keystone v3 token (the `token` object of GET /v3/auth/tokens). A project's token is for a tenant, a domain's for
 * the domain, one of the system or of the admin project for everything; the latter must have admin as its only role, as in Gohan, and a
 * system token must have it too. Undefined when the object is none.
 */
export function fromKeystoneToken(token: unknown, validUntil: number): Identification | undefined {
  if (!isFields(token)) return undefined;
  const expiresAt = Date.parse(toText(token.expires_at));
  // Keystone says null for tokens without end.
  if (Number.isNaN(expiresAt) && token.expires_at !== null) return undefined;
  if (expiresAt <= Date.now()) return refuse('expired');
  const roles = (Array.isArray(token.roles) ? token.roles : []).flatMap((role: unknown) =>
    isFields(role) && typeof role.name === 'string' ? [role.name] : [],
  );
  const found = toScope(token, roles);
  if ('ok' in found) return found;
  const until = Number.isNaN(expiresAt) ? validUntil : Math.min(validUntil, expiresAt);
  return { ok: true, identity: { ...found, principal: toPrincipal(token.user) }, validUntil: until };
}

function toScope(token: Fields, roles: readonly string[]): Omit<Identity, 'principal'> | Identification {
  const { project, domain, system } = token;
  if (isFields(project)) {
    const isAdmin = token.is_admin_project === true;
    if (isAdmin && (roles.length !== 1 || roles[0] !== 'admin')) {
      return refuse('admin_roles', `Admin token should have only a single admin role instead of ${JSON.stringify(roles)}`);
    }
    return {
      roles,
      tenantId: toText(project.id),
      tenantName: toText(project.name),
      ...toDomain(project.domain),
      scope: isAdmin ? 'admin' : 'tenant',
    };
  }
  if (isFields(domain)) return { roles, tenantId: '', tenantName: '', ...toDomain(domain), scope: 'domain' };
  if (isFields(system) && system.all === true) {
    if (!roles.includes('admin')) return refuse('admin_roles', 'A system token must have the role admin.');
    // Roles that admin implies (member, reader) must not choose a lesser policy first.
    return {
      roles: ['admin'],
      tenantId: '',
      tenantName: '',
      ...toDomain(isFields(token.user) ? token.user.domain : undefined),
      scope: 'admin',
    };
  }
  return refuse('unscoped', 'Token is unscoped');
}

function toDomain(domain: unknown): Pick<Identity, 'domainId' | 'domainName'> {
  return isFields(domain) ? { domainId: toText(domain.id), domainName: toText(domain.name) } : { domainId: '', domainName: '' };
}

function toPrincipal(user: unknown): string {
  return `keystone:${isFields(user) ? toText(user.id) : ''}`;
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
