import type { SettingKeys } from './setting.ts';

const DATABASE = {
  type: {
    type: 'enum',
    values: ['sqlite3', 'postgresql', 'mysql'],
    default: 'sqlite3',
    aliases: { sqlite: 'sqlite3', postgres: 'postgresql', mariadb: 'mysql' },
    doc: 'Kind of the database; `mysql` is MariaDB too.',
  },
  connection: {
    type: 'string',
    required: true,
    secret: true,
    format: 'nonEmpty',
    doc: 'A file (SQLite), a URL (`postgres://user:password@host:5432/name`), or the form of Gohan (`user:password@tcp(host:3306)/name`).',
  },
  max_open_conn: { type: 'int', default: 100, min: 1, max: 10_000, doc: 'Connections to the database.' },
  auto_migrate: {
    type: 'bool',
    default: true,
    doc: 'Add tables, columns and indexes that are missing at the start; nothing is ever removed.',
  },
  cascade_delete: { type: 'bool', default: false, doc: 'Every relation deletes its row with the one that it refers to.' },
  legacy: { type: 'bool', default: true, doc: 'Tables are called `<schema id>s`; false: by the plural.' },
  no_init: { type: 'bool', default: false, doc: 'Make and change no tables at the start; what is missing refuses it.' },
  drop_on_create: { type: 'ignored', doc: 'tables are never dropped at the start' },
  migrations: { type: 'string', default: 'etc/db/migrations', doc: 'Folder of the SQL files of `sekisho migrate`.' },
  initial_data: { type: 'free', doc: 'Rows that are inserted at the start where their id is not there: a list of `{connection: file}`.' },
  deadlock_retry_tx: {
    type: 'section',
    doc: 'Transactions that clash with others are run again.',
    keys: {
      count: { type: 'int', default: 5, min: 0, max: 100, doc: 'How often.' },
      interval_msec: { type: 'int', default: 20, min: 0, max: 60_000, doc: 'Pause in milliseconds before it, varied at random.' },
    },
  },
} as const satisfies SettingKeys;

const KEYSTONE = {
  use_keystone: { type: 'bool', default: true, doc: 'Check tokens. `false`: everybody is admin; only on a loopback listener.' },
  fake: {
    type: 'bool',
    default: false,
    doc: 'Accept fixed development tokens (`admin_token`, `demo_token`, …); only on a loopback listener.',
  },
  auth_url: { type: 'string', doc: 'URL of Keystone, ending in `/v3`.' },
  user_name: { type: 'string', doc: 'Service user that tokens are checked as.' },
  password: { type: 'string', secret: true, doc: 'Its password.' },
  domain_name: { type: 'string', default: 'Default', doc: 'Its domain.' },
  tenant_name: { type: 'string', default: 'admin', doc: 'Its project.' },
  use_auth_cache: { type: 'ignored', doc: 'checked tokens are always remembered, for `cache_ttl` at most' },
  cache_ttl: { type: 'duration', default: '15m', min: '1s', doc: 'How long a checked token is remembered, unless it ends before.' },
  version: { type: 'ignored', doc: 'only version 3 of Keystone exists' },
} as const satisfies SettingKeys;

const API = {
  namespace: {
    type: 'string',
    default: 'default',
    format: 'nonEmpty',
    origin: 'sekisho',
    doc: 'Namespace whose listener paths the schemas have.',
  },
  max_page_size: {
    type: 'int',
    default: 1000,
    min: 1,
    max: 100_000,
    origin: 'sekisho',
    doc: 'Most rows of a page (`page_size`); larger wishes are cut down to it.',
  },
  max_body_bytes: {
    type: 'bytes',
    default: 10_485_760,
    min: 1,
    origin: 'sekisho',
    doc: 'Largest body of a request to the REST API of schemas.',
  },
} as const satisfies SettingKeys;

const HEALTHCHECK = {
  enabled: { type: 'bool', default: false, doc: 'Listen for `GET /healthcheck` (200 or 503) and `GET /liveness`.' },
  address: { type: 'string', doc: 'HOST:PORT; the port of the proxy + 1 when absent.' },
  timeout: { type: 'duration', default: '5s', min: '1ms', doc: 'How long the database may take to answer.' },
  backoff: { type: 'ignored', doc: 'every check asks anew' },
  etcd_key: { type: 'ignored', doc: 'etcd is not asked' },
} as const satisfies SettingKeys;

/** Keys of data models, under the names that Gohan gave them. */
export const MODELS = {
  schemas: {
    type: 'list',
    of: { type: 'string', format: 'nonEmpty', doc: 'File, beside the configuration or absolute; `embed://` names of Gohan are accepted.' },
    default: [],
    origin: 'gohan',
    doc: 'Schema files; their REST API is served when there are any, and followed when they change.',
  },
  database: { type: 'section', optional: true, keys: DATABASE, origin: 'gohan', doc: 'Where the resources of schemas live.' },
  keystone: { type: 'section', keys: KEYSTONE, origin: 'gohan', doc: 'Who callers of the REST API are, by their tokens.' },
  cors: {
    type: 'string',
    default: '',
    origin: 'gohan',
    doc: 'Origins that may call the REST API of schemas from a browser: `*`, or several joined by commas.',
  },
  app_version: { type: 'string', default: '<unknown>', origin: 'sekisho', doc: 'What `/gohan/v0.1/version` answers as `app`.' },
  api: { type: 'section', keys: API, origin: 'sekisho', doc: 'The REST API of schemas.' },
  healthcheck: {
    type: 'section',
    keys: HEALTHCHECK,
    origin: 'gohan',
    doc: "Gohan's health listener; the admin API has `/healthz` and `/readyz` in any case.",
  },
} as const satisfies SettingKeys;
