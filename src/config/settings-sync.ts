import type { SettingKeys } from './setting.ts';

const TLS = {
  ca_file: {
    type: 'path',
    use: 'file',
    origin: 'sekisho',
    doc: 'Certificates that the server is checked with; absent = those of the system.',
  },
  cert_file: { type: 'path', use: 'file', origin: 'sekisho', doc: 'Certificate that we show.' },
  key_file: { type: 'path', use: 'file', origin: 'sekisho', doc: 'Its private key.' },
  skip_verify: { type: 'bool', default: false, origin: 'sekisho', doc: 'Accept any certificate. Never outside of tests.' },
} as const satisfies SettingKeys;

/** Keys that tell how an etcd cluster is reached, beside its addresses. */
export const ETCD_ACCESS = {
  username: { type: 'string', origin: 'sekisho', doc: 'User of etcd, when it asks for one.' },
  password: { type: 'string', secret: true, origin: 'sekisho', doc: 'Its password.' },
  tls: { type: 'section', optional: true, keys: TLS, origin: 'sekisho', doc: 'For addresses with `https`.' },
} as const satisfies SettingKeys;

const ADDRESSES = {
  type: 'list',
  of: { type: 'string', format: 'httpAddress', doc: 'Address of a member.' },
  default: [],
} as const;

/** Addresses of etcd's members, for `storage`. */
export const ETCD_ENDPOINTS = { ...ADDRESSES, origin: 'sekisho', doc: 'Members of the etcd cluster, for `type: etcd`.' } as const;

const WEBHOOK = {
  name: {
    type: 'string',
    required: true,
    format: 'nonEmpty',
    doc: 'Name of its queue, in metrics and the admin API. Under another name it begins with an empty queue.',
  },
  url: { type: 'string', required: true, format: 'httpUrl', doc: 'Where changes are sent with POST.' },
  secret: {
    type: 'string',
    required: true,
    secret: true,
    format: 'nonEmpty',
    doc: 'Key of the signature (HMAC-SHA-256) in `X-Sekisho-Signature`.',
  },
  schemas: { type: 'list', of: { type: 'string', doc: 'Id of a schema.' }, default: [], doc: 'Only changes of these; empty = of all.' },
  timeout: { type: 'duration', default: '10s', min: '1ms', doc: 'How long an answer may take.' },
  retries: { type: 'int', default: 10, min: 0, max: 1000, doc: 'How often a change is sent again before it becomes a dead letter.' },
  backoff: { type: 'duration', default: '1s', min: '1ms', doc: 'Pause before it is sent again; it doubles each time, up to a minute.' },
  concurrency: {
    type: 'int',
    default: 8,
    min: 1,
    max: 256,
    doc: 'Requests at the same time; of one resource there is never more than one.',
  },
} as const satisfies SettingKeys;

