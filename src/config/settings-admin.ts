import type { SettingKeys } from './setting.ts';

const HEADER = { type: 'string', format: 'headerName' } as const;

const ADMIN_TLS = {
  port: { type: 'int', required: true, min: 0, max: 65535, doc: 'Port of the HTTPS listener; 0 picks a free one.' },
  cert_file: { type: 'path', use: 'file', required: true, doc: 'PEM file with the certificate chain.' },
  key_file: { type: 'path', use: 'file', required: true, doc: 'PEM file with the private key.' },
} as const satisfies SettingKeys;

const BASIC_USER = {
  username: { type: 'string', required: true, format: 'nonEmpty', doc: 'Name.' },
  password: { type: 'string', required: true, format: 'nonEmpty', secret: true, doc: 'Password.' },
} as const satisfies SettingKeys;

const KEY_AUTH = {
  keys: {
    type: 'list',
    of: { type: 'string', format: 'nonEmpty', secret: true, doc: 'A key.' },
    default: [],
    doc: 'Keys that are accepted; at least one.',
  },
  key: { type: 'string', secret: true, format: 'nonEmpty', doc: 'One more key.' },
  header_name: { ...HEADER, doc: 'Header that has the key; `X-DGate-Key` when neither is set.' },
  query_param_name: { type: 'string', format: 'nonEmpty', doc: 'Query parameter that has the key.' },
} as const satisfies SettingKeys;

const JWT_AUTH = {
  header_name: { ...HEADER, default: 'Authorization', doc: 'Header that has the token, with or without `Bearer`.' },
  algorithm: {
    type: 'enum',
    values: ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
    required: true,
    doc: 'The only algorithm that is accepted.',
  },
  key: { type: 'string', secret: true, format: 'nonEmpty', doc: 'Secret of the HS algorithms.' },
  secret: { type: 'string', secret: true, format: 'nonEmpty', doc: 'Other spelling of `key`.' },
  secret_file: { type: 'path', use: 'file', doc: 'File with that secret; a line break at its end does not count.' },
  public_key: { type: 'string', format: 'nonEmpty', doc: 'Public key of the other algorithms, PEM text.' },
  public_key_file: { type: 'path', use: 'file', doc: 'File with that public key.' },
  issuer: { type: 'string', format: 'nonEmpty', origin: 'sekisho', doc: 'The only `iss` that is accepted.' },
  audience: { type: 'string', format: 'nonEmpty', origin: 'sekisho', doc: 'The only `aud` that is accepted.' },
} as const satisfies SettingKeys;

/** Keys under `admin`. */
export const ADMIN = {
  host: { type: 'string', default: '127.0.0.1', doc: 'Address to listen on. Anything but loopback needs an `auth_method`.' },
  port: { type: 'int', required: true, min: 0, max: 65535, doc: 'Port of the HTTP listener; 0 picks a free one.' },
  tls: { type: 'section', optional: true, keys: ADMIN_TLS, doc: 'Starts an HTTPS listener beside the HTTP one.' },
  allow_list: {
    type: 'list',
    of: { type: 'string', format: 'ipOrCidr', doc: 'Address or range.' },
    default: [],
    doc: 'Clients that may use the admin API. Empty = all.',
  },
  x_forwarded_for_depth: {
    type: 'int',
    default: -1,
    min: -1,
    doc: 'Which entry of `X-Forwarded-For`, counted from the end, is the client; 0 or less = the peer itself.',
  },
  auth_method: {
    type: 'enum',
    values: ['none', 'basic', 'key', 'jwt'],
    aliases: { '': 'none' },
    default: 'none',
    doc: 'How callers prove who they are.',
  },
  basic_auth: {
    type: 'section',
    optional: true,
    keys: { users: { type: 'list', of: { type: 'section', keys: BASIC_USER, doc: 'A user.' }, default: [], doc: 'Users; at least one.' } },
    doc: 'For `auth_method: basic`.',
  },
  key_auth: { type: 'section', optional: true, keys: KEY_AUTH, doc: 'For `auth_method: key`.' },
  jwt_auth: { type: 'section', optional: true, keys: JWT_AUTH, doc: 'For `auth_method: jwt`.' },
  max_body_bytes: { type: 'bytes', default: 16_777_216, min: 1024, origin: 'sekisho', doc: 'Largest body of an admin call.' },
  allowed_hosts: {
    type: 'list',
    of: { type: 'string', format: 'nonEmpty', doc: 'Host name.' },
    default: [],
    origin: 'sekisho',
    doc: 'Names by which the admin API may be called, beside IP addresses, `localhost` and `admin.host`.',
  },
  watch_only: {
    type: 'bool',
    default: false,
    doc: 'Takes no changes: they are answered with 307 and the address of a node that takes them (403 when none is known).',
  },
  advertise: {
    type: 'string',
    format: 'httpUrl',
    origin: 'sekisho',
    doc: 'URL under which other machines reach this admin API; told to the other nodes of a fleet. Absent = its own address, where it is not a wildcard.',
  },
  replication: {
    type: 'ignored',
    doc: 'nodes of a fleet share an etcd (`storage.type: etcd`); the address of the node is `admin.advertise`, its name `node_id`',
  },
} as const satisfies SettingKeys;
