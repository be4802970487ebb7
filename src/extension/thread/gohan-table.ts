import type { BuiltinRow } from './gohan-parameter.ts';
import { DATABASE_BUILTINS, MODEL_BUILTINS } from './gohan-table-database.ts';

const MESSAGE = [{ name: 'message', type: 'any' }] as const;
const PATH = [{ name: 'path', type: 'any' }] as const;
const KEY_AND_DEFAULT = [
  { name: 'key', type: 'string' },
  { name: 'default', type: 'any' },
] as const;
const HTTP = [
  { name: 'method', type: 'string' },
  { name: 'url', type: 'string' },
  { name: 'headers', type: 'Object' },
] as const;
const REMOTE = [
  { name: 'host', type: 'any' },
  { name: 'user', type: 'any' },
] as const;
const SESSION = [{ name: 'session', type: 'any' }] as const;
const SESSION_COMMAND = [...SESSION, { name: 'command', type: 'any' }] as const;
const NO_REMOTE =
  "Not enabled here, and no setting enables it: it throws. Run the system's client with `gohan_exec`, or let a worker do it.";
const NO_EXEC = 'Throws unless `extension.allow_exec` is set. No shell; time and output are limited.';
const IN_ROOT = 'Only below `extension.file_root`; throws without it. Relative paths start there.';
const LINE = 'Writes a line of the log with the module `LOG_MODULE`.';
const event = { name: 'event', type: 'any' } as const;

const EVENTS = {
  gohan_register_handler: {
    parameters: [event, { name: 'handler', type: 'function' }],
    isLoose: true,
    gives: 'undefined',
    doc: 'Has `handler(context)` called for an event, after the handlers that are there. At the top level of a script only.',
  },
  gohan_handle_event: {
    parameters: [event, { name: 'context', type: 'context' }],
    isLoose: true,
    gives: 'undefined',
    doc: 'Runs the handlers of an event of this environment on a context.',
    difference: 'An exception of a handler is thrown, after the others have run.',
  },
  gohan_trigger_event: {
    parameters: [
      { name: 'event', type: 'string' },
      { name: 'context', type: 'Object' },
    ],
    gives: 'null',
    doc: 'Runs the handlers of an event in all environments: scripts on the context itself, then modules, whose changes of `resource`, `response`, `state` and `monitoring` it gets. The context needs `schema`.',
  },
  gohan_load_hook: {
    parameters: [{ name: 'function_name', type: 'string' }],
    gives: 'true',
    doc: 'Scripts that load after this one pass through the global function `(code, path) → code`.',
  },
} as const satisfies Readonly<Record<string, BuiltinRow>>;

const LOG = {
  gohan_log: {
    parameters: [
      { name: 'module', type: 'any' },
      { name: 'level', type: 'any' },
      { name: 'message', type: 'any' },
    ],
    gives: 'undefined',
    doc: 'Writes a line of the log. Levels are those of `LOG_LEVEL`: `CRITICAL`, `ERROR`, `WARNING`, `NOTICE`, `INFO`, `DEBUG`.',
    difference: 'The log has four levels: critical is error, notice is info.',
  },
  gohan_log_critical: { parameters: MESSAGE, isLoose: true, gives: 'undefined', doc: LINE },
  gohan_log_error: { parameters: MESSAGE, isLoose: true, gives: 'undefined', doc: LINE },
  gohan_log_warning: { parameters: MESSAGE, isLoose: true, gives: 'undefined', doc: LINE },
  gohan_log_notice: { parameters: MESSAGE, isLoose: true, gives: 'undefined', doc: LINE },
  gohan_log_info: { parameters: MESSAGE, isLoose: true, gives: 'undefined', doc: LINE },
  gohan_log_debug: { parameters: MESSAGE, isLoose: true, gives: 'undefined', doc: LINE },
  gohan_log_module_push: {
    parameters: [{ name: 'name', type: 'any' }],
    isLoose: true,
    gives: 'the old `LOG_MODULE`',
    doc: 'Appends `.name` to `LOG_MODULE`, up to the end of the event.',
  },
  gohan_log_module_restore: { parameters: [{ name: 'old', type: 'any' }], isLoose: true, gives: 'undefined', doc: 'Sets `LOG_MODULE`.' },
} as const satisfies Readonly<Record<string, BuiltinRow>>;

