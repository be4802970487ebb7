import { INIT_RESOURCES } from './settings-init.ts';
import type { SettingKeys } from './setting.ts';

/** A listener's certificate. */
export const PROXY_TLS = {
  port: { type: 'int', default: 443, min: 0, max: 65535, doc: 'Port of the HTTPS listener; 0 picks a free one.' },
  cert_file: { type: 'path', use: 'file', required: true, doc: 'PEM file with the certificate chain, served when no domain has a certificate for the name.' },
  key_file: { type: 'path', use: 'file', required: true, doc: 'PEM file with the private key of that certificate.' },
} as const satisfies SettingKeys;

const LIMITS = {
  header_timeout: { type: 'duration', default: '10s', min: '1ms', origin: 'sekisho', doc: 'Until the head of a request is complete.' },
  body_start_timeout: { type: 'duration', default: '30s', min: '1ms', origin: 'sekisho', doc: 'Until the first byte of an announced request body.' },
  body_idle_timeout: { type: 'duration', default: '60s', min: '1ms', origin: 'sekisho', doc: 'Between two pieces of a request or response body.' },
  request_timeout: { type: 'duration', default: '1h', min: '1ms', origin: 'sekisho', doc: 'For a whole request, upgraded connections excepted.' },
  idle_timeout: { type: 'duration', default: '75s', min: '1ms', origin: 'sekisho', doc: 'How long a connection may stay open between two requests.' },
  max_connections: { type: 'int', default: 20_000, min: 1, origin: 'sekisho', doc: 'Open client connections; further ones wait in the queue of the operating system.' },
  max_in_flight: { type: 'int', default: 10_000, min: 1, origin: 'sekisho', doc: 'Requests that are being served; further ones are answered 503.' },
  max_target_bytes: { type: 'bytes', default: 8192, min: 64, max: 1_048_576, origin: 'sekisho', doc: 'Length of the request target; longer ones are answered 414.' },
  max_header_bytes: { type: 'bytes', default: 16_384, min: 512, max: 1_048_576, origin: 'sekisho', doc: 'Size of the head of a request; larger ones are answered 431.' },
  max_headers: { type: 'int', default: 128, min: 8, max: 10_000, origin: 'sekisho', doc: 'Fields in the head of a request; more are answered 431.' },
  max_body_buffer_bytes: { type: 'bytes', default: 10_485_760, min: 0, origin: 'sekisho', doc: 'Largest body that is held in memory (to be sent again on a retry); larger ones are streamed.' },
} as const satisfies SettingKeys;

const CLIENT_TRANSPORT = {
  dns_server: { type: 'string', format: 'hostPort', doc: 'DNS server to ask instead of the one of the system.' },
  dns_timeout: { type: 'duration', default: '5s', doc: 'Limit of one DNS question; only with `dns_server`.' },
  dns_prefer_go: { type: 'ignored', doc: 'there is only one resolver; `dns_server` alone is enough' },
  max_idle_conns: { type: 'int', default: 0, min: 0, doc: 'Idle connections to all upstreams together; 0 = no limit beside those per host.' },
  max_idle_conns_per_host: { type: 'int', default: 0, min: 0, doc: 'Idle connections to one upstream; 0 = as many as `max_conns_per_host`.' },
  max_conns_per_host: { type: 'int', default: 256, min: 0, doc: 'Connections to one upstream; 0 = no limit.' },
  idle_conn_timeout: { type: 'duration', default: '55s', doc: 'After which an idle connection is closed; 0 = never.' },
  tls_handshake_timeout: { type: 'duration', default: '10s', doc: 'Limit of the TLS handshake with an upstream; 0 = none.' },
  expect_continue_timeout: { type: 'duration', default: '1s', doc: 'How long to wait for `100 Continue` before the body is sent anyway; 0 = send at once.' },
  response_header_timeout: { type: 'duration', default: '60s', doc: "Until the head of the answer, for services without `requestTimeout`; 0 = none." },
  force_attempt_http2: { type: 'ignored', doc: "the service's `http2Only` decides" },
  disable_compression: { type: 'ignored', doc: 'bodies are always passed on as they are' },
  max_response_header_bytes: { type: 'bytes', default: 65_536, min: 512, doc: 'Size of the head of an answer.' },
  write_buffer_size: { type: 'ignored', doc: 'buffers are sized by the runtime' },
  read_buffer_size: { type: 'ignored', doc: 'buffers are sized by the runtime' },
  max_body_bytes: { type: 'ignored', doc: 'it never had an effect; bodies are streamed' },
  disable_keep_alives: { type: 'bool', default: false, doc: 'Use every upstream connection for one request only.' },
  keep_alive: { type: 'duration', default: '15s', doc: 'Interval of TCP keep-alive probes; 0 = none.' },
  dial_timeout: { type: 'duration', default: '5s', min: '1ms', doc: "Limit of connecting, for services without `connectTimeout`." },
  disable_private_ips: { type: 'bool', default: false, doc: 'Refuse upstreams with a loopback, link-local or private address.' },
} as const satisfies SettingKeys;

