import type { SettingKeys } from './setting.ts';

const TIMELIMIT = {
  type: 'section',
  doc: 'Of the events that it fits.',
  keys: {
    path: { type: 'string', default: '.*', format: 'regexp', doc: 'Regular expression, searched in the URL of the schema.' },
    event: { type: 'string', default: '.*', format: 'regexp', doc: 'Regular expression, searched in the name of the event.' },
    timelimit: { type: 'int', required: true, min: 1, max: 86_400, doc: 'Seconds.' },
  },
} as const;

const LANGUAGE = {
  type: 'enum',
  values: ['javascript', 'typescript'],
  default: 'javascript',
  aliases: { gohanscript: 'javascript' },
  unavailable: { goext: 'Go plugins are not run here; port them to TypeScript' },
  doc: 'Language of extensions that name none and whose file does not tell: `javascript` (of Gohan, unless it has the syntax of modules) or `typescript`.',
} as const;

/** Keys of the section `extension`: what runs at the events of resources. */
const EXTENSION = {
  default: LANGUAGE,
  use: { type: 'ignored', doc: 'every extension is run by what its language asks for' },
  timelimit: {
    type: 'int',
    default: 30,
    min: 1,
    max: 86_400,
    doc: 'Seconds that the handlers of one event may take, nested events included.',
  },
  timelimits: { type: 'list', of: TIMELIMIT, default: [], doc: 'Other limits for some events; the first that fits counts.' },
  npm_path: { type: 'path', use: 'folder', default: '.', doc: 'Folder whose `node_modules` extensions may `require` and import.' },
  file_root: {
    type: 'path',
    use: 'folder',
    origin: 'sekisho',
    doc: 'Folder that `gohan_file_*` and `fs` read from, and nothing outside of it. Absent = no files.',
  },
  file_write: { type: 'bool', default: false, origin: 'sekisho', doc: 'They may write there too.' },
  max_file_bytes: { type: 'bytes', default: 10_485_760, min: 1, origin: 'sekisho', doc: 'Largest of those files.' },
  allow_exec: {
    type: 'bool',
    default: false,
    origin: 'sekisho',
    doc: '`gohan_exec` runs programs of this machine, with the rights of the gateway.',
  },
  exec_timeout: { type: 'duration', default: '30s', min: '1ms', origin: 'sekisho', doc: 'How long such a program may run.' },
  env: {
    type: 'list',
    of: { type: 'string', format: 'nonEmpty', doc: 'Name of a variable.' },
    origin: 'sekisho',
    doc: 'Variables of the environment that extensions see. Absent = all but those whose names look like secrets.',
  },
  http_timeout: {
    type: 'duration',
    default: '30s',
    min: '1ms',
    origin: 'sekisho',
    doc: 'Limit of a request that an extension makes, unless it sets its own.',
  },
  max_http_body_bytes: { type: 'bytes', default: 10_485_760, min: 1, origin: 'sekisho', doc: 'Largest answer that it reads.' },
  threads: {
    type: 'int',
    default: 4,
    min: 1,
    max: 1024,
    origin: 'sekisho',
    doc: "Threads for requests whose schema has scripts of Gohan's kind: each serves one at a time.",
  },
  shared_threads: {
    type: 'int',
    default: 2,
    min: 1,
    max: 1024,
    origin: 'sekisho',
    doc: 'Threads for requests whose schema has only modules: each serves many.',
  },
  max_queue: {
    type: 'int',
    default: 1000,
    min: 1,
    origin: 'sekisho',
    doc: 'Requests that may wait for a thread; further ones are answered 503.',
  },
  heap_limit_bytes: {
    type: 'bytes',
    default: 134_217_728,
    min: 8_388_608,
    origin: 'sekisho',
    doc: 'JavaScript heap of one thread. Beyond half of it environments that were used longest ago are unloaded until their next event.',
  },
  rss_limit_bytes: {
    type: 'bytes',
    default: 268_435_456,
    min: 8_388_608,
    origin: 'sekisho',
    doc: 'Memory outside the heap that a thread may take.',
  },
  sync_timeout: {
    type: 'duration',
    default: '2s',
    min: '1ms',
    origin: 'sekisho',
    doc: 'How long a module may run without giving its thread back, which others share.',
  },
  max_global_bytes: {
    type: 'bytes',
    default: 16_777_216,
    min: 1,
    origin: 'sekisho',
    doc: 'All objects of `gohan_global` and `gohan_process_global` together.',
  },
  max_cache_bytes: {
    type: 'bytes',
    default: 16_777_216,
    min: 1,
    origin: 'sekisho',
    doc: 'The cache of extensions; the least recently used goes first.',
  },
  quarantine_kills: {
    type: 'int',
    default: 5,
    min: 1,
    origin: 'sekisho',
    doc: 'Kills within `quarantine_window` after which the extensions of a schema are no longer run.',
  },
  quarantine_window: { type: 'duration', default: '60s', min: '1ms', origin: 'sekisho', doc: 'See `quarantine_kills`.' },
} as const satisfies SettingKeys;

/** Keys of extensions, at the top. */
export const EXTENSIONS = {
  extension: {
    type: 'section',
    keys: EXTENSION,
    origin: 'gohan',
    doc: 'Extensions of schemas: code that runs at the events of resources.',
  },
} as const satisfies SettingKeys;
