import type { Identity } from '../lib/identity.ts';

export interface FakeTenant {
  readonly id: string;
  readonly name: string;
}

/** A development user; the token is the name with `_token`. */
export interface FakeUser {
  readonly name: string;
  readonly tenant: FakeTenant;
  readonly role: string;
}

const DEMO: FakeTenant = { id: 'fc394f2ab2df4114bde39905f800dc57', name: 'demo' };
const OTHER: FakeTenant = { id: 'acf5662bbff44060b93ac3db3c25a590', name: 'other' };

export const FAKE_TENANTS: readonly FakeTenant[] = [DEMO, OTHER];

const USERS: readonly FakeUser[] = [
  { name: 'admin', tenant: DEMO, role: 'admin' },
  { name: 'demo', tenant: DEMO, role: 'Member' },
  { name: 'power_user', tenant: OTHER, role: 'Member' },
  { name: 'visible', tenant: DEMO, role: 'Visible' },
  { name: 'hidden', tenant: DEMO, role: 'Hidden' },
];

/** Gohan's development users by their tokens. Any password is right. */
export const FAKE_USERS: ReadonlyMap<string, FakeUser> = new Map(USERS.map((user) => [`${user.name}_token`, user]));

/** Keystone v2 knew no domains, and the role admin in any project made an admin. */
export function toFakeIdentity({ name, tenant, role }: FakeUser): Identity {
  return {
    roles: [role],
    tenantId: tenant.id,
    tenantName: tenant.name,
    domainId: 'default',
    domainName: 'default',
    scope: role === 'admin' ? 'admin' : 'tenant',
    principal: `fake:${name}`,
  };
}
