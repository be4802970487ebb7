import type { PlainMap } from './cursor.ts';

/** The name under which Gohan's own schema file is known. Files may list it; its schemas are there in any case. */
export const BUILTIN_FILE = 'embed://etc/schema/gohan.json';

const text = (title: string, more: PlainMap = {}): PlainMap => ({
  type: 'string',
  title,
  description: title,
  permission: ['create', 'update'],
  ...more,
});
const map = (title: string): PlainMap => ({ type: ['object', 'null'], title, description: title, permission: ['create', 'update'] });
const list = (title: string): PlainMap => ({ type: ['array', 'null'], title, description: title, permission: ['create', 'update'] });
const flag = (title: string): PlainMap => ({
  type: 'boolean',
  default: false,
  title,
  description: title,
  permission: ['create', 'update'],
});
const id = (more: PlainMap = {}): PlainMap => ({ type: 'string', title: 'ID', description: 'ID', permission: ['create'], ...more });

function metaschema(name: string, plural: string, title: string, properties: PlainMap, required: readonly string[] = []): PlainMap {
  return {
    id: name,
    singular: name,
    plural,
    title,
    description: title,
    prefix: '/gohan/v0.1',
    metadata: { nosync: true, type: 'metaschema' },
    schema: { type: 'object', propertiesOrder: Object.keys(properties), properties, ...(required.length > 0 && { required }) },
  };
}

/** The schemas of the gateway itself: what is stored in them can be listed and changed like any resource. A file that defines one of these ids replaces it. */
export const BUILTIN_SCHEMAS: readonly PlainMap[] = [
  metaschema('schema', 'schemas', 'Schema', {
    id: id(),
    singular: text('Singular name'),
    plural: text('Plural name'),
    title: text('Title'),
    description: text('Description'),
    type: text('Type', { default: '' }),
    extends: {
      type: ['array', 'null'],
      items: { type: 'string' },
      title: 'Extends',
      description: 'Extends',
      permission: ['create', 'update'],
    },
    parent: text('Parent', { default: '' }),
    namespace: text('Namespace', { default: '' }),
    prefix: text('Prefix', { default: '' }),
    metadata: map('Metadata'),
    schema: map('JSON schema'),
    actions: map('Actions'),
  }),
  metaschema('policy', 'policies', 'Policy', {
    id: id(),
    description: text('Description', { default: '' }),
    principal: text('Principal'),
    action: text('Action'),
    effect: text('Effect'),
    resource: map('Resource'),
    condition: list('Condition'),
    scope: list('Scope'),
    relation_property: text('Relation of an attach policy', { type: ['string', 'null'] }),
    target_condition: list('Condition of its target'),
    tenant_id: text('Tenant id', { type: ['string', 'null'] }),
    tenant_name: text('Tenant name', { type: ['string', 'null'] }),
  }),
  metaschema('extension', 'extensions', 'Extension', {
    id: id(),
    path: text('Path'),
    url: text('URL', { default: '' }),
    code: text('Code', { default: '', format: 'javascript' }),
    code_type: text('Type of the code', { default: 'javascript' }),
  }),
  metaschema('namespace', 'namespaces', 'Namespace', {
    id: id(),
    name: text('Name', { default: '' }),
    description: text('Description', { default: '' }),
    prefix: text('Prefix', { default: '' }),
    parent: text('Parent', { type: ['string', 'null'] }),
    version: text('Version', { type: ['string', 'null'] }),
    metadata: map('Metadata'),
  }),
  metaschema('version', 'version', 'Version', { id: id() }),
  metaschema(
    'event',
    'events',
    'Event',
    {
      id: { type: 'integer', sql: 'integer primary key auto_increment', title: 'ID', description: 'ID', permission: [] },
      type: text('Type', { permission: ['create'] }),
      path: text('Path', { permission: ['create'] }),
      timestamp: { type: 'integer', title: 'Time', description: 'Seconds since 1970', permission: ['create'] },
      version: { type: 'integer', title: 'Version', description: 'Version', permission: ['create'] },
      body: text('Body', { permission: ['create'] }),
      sync_plain: flag('Plain value'),
      sync_property: text('Property that is the value', { default: '' }),
    },
    ['type', 'path', 'timestamp', 'version', 'body'],
  ),
];
