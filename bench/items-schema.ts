/** Connections to the database that each server may have. */
export const CONNECTIONS = 16;

const property = (name: string, type: string, more = ''): string =>
  `      ${name}: {title: ${name}, description: ${name}, type: ${type}, permission: [create, update]${more}}`;

/** One schema under `/bench`, with texts, an integer, a boolean and an owner. */
export function toSchema(singular: string): string {
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
    '',
  ].join('\n');
}

/** Members reach what their tenant owns. */
const POLICIES = `policies:
- id: member
  principal: Member
  action: '*'
  effect: allow
  resource: {path: '^/bench/.*'}
  condition: [is_owner]
`;

export const ITEMS_SCHEMA = `schemas:\n${toSchema('item')}${POLICIES}`;
