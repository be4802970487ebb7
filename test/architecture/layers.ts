/** What a folder of `src/` may import at run time. Rows are DESIGN's: imports go strictly downward but for those named here. */
export interface Layer {
  readonly row: number;
  readonly folders: readonly string[];
  readonly packages: readonly string[];
}

const BELOW_SERVER = [
  'lib',
  'entity',
  'config',
  'template',
  'schema',
  'http',
  'runtime',
  'policy',
  'identity',
  'sql',
  'etcd',
  'store',
  'fleet',
  'proxy',
  'extension',
  'resource',
  'sync',
  'admin',
];

/** The layer table of ARCHITECTURE.md. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  lib: { row: 0, folders: [], packages: [] },
  entity: { row: 1, folders: ['lib'], packages: ['ajv'] },
  config: { row: 1, folders: ['lib'], packages: ['yaml'] },
  template: { row: 1, folders: ['lib'], packages: [] },
  schema: { row: 1, folders: ['lib'], packages: ['ajv', 'yaml'] },
  http: { row: 2, folders: ['lib'], packages: [] },
  runtime: { row: 2, folders: ['lib', 'entity'], packages: ['esbuild'] },
  policy: { row: 2, folders: ['lib', 'schema'], packages: [] },
  identity: { row: 2, folders: ['lib'], packages: ['jose'] },
  sql: { row: 2, folders: ['lib', 'schema'], packages: ['pg', 'mysql2', '@vlasky/zongji'] },
  etcd: { row: 2, folders: ['lib'], packages: [] },
  store: { row: 3, folders: ['lib', 'entity', 'etcd'], packages: ['ajv'] },
  proxy: { row: 3, folders: ['lib', 'entity', 'http', 'runtime'], packages: [] },
  fleet: { row: 3, folders: ['lib', 'etcd'], packages: [] },
  extension: { row: 3, folders: ['lib', 'schema', 'runtime'], packages: ['esbuild', 'underscore'] },
  resource: { row: 3, folders: ['lib', 'schema', 'http', 'policy', 'identity', 'sql'], packages: [] },
  sync: { row: 3, folders: ['lib', 'schema', 'sql', 'etcd'], packages: ['croner'] },
  admin: { row: 3, folders: ['lib', 'entity', 'http', 'store'], packages: ['ajv', 'jose'] },
  server: { row: 4, folders: BELOW_SERVER, packages: ['pino'] },
  cli: { row: 5, folders: ['lib', 'entity', 'config', 'template', 'schema', 'policy', 'sql'], packages: ['yaml'] },
};

/** Exceptions to the table, each for one file: `from` may import from the folder `to`. */
export const FILE_EXCEPTIONS: readonly { readonly from: string; readonly to: string; readonly reason: string }[] = [
  { from: 'src/cli/commands/start.ts', to: 'server', reason: 'the one command that runs the gateway instead of talking to it' },
  { from: 'src/cli/commands/store.ts', to: 'server', reason: 'opens the stores that two configurations name' },
  { from: 'src/cli/commands/test.ts', to: 'server', reason: 'runs tests of extensions in what the gateway is made of' },
];

/** Folders that may not meet, not even by a type. */
export const NEVER: readonly (readonly [from: string, to: string])[] = [
  ['proxy', 'admin'],
  ['proxy', 'resource'],
  ['http', 'server'],
  ['lib', 'entity'],
];

/** Node's modules that only some folders may import at run time; all others are free. The proxy's sockets belong to `http` alone. */
export const NODE_MODULES: Readonly<Record<string, readonly string[]>> = {
  // server: the echo server that stands in for a service; cli: the client of the admin API; extension: the calls of scripts.
  'node:http': ['http', 'server', 'cli', 'etcd', 'extension'],
  'node:https': ['http', 'cli', 'etcd', 'extension'],
  'node:http2': ['http', 'server'],
  'node:net': ['http', 'server'],
  'node:tls': ['http'],
  'node:dgram': [],
  'node:sqlite': ['store', 'sql'],
  // runtime, extension: user code; store: the thread that waits for the disk
  'node:worker_threads': ['runtime', 'extension', 'store'],
  // extension: gohan_exec, behind a setting; server: workers, and the process that takes over; server: the runner of tests
  'node:child_process': ['config', 'extension', 'server'],
  'node:cluster': [],
  'node:fs': ['lib', 'config', 'schema', 'runtime', 'extension', 'store', 'server', 'cli', 'sql'],
  'node:fs/promises': ['lib', 'config', 'runtime', 'extension', 'store', 'server', 'cli', 'sql'],
};

/** Names of those modules that open nothing: every folder may use them. */
export const PURE_NAMES: Readonly<Record<string, readonly string[]>> = {
  'node:net': ['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress'],
  'node:tls': ['createSecureContext', 'SecureContext'],
};
