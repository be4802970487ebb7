import type { PolicySource } from '../schema/types.ts';

/** The one policy that is always there, as in Gohan's own schema file: the role admin of an admin-scoped token may do everything. */
export const ADMIN_POLICY: PolicySource = {
  id: 'admin_statement',
  description: 'An admin may do everything.',
  principal: 'admin',
  action: '*',
  effect: 'allow',
  path: '.*',
  properties: undefined,
  blacklistProperties: undefined,
  tenantId: undefined,
  tenantName: undefined,
  scope: ['admin'],
  condition: [],
  relationProperty: undefined,
  targetCondition: undefined,
  place: 'built in',
};
