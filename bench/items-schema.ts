/** Connections to the database that each server may have. */
export const CONNECTIONS = 16;

const property = (name: string, type: string, more = ''): string =>
  `      ${name}: {title: ${name}, description: ${name}, type: ${type}, permission: [create, update]${more}}`;

/** One schema under `/bench`, with texts, an integer, a boolean and an owner; `more` are lines of further properties. */
export function toSchema(singular: string, more: readonly string[] = []): string {
  return [
    `- id: ${singular}`,
    `  singular: ${singular}`,
    `  plural: ${singular}s`,
    `  title: ${singular}`,
    `  description: ${singular}`,
    '  prefix: /bench',
    '  schema:',
    '    type: object',
    '    required: [name, status]',
    '    properties:',
    '      id: {title: id, description: id, type: string, permission: [create]}',
    '      tenant_id: {title: tenant, description: owner, type: string, permission: [create]}',
    property('name', 'string', ', minLength: 1, maxLength: 80'),
    property('status', 'string', ', enum: [available, pending, sold, lost], indexed: true'),
    property('level', 'integer', ', minimum: 0, maximum: 100, default: 0'),
    property('is_active', 'boolean', ', default: true'),
    property('note', 'string', ', maxLength: 1000'),
    ...more,
    '',
  ].join('\n');
}

/** Members reach what their tenant owns. */
export const POLICIES = `policies:
- id: member
  principal: Member
  action: '*'
  effect: allow
  resource: {path: '^/bench/.*'}
  condition: [is_owner]
`;

export const ITEMS_SCHEMA = `schemas:\n${toSchema('item')}${POLICIES}`;

const SIZE = ['width', 'height'].map((name) => `${name}: {title: ${name}, description: ${name}, type: number}`).join(', ');

/** Items; crates, each with the rack that it stands on embedded; parcels, with two JSON columns. */
export const STORE_SCHEMAS = [
  'schemas:',
  toSchema('item'),
  toSchema('rack'),
  toSchema('crate', [property('rack_id', 'string', ', relation: rack, relation_property: rack')]),
  toSchema('parcel', [property('labels', 'array', ', items: {type: string}'), property('size', 'object', `, properties: {${SIZE}}`)]),
  POLICIES,
].join('\n');