/** Keys under `proxy`. */
export const PROXY = {
  host: { type: 'string', default: '', doc: 'Address to listen on; empty = all.' },
  port: { type: 'int', default: 80, min: 0, max: 65535, doc: 'Port of the HTTP listener; 0 picks a free one.' },
  tls: { type: 'section', optional: true, keys: PROXY_TLS, doc: 'Starts an HTTPS listener beside the HTTP one.' },
  enable_h2c: { type: 'bool', default: false, doc: 'HTTP/2 without TLS on the HTTP listener; needs `enable_http2`.' },
  enable_http2: { type: 'bool', default: false, doc: 'HTTP/2. The HTTPS listener offers it in any case.' },
  console_log_level: {
    type: 'enum',
    values: ['debug', 'info', 'warn', 'error', 'fatal'],
    aliases: { dpanic: 'fatal', panic: 'fatal' },
    doc: 'Least level of what modules write with `console`; `log_level` when absent.',
  },
  redirect_https: { type: 'list', of: { type: 'string', format: 'hostPattern', doc: 'Host pattern.' }, default: [], doc: 'Host patterns that are redirected to HTTPS.' },
  allowed_domains: { type: 'list', of: { type: 'string', format: 'hostPattern', doc: 'Host pattern.' }, default: [], doc: 'Host patterns that are served; others are answered 403. Empty = all.' },
  global_headers: { type: 'map', of: { type: 'string', format: 'headerValue', doc: 'Value.' }, keyFormat: 'headerName', default: {}, doc: 'Headers that every response gets.' },
  strict_mode: { type: 'bool', default: false, doc: 'Close the connection without an answer when no namespace matches.' },
  disable_x_forwarded_headers: { type: 'bool', default: false, doc: 'Send no `X-Forwarded-*` headers to upstreams.' },
  x_forwarded_for_depth: { type: 'int', default: 0, min: 0, doc: 'How many proxies stand in front: their entries of `X-Forwarded-For` are believed, counted from the end.' },
  trusted_proxies: { type: 'list', of: { type: 'string', format: 'ipOrCidr', doc: 'Address or range.' }, default: [], origin: 'sekisho', doc: 'Peers whose `Forwarded` and `X-Forwarded-*` headers are believed.' },
  debug_allow_list: { type: 'list', of: { type: 'string', format: 'ipOrCidr', doc: 'Address or range.' }, default: [], origin: 'sekisho', doc: 'Clients that may ask for debug headers. Empty = loopback only.' },
  via: { type: 'string', default: 'DGate Proxy', format: 'headerValue', origin: 'sekisho', doc: 'The `Via` header of proxied answers (the default is what DGate sends); empty = none.' },
  watch_files: { type: 'bool', default: false, origin: 'sekisho', doc: 'Read the files named in `init_resources` again when they change.' },
  limits: { type: 'section', keys: LIMITS, origin: 'sekisho', doc: 'Bounds of what clients may ask of the gateway.' },
  client_transport: { type: 'section', keys: CLIENT_TRANSPORT, doc: 'How upstreams are reached.' },
  init_resources: { type: 'section', optional: true, keys: INIT_RESOURCES, doc: 'Entities that are put at every start, with or without `debug`.' },
} as const satisfies SettingKeys;
