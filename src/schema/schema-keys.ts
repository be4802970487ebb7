/** What a key of a schema file holds. */
export type KeyType =
  | 'text'
  | 'texts'
  | 'flag'
  | 'number'
  | 'count'
  | 'pattern'
  | 'map'
  | 'list'
  | 'any'
  /** A JSON schema, a map of them, a list of them, or one of these or something simpler. */
  | 'schema'
  | 'schemaMap'
  | 'schemaList'
  | 'schemaOrList'
  | 'schemaOrFlag'
  | 'flagOrNumber'
  | 'textOrTexts';

/** One key: its type, the words that are allowed, whether it must be there, and its line in the reference. */
export interface SchemaKey {
  readonly type: KeyType;
  readonly doc: string;
  readonly values?: readonly string[];
  readonly required?: true;
  /** May be an empty text though it is required. */
  readonly mayBeEmpty?: true;
  /** Other spelling that is read too. */
  readonly alias?: string;
  /** Not one of Gohan's. */
  readonly origin?: 'sekisho';
}

export type SchemaKeys = Readonly<Record<string, SchemaKey>>;

export const TYPES = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'] as const;
export const ISOLATION_LEVELS = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const;
export const SCOPES = ['tenant', 'domain', 'admin'] as const;
const CRUD = ['create', 'read', 'update', 'delete'] as const;
const LOCKS = ['lock_related', 'skip_related', ''] as const;

/** Top level of a file. Other keys are passed over, unless they look like one of these. */
export const FILE_KEYS = {
  namespaces: { type: 'list', doc: 'Schema groups: URL prefixes for schemas.' },
  schemas: { type: 'list', doc: 'Schemas; an entry that is a text names another file, which is read at that point.' },
  policies: { type: 'list', doc: 'Who may do what. The first that allows decides, unless one denies.' },
  extensions: { type: 'list', doc: 'Code that runs at the events of resources.' },
} as const satisfies SchemaKeys;

export const SCHEMA_KEYS = {
  id: {
    type: 'text',
    required: true,
    doc: 'Id of the schema; unique over all files. The table is `<id>s`, or the plural with `database.legacy: false`; with `own_` before it where the gateway has one of that name (`events`).',
  },
  singular: { type: 'text', required: true, doc: 'Key that one resource stands under in JSON.' },
  plural: { type: 'text', required: true, doc: 'Key that a list stands under, and the last segment of the URL.' },
  title: { type: 'text', required: true, doc: 'Label.' },
  description: { type: 'text', required: true, doc: 'What a resource of it is.' },
  type: { type: 'text', doc: '`abstract`: it is a base for others, without table and URL.' },
  extends: { type: 'texts', doc: 'Abstract schemas whose properties, actions, indexes and metadata it takes over; its own win.' },
  order_properties_before: { type: 'texts', doc: 'Those of its bases whose properties come behind its own.' },
  parent: { type: 'text', doc: 'Schema that it belongs to; it gets the property `<parent>_id` unless it declares it.' },
  on_parent_delete_cascade: { type: 'flag', doc: 'Deleting the parent deletes it.' },
  renamed_from: {
    type: 'text',
    origin: 'sekisho',
    doc: 'Earlier name of its table, for migrations: `<earlier id>s`, or the earlier plural.',
  },
  namespace: { type: 'text', doc: 'Schema group whose prefix comes first in the URL.' },
  prefix: { type: 'text', mayBeEmpty: true, doc: 'URL in front of the plural.' },
  metadata: { type: 'map', doc: 'See [metadata](#metadata).' },
  schema: { type: 'map', required: true, doc: 'JSON schema of a resource; see [schema](#schema).' },
  actions: { type: 'map', doc: 'Custom actions by their ids; see [actions](#actions).' },
  isolation_level: {
    type: 'map',
    doc: 'SQL isolation level per action (`read`, `create`, `update`, `delete`, an action id, `state_update`, `monitoring_update`).',
  },
} as const satisfies SchemaKeys;

