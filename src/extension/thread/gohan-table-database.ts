import type { BuiltinRow } from './gohan-parameter.ts';

const TX = { name: 'transaction', type: 'Transaction' } as const;
const SCHEMA = { name: 'schema_id', type: 'string' } as const;
const ID = { name: 'id', type: 'string' } as const;
const TENANT = { name: 'tenant_id', type: 'string' } as const;
const FILTER = { name: 'filter', type: 'Filter' } as const;
const RESOURCE = { name: 'resource', type: 'Object' } as const;
const PAGING = [
  { name: 'order_key', type: 'string', default: '' },
  { name: 'limit', type: 'int64', default: 0 },
  { name: 'offset', type: 'int64', default: 0 },
] as const;

/** The built-ins that read and write resources without events. */
export const DATABASE_BUILTINS = {
  gohan_db_transaction: {
    parameters: [{ name: 'isolation', type: 'string', default: '' }],
    gives: 'a transaction: `Commit()`, `Close()`, `Closed()`',
    doc: "Begins a transaction of the handler's own. What is not committed when the handler ends is rolled back.",
    difference: "SQLite has one writer: inside the request's transaction use `context.transaction` there.",
  },
  gohan_db_list: {
    parameters: [TX, SCHEMA, FILTER, ...PAGING],
    gives: 'a list of resources',
    doc: 'The resources that a filter matches: `{property: value or list of values}`, `__and__`, `__or__`, `__bool__`. By `order_key`, ascending; a limit of 0 is none.',
    difference: 'Limit and offset work without `order_key`, too. Operators of the REST API (`age__gt`) work in filters.',
  },
  gohan_db_lock_list: {
    parameters: [TX, SCHEMA, FILTER, ...PAGING, { name: 'lock_policy', type: 'int64', default: 1 }],
    gives: 'a list of resources',
    doc: 'As `gohan_db_list`; locks the rows until the transaction ends. `lock_policy` 0 locks related rows, too; 1 does not.',
  },
  gohan_db_fetch: {
    parameters: [TX, SCHEMA, ID, TENANT],
    gives: 'a resource',
    doc: 'One resource by its id; `""` stands for any tenant. Throws `Error during gohan_db_fetch: resource not found`.',
  },
  gohan_db_lock_fetch: {
    parameters: [TX, SCHEMA, ID, TENANT, { name: 'lock_policy', type: 'int64' }],
    gives: 'a resource',
    doc: 'As `gohan_db_fetch`; locks the row until the transaction ends.',
  },
  gohan_db_state_fetch: {
    parameters: [TX, SCHEMA, ID, TENANT],
    gives: '`{config_version, state_version, error, state, monitoring}`',
    doc: 'What workers reported about a resource.',
  },
  gohan_db_create: {
    parameters: [TX, SCHEMA, RESOURCE],
    gives: 'the resource as stored',
    doc: 'Stores a resource, with defaults and the row of the event log. Validates nothing, makes no id, runs no events.',
  },
  gohan_db_update: {
    parameters: [TX, SCHEMA, RESOURCE],
    gives: 'the resource as stored',
    doc: 'Changes the given properties of the resource with the given `id`.',
  },
  gohan_db_state_update: {
    parameters: [TX, SCHEMA, RESOURCE],
    gives: 'the resource as stored',
    doc: 'As `gohan_db_update`, without a row of the event log.',
  },
  gohan_db_delete: { parameters: [TX, SCHEMA, ID], gives: 'null', doc: 'Deletes a resource.' },
  gohan_db_query: {
    parameters: [TX, SCHEMA, { name: 'sql', type: 'string' }, { name: 'arguments', type: 'array' }],
    gives: 'a list of rows',
    doc: 'Runs a statement; each `?` takes the next argument. Columns are named as `gohan_db_sql_make_columns` names them.',
  },
  gohan_db_sql_make_columns: {
    parameters: [SCHEMA],
    gives: 'a list of strings',
    doc: "The columns of a schema's table, as a SELECT of `gohan_db_query` has to name them: `` table.`column` as `table__column` ``.",
  },
} as const satisfies Readonly<Record<string, BuiltinRow>>;

const CONTEXT = { name: 'context', type: 'context' } as const;
const ANY_SCHEMA = { name: 'schema_id', type: 'any' } as const;
const ANY_ID = { name: 'id', type: 'any' } as const;
const TENANTS = { name: 'tenant_ids', type: 'any' } as const;
const DATA = { name: 'data', type: 'any' } as const;
const IN_TRANSACTION =
  'It runs in `context.transaction`, which may be one of `gohan_db_transaction`; without any in the transaction of the request, or in one of its own.';

/** The built-ins that read and write resources with the events inside the transaction. */
export const MODEL_BUILTINS = {
  gohan_model_list: {
    parameters: [CONTEXT, ANY_SCHEMA, { name: 'filter', type: 'any' }],
    gives: 'a list of resources',
    doc: 'The resources that a filter of strings and lists of strings matches.',
    difference: `All values of a list count, not the last one alone. ${IN_TRANSACTION}`,
  },
  gohan_model_fetch: {
    parameters: [CONTEXT, ANY_SCHEMA, ANY_ID, TENANTS],
    gives: 'a resource',
    doc: 'One resource by its id, of the given tenants (null: any).',
    difference: IN_TRANSACTION,
  },
  gohan_model_create: {
    parameters: [CONTEXT, ANY_SCHEMA, DATA],
    gives: 'the resource as stored',
    doc: 'Stores a resource.',
    difference: `\`data\` is stored, and is what handlers find as \`context.resource\`, also when the context has another resource. ${IN_TRANSACTION}`,
  },
  gohan_model_update: {
    parameters: [CONTEXT, ANY_SCHEMA, ANY_ID, DATA, TENANTS],
    gives: 'the resource as stored',
    doc: 'Changes properties of a resource.',
    difference: IN_TRANSACTION,
  },
  gohan_model_delete: {
    parameters: [CONTEXT, ANY_SCHEMA, ANY_ID],
    gives: 'undefined',
    doc: 'Deletes a resource.',
    difference: IN_TRANSACTION,
  },
} as const satisfies Readonly<Record<string, BuiltinRow>>;