const CALLS = {
  gohan_http: {
    parameters: [
      ...HTTP,
      { name: 'data', type: 'any' },
      { name: 'opaque', type: 'bool', default: false },
      { name: 'timeout_ms', type: 'int64', default: 3000 },
    ],
    gives: '`{status: "success", status_code: "200", body, headers}` or `{status: "err", error}`',
    doc: 'Calls a service. Data goes as JSON unless the header `content-type` is `text/plain`; null sends none. Follows redirects. `opaque` sends the URL as it is written. `headers` of the answer: `{"Content-Type": ["…"]}`.',
    difference: 'The body of an answer is limited by `extension.max_http_body_bytes`.',
  },
  gohan_raw_http: {
    parameters: [...HTTP, { name: 'body', type: 'string' }],
    gives: '`{status: "200 OK", status_code: 200, headers, body}`',
    doc: 'Calls a service with a body as it is; follows no redirects. Throws when no answer comes.',
    difference: 'Its time is limited by `extension.http_timeout`, the body of the answer by `extension.max_http_body_bytes`.',
  },
  gohan_exec: {
    parameters: [
      { name: 'command', type: 'string' },
      { name: 'arguments', type: 'array of strings' },
    ],
    gives: '`{status: "success", output}` or `{status: "error", output}`',
    doc: 'Runs a program and waits for it; `output` is what it printed, or why it failed.',
    difference: NO_EXEC,
  },
  gohan_execute: {
    parameters: [
      { name: 'command', type: 'string' },
      { name: 'arguments', type: 'array of strings' },
    ],
    gives: 'as `gohan_exec`',
    doc: 'Another name of `gohan_exec`.',
    difference: NO_EXEC,
  },
  gohan_netconf_open: { parameters: REMOTE, gives: 'nothing', doc: 'A NETCONF session.', difference: NO_REMOTE },
  gohan_netconf_exec: { parameters: SESSION_COMMAND, gives: 'nothing', doc: 'Sends an RPC.', difference: NO_REMOTE },
  gohan_netconf_close: { parameters: SESSION, gives: 'nothing', doc: 'Closes a session.', difference: NO_REMOTE },
  gohan_ssh_open: { parameters: REMOTE, gives: 'nothing', doc: 'An SSH session.', difference: NO_REMOTE },
  gohan_ssh_exec: { parameters: SESSION_COMMAND, gives: 'nothing', doc: 'Runs a command.', difference: NO_REMOTE },
  gohan_ssh_close: { parameters: SESSION, gives: 'nothing', doc: 'Closes a session.', difference: NO_REMOTE },
} as const satisfies Readonly<Record<string, BuiltinRow>>;

const SYNC = {
  gohan_sync_fetch: {
    parameters: [{ name: 'path', type: 'string' }],
    gives: '`{key, value, revision, children}`',
    doc: 'A key of etcd, with the keys below it as a tree.',
  },
  gohan_sync_update: {
    parameters: [
      { name: 'path', type: 'string' },
      { name: 'value', type: 'string' },
    ],
    gives: 'undefined',
    doc: 'Sets a key of etcd, outside of any transaction.',
  },
  gohan_sync_delete: {
    parameters: [
      { name: 'path', type: 'string' },
      { name: 'prefix', type: 'bool', default: false },
    ],
    gives: 'undefined',
    doc: 'Deletes a key of etcd, or all that start so.',
  },
  gohan_sync_watch: {
    parameters: [
      { name: 'path', type: 'string' },
      { name: 'timeout_ms', type: 'int64' },
      { name: 'revision', type: 'int64' },
    ],
    gives: '`{action, key, data, revision}`, or `{}` when nothing came in time',
    doc: 'The oldest value of keys that start so since a revision (`action` is `get`; 0 = any value); if there is none, their next change (`set`, `delete`).',
  },
} as const satisfies Readonly<Record<string, BuiltinRow>>;

