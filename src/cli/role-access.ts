import type { Identity } from '../lib/identity.ts';
import { compilePolicies } from '../policy/policy-set.ts';
import type { Decision } from '../policy/types.ts';
import type { ViewAccess } from '../schema/schema-view.ts';
import type { PolicySource, ResourceType, SchemaSet } from '../schema/types.ts';
import { usageFailure } from './failure.ts';

const SCOPES = ['tenant', 'domain', 'admin'] as const;
type Scope = (typeof SCOPES)[number];

/**
 * What a role may do and see, whatever tenant it is in: policies for certain tenants count as if they were for all, and deny policies for certain tenants not at all.
 * Of several scopes each adds what it may do. Throws a usage `Failure` for an unknown scope.
 */
export function toRoleAccess({ policies }: SchemaSet, role: string, scopes: readonly string[]): ViewAccess {
  const set = compilePolicies(policies.flatMap(forAnyTenant));
  const identities = parseScopes(scopes).map((scope) => toIdentity(role, scope));
  const decide = (type: ResourceType, action: string): readonly Decision[] =>
    identities.flatMap((identity) => {
      // Policies are asked about the collection and about one of its resources, whichever the action is on.
      const onOne = set.decide(identity, action, `${type.url}/id`);
      return action === 'create' ? [set.decide(identity, action, type.url)] : [set.decide(identity, action, type.url), onOne];
    });
  return {
    mayDo: (type, action) => decide(type, action).some(({ allowed }) => allowed),
    seesProperty: (type, action, property) =>
      decide(type, action).some((decision) => decision.allowed && decision.permit.seesProperty(property)),
  };
}

function forAnyTenant(policy: PolicySource): readonly PolicySource[] {
  if (policy.tenantId === undefined && policy.tenantName === undefined) return [policy];
  return policy.effect === 'deny' ? [] : [{ ...policy, tenantId: undefined, tenantName: undefined }];
}

function parseScopes(words: readonly string[]): readonly Scope[] {
  if (words.length === 0) return SCOPES;
  return words.map((word) => {
    const scope = SCOPES.find((known) => known === word);
    if (scope === undefined) throw usageFailure(`--scope: found '${word}', allowed are ${SCOPES.join(', ')}`);
    return scope;
  });
}

function toIdentity(role: string, scope: Scope): Identity {
  return { roles: [role], tenantId: 'any', tenantName: 'any', domainId: 'any', domainName: 'any', scope, principal: role };
}
