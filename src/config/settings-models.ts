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
  connection_wait: {
    type: 'duration',
    default: '500s',
    min: '0s',
    max: '24h',
    origin: 'sekisho',
    doc: 'How long the start, and `sekisho migrate`, wait for a server that does not answer yet; `0s`: not at all. A wrong password or name fails at once.',
  },
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
  initial_data: {
    type: 'list',
    of: {
      type: 'section',
      doc: 'A file.',
      keys: {
        connection: { type: 'path', use: 'file', required: true, doc: 'YAML or JSON: table names to lists of rows.' },
        type: { type: 'ignored', doc: 'the name of the file tells' },
      },
    },
    default: [],
    doc: 'Rows that are inserted at the start where their id is not there.',
  },
  deadlock_retry_tx: {
    type: 'section',
    doc: 'Transactions that clash with others are run again.',
    keys: {
      count: { type: 'int', default: 8, min: 0, max: 100, doc: 'How often.' },
      interval_msec: {
        type: 'int',
        default: 20,
        min: 0,
        max: 60_000,
        doc: 'Pause in milliseconds before the first time, varied at random; it doubles each time.',
      },
    },
  },
} as const satisfies SettingKeys;

const KEYSTONE = {
  use_keystone: { type: 'bool', default: true, doc: 'Ask Keystone. With `false`, `identity` must tell who calls.' },
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
  use_auth_cache: { type: 'bool', default: true, doc: 'Remember checked tokens.' },
  cache_ttl: {
    type: 'duration',
    default: '15m',
    min: '1s',
    doc: 'How long a checked token is remembered, unless it ends before, and the list of tenants.',
  },
  version: { type: 'ignored', doc: 'only version 3 of Keystone exists' },
} as const satisfies SettingKeys;

const TEXT_LIST = { type: 'list', of: { type: 'string', format: 'nonEmpty', doc: 'One of them.' }, default: [] } as const;

const CLAIMS = {
  roles: { type: 'string', default: 'roles', doc: 'A list of texts, or one text of words.' },
  tenant_id: { type: 'string', default: 'tenant_id', doc: 'Tenant.' },
  tenant_name: { type: 'string', default: 'tenant_name', doc: 'Its name.' },
  domain_id: { type: 'string', default: 'domain_id', doc: 'Domain.' },
  domain_name: { type: 'string', default: 'domain_name', doc: 'Its name.' },
  scope: { type: 'string', doc: 'Holds tenant, domain or admin; without it every token is for a tenant.' },
  principal: { type: 'string', default: 'sub', doc: 'Who, for the log.' },
} as const satisfies SettingKeys;

const JWT = {
  issuer: { ...TEXT_LIST, doc: 'Issuers that are accepted; empty = all.' },
  audience: { ...TEXT_LIST, doc: 'Audiences that are accepted; empty = all.' },
  keys: {
    type: 'list',
    of: {
      type: 'section',
      doc: 'A key.',
      keys: {
        algorithm: { type: 'string', required: true, format: 'nonEmpty', doc: 'The only algorithm that it is used for, such as RS256.' },
        key: { type: 'string', required: true, secret: true, format: 'nonEmpty', doc: 'PEM text, or the secret of an HS algorithm.' },
        kid: { type: 'string', doc: 'Its name in tokens.' },
      },
    },
    default: [],
    doc: 'Keys that tokens are signed with.',
  },
  jwks_url: { type: 'string', doc: 'Where the keys are instead; they are asked for again when they change.' },
  algorithms: { ...TEXT_LIST, doc: 'What tokens of `jwks_url` may be signed with.' },
  claims: { type: 'section', keys: CLAIMS, doc: 'Where claims stand in a token: a name, a dotted path, or a JSON pointer.' },
  role_map: {
    type: 'map',
    of: { type: 'string', doc: 'Role of the policies.' },
    default: {},
    doc: 'Roles of the issuer to those of the policies; with it, others are dropped.',
  },
  admin_roles: { ...TEXT_LIST, doc: 'Roles that make a token one of admin scope.' },
  default_tenant_id: { type: 'string', doc: 'For tokens without a tenant.' },
  default_domain_id: { type: 'string', doc: 'For tokens without a domain.' },
} as const satisfies SettingKeys;

const API_KEY = {
  name: { type: 'string', required: true, format: 'nonEmpty', doc: 'Name, for the log.' },
  key: { type: 'string', secret: true, doc: 'The key, of at least 16 characters; or its `sha256`.' },
  sha256: { type: 'string', doc: 'SHA-256 of the key as 64 hexadecimal digits.' },
  roles: { ...TEXT_LIST, doc: 'Roles of the caller.' },
  tenant_id: { type: 'string', required: true, format: 'nonEmpty', doc: 'Its tenant.' },
  tenant_name: { type: 'string', doc: 'The name of that.' },
  domain_id: { type: 'string', doc: 'Its domain.' },
  domain_name: { type: 'string', doc: 'The name of that.' },
  scope: { type: 'enum', values: ['tenant', 'domain', 'admin'], default: 'tenant', doc: 'What the key is for.' },
} as const satisfies SettingKeys;

const IDENTITY = {
  jwt: {
    type: 'list',
    of: { type: 'section', keys: JWT, doc: 'An issuer of tokens.' },
    default: [],
    origin: 'sekisho',
    doc: 'JSON Web Tokens, as `Authorization: Bearer` or `X-Auth-Token`.',
  },
  api_keys: {
    type: 'list',
    of: { type: 'section', keys: API_KEY, doc: 'A key.' },
    default: [],
    origin: 'sekisho',
    doc: 'Keys in `X-API-Key`.',
  },
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
  exact_count_limit: {
    type: 'int',
    default: 10_000,
    min: 0,
    max: 1_000_000_000,
    origin: 'sekisho',
    doc: 'Rows up to which `Prefer: count=estimated` counts; of more, PostgreSQL, MySQL and MariaDB answer the guess of their planner.',
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
  identity: { type: 'section', keys: IDENTITY, origin: 'sekisho', doc: 'Who callers of the REST API are, beside Keystone.' },
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