const FILES = {
  gohan_file_list: { parameters: PATH, gives: 'a string', doc: 'The names in a folder, one in a line.', difference: IN_ROOT },
  gohan_file_read: { parameters: PATH, gives: 'a string', doc: 'The text of a file.', difference: IN_ROOT },
  gohan_file_read_cd: {
    parameters: PATH,
    gives: 'a string',
    doc: 'The text of a file beside the script that calls.',
    difference: 'Only below `extension.file_root`; throws without it, and in code that stands in a schema file.',
  },
  gohan_file_dir: {
    parameters: PATH,
    gives: 'a bool',
    doc: 'Whether a path is a folder; throws when there is nothing.',
    difference: IN_ROOT,
  },
} as const satisfies Readonly<Record<string, BuiltinRow>>;

const MISC = {
  gohan_schemas: { parameters: [], gives: 'a list of schemas', doc: 'All schemas, as the schema API tells of them.' },
  gohan_schema_url: { parameters: [{ name: 'schema_id', type: 'string' }], gives: 'a string', doc: 'The URL of a schema.' },
  gohan_policies: { parameters: [], gives: 'a list of policies', doc: 'All policies, as they were written.' },
  gohan_uuid: { parameters: [], isLoose: true, gives: 'a string', doc: 'A random UUID.' },
  gohan_sleep: { parameters: [{ name: 'ms', type: 'any' }], gives: 'null', doc: 'Waits for milliseconds.' },
  gohan_template: {
    parameters: [
      { name: 'template', type: 'any' },
      { name: 'data', type: 'any' },
    ],
    gives: 'a string',
    doc: "What a template of Go's `text/template` prints with data.",
    difference: 'A mistake throws an Error with line and column. Data are JSON: no methods.',
  },
  gohan_config: {
    parameters: KEY_AND_DEFAULT,
    gives: 'any',
    doc: 'A setting by its path (`database/type`), or the default.',
    difference: 'Secrets are left out.',
  },
  gohan_get_env: {
    parameters: [
      { name: 'key', type: 'string' },
      { name: 'default', type: 'string' },
    ],
    gives: 'a string',
    doc: 'An environment variable, or the default where it is missing or empty.',
    difference: 'Only variables that `extension.env` lists, or without it those whose names look like no secrets.',
  },
  gohan_global: {
    parameters: [{ name: 'name', type: 'string' }],
    gives: 'an object',
    doc: 'An object that all requests of this environment share.',
    difference: 'It holds JSON values. All worker processes of a node share it; an access asks for it anew.',
  },
  gohan_process_global: {
    parameters: [{ name: 'name', type: 'string' }],
    gives: 'an object',
    doc: 'An object that all environments share.',
    difference: 'It holds JSON values. All worker processes of a node share it; an access asks for it anew.',
  },
  require: {
    parameters: [{ name: 'module', type: 'string' }],
    gives: 'any',
    doc: 'A CommonJS package of `<extension.npm_path>/node_modules`, or one of `fs`, `crypto`, `vm`, `os`, `assert`, `glob`, `underscore`.',
    difference: 'Loaded when it is asked for; packages may require files and packages of their own. `os`, `assert` and `glob` are empty.',
  },
} as const satisfies Readonly<Record<string, BuiltinRow>>;

/** Every built-in function by its group: signature, checks and documentation. */
export const BUILTIN_GROUPS = {
  Events: EVENTS,
  Log: LOG,
  Database: DATABASE_BUILTINS,
  Models: MODEL_BUILTINS,
  Calls: CALLS,
  Sync: SYNC,
  Files: FILES,
  Miscellaneous: MISC,
} as const;

/** Every built-in function by its name. */
export const BUILTINS = {
  ...EVENTS,
  ...LOG,
  ...DATABASE_BUILTINS,
  ...MODEL_BUILTINS,
  ...CALLS,
  ...SYNC,
  ...FILES,
  ...MISC,
} as const satisfies Readonly<Record<string, BuiltinRow>>;

export type BuiltinName = keyof typeof BUILTINS;
