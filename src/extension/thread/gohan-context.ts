import type { EventContext } from './types.ts';

/** Who asks, as the gateway tells it. */
interface Auth {
  readonly tenant_id?: unknown;
  readonly tenant_name?: unknown;
  readonly domain_id?: unknown;
  readonly domain_name?: unknown;
  readonly roles?: unknown;
  readonly is_admin?: unknown;
}

const METHODS: Readonly<Record<string, (auth: Auth) => unknown>> = {
  TenantID: (auth) => auth.tenant_id,
  TenantName: (auth) => auth.tenant_name,
  DomainID: (auth) => auth.domain_id,
  DomainName: (auth) => auth.domain_name,
  Roles: (auth) => (Array.isArray(auth.roles) ? auth.roles.map(toRole) : []),
  IsAdmin: (auth) => auth.is_admin === true,
};

/** Gives `context.auth` the methods that scripts of Gohan call: `context.auth.TenantID()`. They are not enumerable, so that copies are data. */
export function decorateContext(context: EventContext): void {
  const { auth } = context;
  if (typeof auth !== 'object' || auth === null || 'TenantID' in auth || !Object.isExtensible(auth)) return;
  for (const [name, read] of Object.entries(METHODS)) {
    Object.defineProperty(auth, name, { value: () => read(auth) ?? '', configurable: true, writable: true });
  }
}

/** A role as Gohan has it: `{Name}`. */
function toRole(role: unknown): { readonly Name: string } {
  return { Name: String(role) };
}