/** The JSON schema of a resource. */
export const RESOURCE_SCHEMA_KEYS = {
  properties: { type: 'map', doc: 'Properties of a resource, which are columns; see [properties](#properties).' },
  propertiesOrder: { type: 'texts', doc: 'Their order. Those not named follow: `id`, indexed ones, relations, then by name.' },
  indexes: { type: 'map', doc: 'Indexes over columns by name; see [indexes](#indexes).' },
} as const satisfies SchemaKeys;

export const INDEX_KEYS = {
  columns: { type: 'texts', required: true, doc: 'Properties, in order.' },
  type: { type: 'text', mayBeEmpty: true, doc: '`unique`, `fulltext`, `spatial` or empty, in either case.' },
} as const satisfies SchemaKeys;

/** What a property has beside the keywords of JSON Schema. */
export const PROPERTY_KEYS = {
  title: { type: 'text', required: true, mayBeEmpty: true, doc: 'Label.' },
  description: { type: 'text', required: true, mayBeEmpty: true, doc: 'What it is.' },
  permission: {
    type: 'texts',
    values: ['create', 'update'],
    doc: 'Requests that may set it. None: it is read-only (its default is stored all the same).',
  },
  unique: { type: 'flag', doc: 'No two resources have the same value.' },
  indexed: { type: 'flag', doc: 'The column gets an index.' },
  relation: { type: 'text', doc: 'Id of the related schema: a foreign key (first level), checked by attach policies (everywhere).' },
  relation_column: { type: 'text', alias: 'relationColumn', doc: 'Column that the foreign key refers to; `id` otherwise.' },
  relation_property: { type: 'text', mayBeEmpty: true, doc: 'Name under which the related resource is embedded in answers.' },
  on_delete_cascade: { type: 'flag', doc: 'Deleting the related resource deletes this one.' },
  sql: { type: 'text', mayBeEmpty: true, doc: 'Type of the column, as SQL.' },
  default: {
    type: 'any',
    doc: 'What an absent value becomes on create; null is no default. Objects take the defaults of their properties.',
  },
  view: { type: 'texts', values: ['list', 'detail', 'create', 'update'], doc: 'For user interfaces.' },
  renamed_from: { type: 'text', origin: 'sekisho', doc: 'Earlier name of the column, for migrations.' },
} as const satisfies SchemaKeys;

/** JSON Schema draft 4: what values are allowed. Valid in properties at any depth. */
export const KEYWORDS = {
  type: {
    type: 'textOrTexts',
    values: TYPES,
    doc: 'Type or types; `[string, "null"]` may be null. Of several the last one decides the column.',
  },
  enum: { type: 'list', doc: 'The values that are allowed.' },
  format: { type: 'text', doc: 'See [formats](#formats).' },
  pattern: { type: 'pattern', doc: 'Regular expression (RE2) that is searched in the text.' },
  minLength: { type: 'count', doc: 'Fewest characters.' },
  maxLength: { type: 'count', doc: 'Most characters.' },
  minimum: { type: 'number', doc: 'Smallest number.' },
  maximum: { type: 'number', doc: 'Largest number.' },
  exclusiveMinimum: { type: 'flagOrNumber', doc: 'True: `minimum` itself is not allowed.' },
  exclusiveMaximum: { type: 'flagOrNumber', doc: 'True: `maximum` itself is not allowed.' },
  multipleOf: { type: 'number', doc: 'The number is a multiple of this.' },
  items: { type: 'schemaOrList', doc: 'Schema of the items of an array, or one schema per item.' },
  additionalItems: { type: 'schemaOrFlag', doc: 'Items beyond those.' },
  minItems: { type: 'count', doc: 'Fewest items.' },
  maxItems: { type: 'count', doc: 'Most items.' },
  uniqueItems: { type: 'flag', doc: 'No item twice.' },
  properties: { type: 'schemaMap', doc: 'Schemas of the properties of an object.' },
  patternProperties: { type: 'schemaMap', doc: 'Schemas of properties whose names match.' },
  additionalProperties: { type: 'schemaOrFlag', doc: 'False: no other properties. Otherwise they are kept.' },
  required: { type: 'texts', doc: 'Properties that must be there.' },
  minProperties: { type: 'count', doc: 'Fewest properties.' },
  maxProperties: { type: 'count', doc: 'Most properties.' },
  dependencies: { type: 'map', doc: 'What must be there, or hold, when a property is there.' },
  allOf: { type: 'schemaList', doc: 'All of these hold.' },
  anyOf: { type: 'schemaList', doc: 'At least one of these holds.' },
  oneOf: { type: 'schemaList', doc: 'Exactly one of these holds.' },
  not: { type: 'schema', doc: 'This does not hold.' },
  definitions: { type: 'schemaMap', doc: 'Schemas to refer to.' },
  $ref: { type: 'text', doc: 'A schema of `definitions`: `#/definitions/NAME`.' },
} as const satisfies SchemaKeys;