/** Keys of the event log and of what is delivered from it, under the names that Gohan gave them. */
export const SYNC = {
  etcd: { ...ADDRESSES, origin: 'gohan', doc: 'Members of the etcd cluster that committed changes are delivered to. Empty = none.' },
  etcd_access: { type: 'section', keys: ETCD_ACCESS, origin: 'sekisho', doc: 'How that cluster is reached.' },
  etcd_timeout_ms: {
    type: 'int',
    default: 1000,
    min: 1,
    max: 600_000,
    origin: 'gohan',
    doc: 'How long one call of etcd may take, in milliseconds.',
  },
  sync: {
    type: 'enum',
    values: ['etcdv3', 'none'],
    aliases: { etcd: 'etcdv3', noop: 'none' },
    default: 'etcdv3',
    origin: 'gohan',
    doc: 'Whether this node delivers changes to etcd; it may lead when it does.',
  },
  sync_writer: {
    type: 'section',
    origin: 'gohan',
    doc: 'The one node that delivers changes.',
    keys: {
      backoff: { type: 'duration', default: '5s', min: '1ms', doc: 'Longest pause after a failure.' },
      poll: {
        type: 'duration',
        default: '5s',
        min: '10ms',
        origin: 'sekisho',
        doc: 'The log is looked at this often even if nobody tells of a change.',
      },
      leader_ttl: {
        type: 'duration',
        default: '10s',
        min: '1s',
        origin: 'sekisho',
        doc: 'How long etcd keeps a leader that does not answer.',
      },
      drift_interval: {
        type: 'duration',
        default: '10m',
        origin: 'sekisho',
        doc: 'How often database and etcd are compared; 0 = never. `sekisho resync` repairs what differs.',
      },
      unlock: { type: 'ignored', doc: 'leases end by themselves' },
    },
  },
  sync_source: {
    type: 'section',
    origin: 'sekisho',
    doc: 'What tells that there is something to deliver, and in which order.',
    keys: {
      type: {
        type: 'enum',
        values: ['poll', 'postgres_replication', 'mysql_binlog'],
        default: 'poll',
        doc: '`poll`: the event log itself. `postgres_replication`: a logical replication slot. `mysql_binlog`: the binary log of MySQL or MariaDB.',
      },
      slot: { type: 'string', default: 'sekisho', format: 'nonEmpty', doc: 'Replication slot; made when it is missing.' },
      publication: {
        type: 'string',
        default: 'sekisho',
        format: 'nonEmpty',
        doc: 'Publication of the event log; made when it is missing.',
      },
      server_id: {
        type: 'int',
        default: 0,
        min: 0,
        max: 4_294_967_295,
        doc: 'Server id that the binary log is read as; 0 = one at random.',
      },
    },
  },
  event_log: {
    type: 'enum',
    values: ['on', 'off'],
    aliases: { auto: 'on' },
    default: 'on',
    origin: 'sekisho',
    doc: 'Whether every change writes a row of the event log in its transaction. Rows are deleted once they are delivered.',
  },
  event_log_keep: {
    type: 'int',
    default: 10_000,
    min: 0,
    origin: 'sekisho',
    doc: 'How many rows of the event log stay, the newest, where nothing is there to deliver them to (neither `etcd` nor `webhooks`).',
  },
  webhooks: {
    type: 'list',
    of: { type: 'section', keys: WEBHOOK, doc: 'A receiver.' },
    default: [],
    origin: 'sekisho',
    doc: 'Receivers of committed changes beside etcd.',
  },
  watch: {
    type: 'section',
    origin: 'gohan',
    doc: 'Keys of etcd whose changes run extensions.',
    keys: {
      keys: {
        type: 'list',
        of: { type: 'string', format: 'nonEmpty', doc: 'Prefix of keys.' },
        default: [],
        doc: 'Prefixes that are watched; each by one node.',
      },
      events: {
        type: 'list',
        of: { type: 'string', format: 'nonEmpty', doc: 'Beginning of a key, without its first slash.' },
        default: [],
        doc: 'A change of a key that begins with `/<event>` runs the extensions of `sync://<event>`; the first that fits counts.',
      },
    },
  },
  cron: {
    type: 'list',
    of: {
      type: 'section',
      doc: 'A job.',
      keys: {
        path: { type: 'string', required: true, format: 'nonEmpty', doc: 'The extensions that match it run: `cron://name`.' },
        timing: {
          type: 'string',
          required: true,
          format: 'cron',
          doc: 'Six fields, seconds first, or five; or `@every 5m`, `@hourly`, `@daily`, ….',
        },
        overlap: { type: 'bool', default: false, origin: 'sekisho', doc: 'Start it though it still runs.' },
        timezone: { type: 'string', default: 'UTC', origin: 'sekisho', doc: 'Zone of the fields, such as Asia/Tokyo.' },
      },
    },
    default: [],
    origin: 'gohan',
    doc: 'Jobs that run at certain times, on one node of the fleet.',
  },
} as const satisfies SettingKeys;
