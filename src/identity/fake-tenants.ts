import { FAKE_TENANTS } from './fake-tokens.ts';
import { createTenantDirectory, type Domain, type Tenant, type TenantDirectory } from './tenant-directory.ts';

const TENANTS: readonly Tenant[] = FAKE_TENANTS.map(({ id, name }) => ({ id, name, domainId: 'default' }));
const DOMAINS: readonly Domain[] = [{ id: 'default', name: 'default' }];

/** The tenants of Gohan's development tokens. */
export function createFakeTenants(): TenantDirectory {
  return createTenantDirectory({ tenants: () => Promise.resolve(TENANTS), domains: () => Promise.resolve(DOMAINS), close() {} });
}