/** Other keys are kept and shown in the schema API. */
export const METADATA_KEYS = {
  nosync: { type: 'flag', doc: 'Changes are not logged and not sent to etcd.' },
  state_versioning: { type: 'flag', doc: 'Versions of configuration and state are counted.' },
  sync_key_template: { type: 'text', doc: 'Path in etcd, `/v1.0/dev/{{device_id}}/vm/{{id}}`.' },
  sync_plain: { type: 'flag', doc: 'The value is sent without body and version around it.' },
  sync_property: { type: 'text', doc: 'Only this property is sent.' },
  sync_skip_config_prefix: { type: 'flag', doc: 'No `/config` in front of the path.' },
  substr_search_enabled: { type: 'flag', alias: 'enable_substring_search', doc: 'False: `search_field` has no effect.' },
  locking_policy: {
    type: 'map',
    doc: 'Rows that `update` and `delete` lock: the row with all that it embeds (`lock_related`), or the row alone (`skip_related`, or nothing). SQLite has one writer and locks everything.',
  },
  type: { type: 'text', doc: '`metaschema` marks schemas of the gateway itself.' },
  resource_group: { type: 'text', doc: 'Tag in OpenAPI.' },
} as const satisfies SchemaKeys;

export const LOCKING_KEYS = {
  update: { type: 'text', values: LOCKS, mayBeEmpty: true, doc: 'Locking of updates.' },
  delete: { type: 'text', values: LOCKS, mayBeEmpty: true, doc: 'Locking of deletes.' },
} as const satisfies SchemaKeys;

