import type { Fields } from '../extension/types.ts';
import type { Identity } from '../lib/identity.ts';
import type { Permit } from '../policy/types.ts';
import type { Property, ResourceType } from '../schema/types.ts';
import type { Models } from './models.ts';
import { parseParameters } from './parameters.ts';
import type { Call } from './types.ts';

/** The keys of the context that tell handlers about a request: where it goes, what it brings, who makes it. JSON values. */
export function requestFields({
  exchange,
  type,
  id,
  ancestorIds,
  identity,
}: Pick<Call, 'exchange' | 'type' | 'id' | 'ancestorIds' | 'identity'>): Fields {
  const ancestors = Object.fromEntries(ancestorIds.map((ancestor, at) => [type.ancestors[at]?.schemaId ?? '', ancestor]));
  return {
    ...typeFields(type),
    ...identityFields(identity),
    path: exchange.path,
    params: { ...ancestors, ...(id !== undefined && { id }) },
    query: Object.fromEntries(parseParameters(exchange.query)),
    request_data: {},
    http_request: {
      method: exchange.method,
      url: exchange.target,
      path: exchange.path,
      host: exchange.authority,
      headers: headerFields(exchange.headers),
      remote_address: exchange.remoteAddress,
    },
  };
}

/** By which policy a request is permitted, and which role of the caller that is for. */
export function permitFields(models: Models, identity: Identity, permit: Permit): Fields {
  return { policy: { ID: permit.policyId }, role: { Name: roleOf(models, identity, permit) } };
}

/** Who asks: `auth` gets its methods (`TenantID()`, …) in the thread. */
export function identityFields(identity: Identity): Fields {
  const { tenantId, tenantName, domainId, domainName, roles, scope } = identity;
  return {
    tenant_id: tenantId,
    domain_id: domainId,
    auth: {
      tenant_id: tenantId,
      tenant_name: tenantName,
      domain_id: domainId,
      domain_name: domainName,
      roles,
      is_admin: scope === 'admin',
      scope,
    },
    role: { Name: roles[0] ?? '' },
  };
}

/** Which schema an event is about. */
export function typeFields(type: ResourceType): Fields {
  return { schema: schemaFields(type), schema_id: type.id };
}

const known = new WeakMap<ResourceType, Fields>();

/** A schema as Gohan's handlers see it; the same object for every request, so that a thread needs it only once. */
function schemaFields(type: ResourceType): Fields {
  let fields = known.get(type);
  if (fields === undefined) known.set(type, (fields = Object.freeze(toSchemaFields(type))));
  return fields;
}

function toSchemaFields(type: ResourceType): Fields {
  return {
    ID: type.id,
    Singular: type.singular,
    Plural: type.plural,
    Title: type.title,
    Description: type.description,
    Prefix: type.prefix,
    Parent: type.parent ?? '',
    NamespaceID: type.group ?? '',
    URL: type.url,
    URLWithParents: type.longUrl,
    Metadata: type.metadata,
    Properties: type.properties.map(toPropertyFields),
  };
}

function toPropertyFields(property: Property): Fields {
  const { name, title, description, type, format, relation, isNullable, isUnique, isIndexed, defaultValue } = property;
  return {
    ID: name,
    Title: title,
    Description: description,
    Type: type,
    Format: format ?? '',
    Relation: relation?.schemaId ?? '',
    RelationProperty: relation?.embedAs ?? '',
    Nullable: isNullable,
    Unique: isUnique,
    Indexed: isIndexed,
    Default: defaultValue ?? null,
  };
}

/** The caller's role that the policy is for. */
function roleOf({ schemas }: Models, { roles }: Identity, { policyId }: Permit): string {
  const principals = schemas.policies.filter(({ id }) => id === policyId).map(({ principal }) => principal);
  return roles.find((role) => principals.includes(role)) ?? roles.find((role) => role === 'admin') ?? roles[0] ?? '';
}

/** Names in lower case; several values are joined. */
function headerFields(headers: readonly string[]): Record<string, string> {
  const fields = new Map<string, string>();
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase();
    const before = fields.get(name);
    fields.set(name, before === undefined ? (headers[at + 1] as string) : `${before}, ${headers[at + 1] ?? ''}`);
  }
  return Object.fromEntries(fields);
}
