import type { SettingKeys } from './setting.ts';
import { ADMIN } from './settings-admin.ts';
import { EXTENSIONS } from './settings-extension.ts';
import { WITHOUT_EFFECT } from './settings-later.ts';
import { MODELS } from './settings-models.ts';
import { PROCESSES } from './settings-processes.ts';
import { PROXY } from './settings-proxy.ts';
import { ETCD_ACCESS, ETCD_ENDPOINTS, SYNC } from './settings-sync.ts';

const STORAGE = {
  type: {
    type: 'enum',
    values: ['memory', 'file', 'etcd'],
    required: true,
    doc: '`memory` forgets everything at the end; `file` keeps it in a SQLite database in `dir`; `etcd` shares it between the nodes of a fleet.',
  },
  dir: {
    type: 'path',
    use: 'create',
    doc: 'Folder of the database (`type: file`), or of the last good state (`type: etcd`), from which a node starts when etcd is away; made when it is missing.',
  },
  encryption_key: {
    type: 'string',
    secret: true,
    format: 'key256',
    origin: 'sekisho',
    doc: 'Key that secrets are encrypted with: 32 bytes as 64 hex digits or base64 (`openssl rand -base64 32`). Without one, a random key is kept in a file of mode 0600 in `dir`.',
  },
  encryption_key_file: { type: 'path', use: 'file', origin: 'sekisho', doc: 'File of mode 0600 with that key.' },
  history_limit: { type: 'int', default: 10_000, min: 0, origin: 'sekisho', doc: 'How many changes the history keeps.' },
  endpoints: ETCD_ENDPOINTS,
  prefix: {
    type: 'string',
    default: '/sekisho',
    format: 'etcdPrefix',
    origin: 'sekisho',
    doc: 'Beginning of all keys in etcd; one for each fleet.',
  },
  timeout: {
    type: 'duration',
    default: '4s',
    min: '10ms',
    origin: 'sekisho',
    doc: 'How long one call of etcd may take, for `type: etcd`.',
  },
  ...ETCD_ACCESS,
} as const satisfies SettingKeys;

const MODULES = {
  npm_path: {
    type: 'path',
    use: 'folder',
    origin: 'sekisho',
    doc: 'Folder with the `node_modules` that modules may import from. Absent = none.',
  },
  env: {
    type: 'list',
    of: { type: 'string', format: 'nonEmpty', doc: 'Name of a variable.' },
    origin: 'sekisho',
    doc: 'Variables of the environment that modules see in `process.env`. Absent = all but those whose names look like secrets.',
  },
  timeout: { type: 'duration', default: '30s', min: '1ms', origin: 'sekisho', doc: 'Limit of one hook, waiting included.' },
  sync_timeout: {
    type: 'duration',
    default: '2s',
    min: '1ms',
    origin: 'sekisho',
    doc: 'How long code may run without giving its thread back.',
  },
  heap_limit_bytes: { type: 'bytes', default: 67_108_864, min: 8_388_608, origin: 'sekisho', doc: 'JavaScript heap of one module thread.' },
  rss_limit_bytes: {
    type: 'bytes',
    default: 268_435_456,
    min: 8_388_608,
    origin: 'sekisho',
    doc: 'Memory outside the heap (buffers) that a module thread may take.',
  },
  max_threads: {
    type: 'int',
    default: 64,
    min: 1,
    max: 4096,
    origin: 'sekisho',
    doc: 'Module threads; the one that was idle longest makes room.',
  },
  max_queue: {
    type: 'int',
    default: 1000,
    min: 1,
    origin: 'sekisho',
    doc: 'Calls of one module that may wait; further ones are answered 503.',
  },
  max_body_bytes: { type: 'bytes', default: 10_485_760, min: 0, origin: 'sekisho', doc: 'Largest body that a module may read.' },
  quarantine_kills: {
    type: 'int',
    default: 5,
    min: 1,
    origin: 'sekisho',
    doc: 'Kills within `quarantine_window` after which a module is no longer started.',
  },
  quarantine_window: { type: 'duration', default: '60s', min: '1ms', origin: 'sekisho', doc: 'See `quarantine_kills`.' },
} as const satisfies SettingKeys;

const TEST_SERVER = {
  host: { type: 'string', default: '', doc: 'Address to listen on; empty = all.' },
  port: { type: 'int', required: true, min: 0, max: 65535, doc: 'Port; 0 picks a free one.' },
  enable_h2c: { type: 'bool', default: true, doc: 'HTTP/2 without TLS; needs `enable_http2`.' },
  enable_http2: { type: 'bool', default: true, doc: 'HTTP/2.' },
  enable_env_vars: { type: 'bool', default: false, doc: 'Show the environment of the process in answers. Never on a reachable address.' },
  global_headers: {
    type: 'map',
    of: { type: 'string', format: 'headerValue', doc: 'Value.' },
    keyFormat: 'headerName',
    default: {},
    doc: 'Headers that every response gets.',
  },
} as const satisfies SettingKeys;

/** The one table of settings, by key. */
export const SETTINGS = {
  version: { type: 'string', required: true, format: 'nonEmpty', doc: 'Version of the format: `v1`.' },
  log_level: {
    type: 'enum',
    values: ['debug', 'info', 'warn', 'error', 'fatal'],
    aliases: { dpanic: 'fatal', panic: 'fatal' },
    default: 'info',
    doc: 'Least level of what is logged.',
  },
  log_json: { type: 'bool', default: false, doc: 'Log JSON even in a terminal.' },
  log_color: { type: 'bool', default: false, doc: 'Colour the levels of text logs.' },
  access_log: { type: 'bool', default: true, origin: 'sekisho', doc: 'One line per request.' },
  node_id: { type: 'string', default: '', doc: 'Name of this node; else `DGATE_NODE_ID`, else `HOST` of the environment.' },
  debug: { type: 'bool', default: false, doc: 'Starts the test server; answers say more (`X-Upstream-URL`, reasons of 401 and 403).' },
  tags: {
    type: 'list',
    of: { type: 'string', doc: 'Tag.' },
    default: [],
    doc: 'Tags of this node: logged, and sent upstream as `X-DGate-Tags`.',
  },
  disable_metrics: { type: 'bool', default: false, doc: 'No `/metrics`.' },
  disable_default_namespace: { type: 'bool', default: false, doc: 'Make no namespace `default`; admin calls must then name one.' },
  allow_shell: { type: 'bool', default: false, origin: 'sekisho', doc: 'Replace `$(command)` in values by what the command prints.' },
  ...PROCESSES,
  storage: { type: 'section', required: true, keys: STORAGE, doc: 'Where entities live.' },
  proxy: { type: 'section', keys: PROXY, doc: 'The data plane.' },
  modules: { type: 'section', keys: MODULES, origin: 'sekisho', doc: 'TypeScript modules and the threads that they run in.' },
  admin: { type: 'section', optional: true, keys: ADMIN, doc: 'The admin API. Absent = there is none.' },
  test_server: {
    type: 'section',
    optional: true,
    keys: TEST_SERVER,
    doc: 'An echo server to try things with; started only with `debug: true` and `admin`.',
  },
  ...MODELS,
  ...EXTENSIONS,
  ...SYNC,
  ...WITHOUT_EFFECT,
} as const satisfies SettingKeys;