export const ACTION_KEYS = {
  method: { type: 'text', required: true, values: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'], doc: 'HTTP method.' },
  path: { type: 'text', required: true, doc: 'Path behind the URL of the schema: `/:id/name` or `/name`.' },
  input: { type: 'map', doc: 'JSON schema of the body; without it the body is not read.' },
  output: { type: 'map', doc: 'JSON schema of the answer, for documents.' },
  parameters: { type: 'map', doc: 'Query parameters, for documents.' },
  description: { type: 'text', mayBeEmpty: true, doc: 'What it does.' },
  protocol: {
    type: 'text',
    mayBeEmpty: true,
    doc: 'What is spoken behind the head of the request, such as `websocket`: the body is not read, and `input` is for documents.',
  },
  has_response_ownership: {
    type: 'flag',
    doc: 'No answer of the handler is fine (200, empty), and it may answer with `rawResponse`: any status, fields and bytes.',
  },
} as const satisfies SchemaKeys;

export const NAMESPACE_KEYS = {
  id: { type: 'text', required: true, doc: 'Id.' },
  prefix: { type: 'text', required: true, mayBeEmpty: true, doc: 'URL prefix.' },
  parent: { type: 'text', mayBeEmpty: true, doc: 'Group whose prefix comes first.' },
  name: { type: 'text', mayBeEmpty: true, doc: 'Label.' },
  description: { type: 'text', mayBeEmpty: true, doc: 'Label.' },
  version: { type: 'any', doc: 'Label.' },
  metadata: { type: 'map', doc: 'Anything.' },
} as const satisfies SchemaKeys;

export const POLICY_KEYS = {
  id: { type: 'text', required: true, doc: 'Id.' },
  description: { type: 'text', mayBeEmpty: true, doc: 'Label.' },
  principal: { type: 'text', required: true, doc: 'Role; `Nobody` for callers without credentials.' },
  action: {
    type: 'text',
    mayBeEmpty: true,
    doc: '`create`, `read`, `update`, `delete`, an action id, `*`, or `__attach__`. Without it the policy only lifts authentication.',
  },
  effect: { type: 'text', mayBeEmpty: true, doc: '`allow` or `deny`, in either case; allow when absent.' },
  resource: { type: 'map', required: true, doc: 'What it is about.' },
  condition: { type: 'list', doc: 'Further conditions; all of them hold. See [conditions](#conditions).' },
  tenant_id: { type: 'pattern', doc: "Regular expression for the caller's tenant id." },
  tenant_name: { type: 'pattern', doc: "Regular expression for the caller's tenant name; not together with `tenant_id`." },
  scope: { type: 'texts', values: SCOPES, doc: 'Kinds of tokens that it is for; all when absent.' },
  relation_property: {
    type: 'text',
    doc: 'For `__attach__`: a relation (`network_id`, `boxes.[].inner_id`, `ports.*` for properties without a name of their own), or `*` for all.',
  },
  target_condition: { type: 'list', doc: 'For `__attach__`: what the related resource must fulfil.' },
} as const satisfies SchemaKeys;

export const POLICY_RESOURCE_KEYS = {
  path: { type: 'pattern', required: true, doc: 'Regular expression, searched in the short URL.' },
  properties: { type: 'texts', doc: 'The only properties that are visible and writable.' },
  blacklistProperties: { type: 'texts', doc: 'Properties that are neither; not together with `properties`.' },
} as const satisfies SchemaKeys;

export const BELONGS_TO_KEYS = {
  type: { type: 'text', required: true, doc: '`belongs_to`: `is_owner` holds for resources of these tenants too.' },
  action: { type: 'text', values: ['*', ...CRUD], doc: 'Action that it opens; all when absent.' },
  tenant_id: { type: 'pattern', doc: 'Tenant id.' },
  tenant_name: { type: 'pattern', doc: 'Tenant name.' },
} as const satisfies SchemaKeys;

export const PROPERTY_CONDITION_KEYS = {
  type: { type: 'text', required: true, doc: '`property`: values that properties must have.' },
  action: { type: 'text', doc: 'Action that it is about; create, read, update and delete when absent.' },
  match: { type: 'map', required: true, doc: 'Property → value, list of values, or map of old value → new ones.' },
} as const satisfies SchemaKeys;

export const MATCH_KEYS = {
  property: { type: 'text', required: true, doc: 'Property.' },
  type: { type: 'text', required: true, values: ['eq', 'neq'], doc: 'Equal or not.' },
  value: { type: 'any', required: true, doc: 'A value, or a list of them.' },
} as const satisfies SchemaKeys;

export const EXTENSION_KEYS = {
  id: { type: 'text', required: true, doc: 'Id.' },
  path: {
    type: 'pattern',
    required: true,
    doc: 'Regular expression, searched in the URL of a schema; `sync://EVENT` and `cron://NAME` for those.',
  },
  code: { type: 'text', mayBeEmpty: true, doc: 'The code.' },
  code_type: {
    type: 'text',
    values: ['javascript', 'typescript', 'goext'],
    doc: 'Its language; `extension.default` of the configuration otherwise.',
  },
  url: { type: 'text', doc: 'File with the code, relative to the schema file.' },
  event: { type: 'any', doc: 'Without effect.' },
} as const satisfies SchemaKeys;
