/** A tenant (Keystone: project) that is in use. */
export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly domainId: string;
}

/** A domain, which tenants belong to. */
export interface Domain {
  readonly id: string;
  readonly name: string;
}

/**
 * The tenants and domains that the identity service has, disabled ones left out. Every call may wait for the service, and rejects with
 * IDENTITY_UNAVAILABLE when nothing is known and the service can't be asked.
 */
export interface TenantDirectory {
  /** All tenants. The same array as long as they are the same. */
  list(): Promise<readonly Tenant[]>;
  domains(): Promise<readonly Domain[]>;
  /** The tenant of that name; without `domainId`, undefined too when several domains have one. */
  idOf(name: string, domainId?: string): Promise<string | undefined>;
  nameOf(id: string): Promise<string | undefined>;
  close(): void;
}

/** Where a directory gets its lists. A lookup that finds nothing may have them asked for again, since the tenant may be new. */
export interface DirectorySource {
  tenants(isMissed: boolean): Promise<readonly Tenant[]>;
  domains(): Promise<readonly Domain[]>;
  close(): void;
}

/** Makes the lookups of a directory over its lists. */
export function createTenantDirectory(source: DirectorySource): TenantDirectory {
  const find = async <T>(pick: (tenants: readonly Tenant[]) => T | undefined): Promise<T | undefined> =>
    pick(await source.tenants(false)) ?? pick(await source.tenants(true));
  return {
    list: () => source.tenants(false),
    domains: () => source.domains(),
    idOf: (name, domainId) => find((tenants) => onlyIdOf(tenants, name, domainId)),
    nameOf: (id) => find((tenants) => tenants.find((tenant) => tenant.id === id)?.name),
    close: () => source.close(),
  };
}

/** Names are unique within a domain only: of two alike, neither is meant for certain. */
function onlyIdOf(tenants: readonly Tenant[], name: string, domainId: string | undefined): string | undefined {
  const named = tenants.filter((tenant) => tenant.name === name && (domainId === undefined || tenant.domainId === domainId));
  return named.length === 1 ? named[0]?.id : undefined;
}
