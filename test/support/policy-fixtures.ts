import type { Identity } from '../../src/lib/identity.ts';
import type { PolicySource, PropertyType, ResourceType } from '../../src/schema/types.ts';

/** A policy as the schema loader gives it, with its defaults. */
export function policySource(fields: Partial<PolicySource>): PolicySource {
  return {
    id: 'p',
    description: '',
    principal: 'Member',
    action: '*',
    effect: 'allow',
    path: '.*',
    properties: undefined,
    blacklistProperties: undefined,
    tenantId: undefined,
    tenantName: undefined,
    scope: ['tenant', 'domain', 'admin'],
    condition: [],
    relationProperty: undefined,
    targetCondition: undefined,
    place: 'test.yaml:1:1',
    ...fields,
  };
}

/** A resource type of which only the parts that policies look at are filled: names and types of its properties. */
export function resourceType(id: string, properties: Readonly<Record<string, PropertyType>>): ResourceType {
  const list = Object.entries(properties).map(([name, type]) => ({ name, type, isNullable: true }));
  const parts = { id, url: `/c/${id}s`, properties: list, propertyByName: new Map(list.map((property) => [property.name, property])) };
  return parts as unknown as ResourceType;
}

/** A member of tenant t1 in domain d1, unless said otherwise. */
export function identityOf(fields: Partial<Identity> = {}): Identity {
  return {
    roles: ['Member'],
    tenantId: 't1',
    tenantName: 'one',
    domainId: 'd1',
    domainName: 'D1',
    scope: 'tenant',
    principal: 'u',
    ...fields,
  };
}
