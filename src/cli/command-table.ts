import { variableRows } from './client/client-env.ts';
import { CLUSTER_WORDS } from './cluster-words.ts';
import type { CommandSpec, VerbSpec } from './command.ts';
import { MIGRATE_WORDS } from './migrate-words.ts';
import { WEBHOOK_WORDS } from './webhook-words.ts';

/** What can be done with every kind of entity. */
export const VERBS: readonly VerbSpec[] = [
  {
    name: 'create',
    alias: 'mk',
    summary: (kind) => `create or replace a ${kind.word}`,
    load: async () => (await import('./commands/create.ts')).create,
  },
  {
    name: 'delete',
    alias: 'rm',
    summary: (kind) => `delete a ${kind.word}`,
    load: async () => (await import('./commands/delete.ts')).remove,
  },
  { name: 'list', alias: 'ls', summary: (kind) => `list the ${kind.plural}`, load: async () => (await import('./commands/list.ts')).list },
  { name: 'get', alias: 'get', summary: (kind) => `show a ${kind.word}`, load: async () => (await import('./commands/get.ts')).get },
];

const READS_SCHEMAS =
  'FILE… are schema files; without them the schemas of the configuration are read (-c FILE, else the file that start would take). With --policy only what that role may do and see is in it.';

/** The commands that are about no kind of entity. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'start',
    aliases: ['server', 'srv'],
    usage: 'start [-c FILE]',
    summary: 'run the gateway in the foreground',
    details:
      'Runs until SIGTERM or SIGINT, then finishes the requests in flight. Without -c the configuration is the file of SEKISHO_CONFIG or DG_CONFIG_PATH, the base64 text in SEKISHO_CONFIG_DATA or DG_CONFIG_DATA, or sekisho.yaml, sekisho.json or config.dgate.yaml in the working folder.',
    example: 'sekisho start -c sekisho.yaml',
    load: async () => (await import('./commands/start.ts')).start,
  },
  {
    name: 'validate',
    aliases: ['v'],
    usage: 'validate config [-c FILE] | FILE… | -d FILE',
    summary: 'check a configuration file, or schema files, without starting anything',
    details:
      '`config` checks the settings, the entities of init_resources and the schema files that are named; modules are compiled only at start. FILE… are schema files, checked with those that they include and with their policies. Every problem is printed with file, line, column and key. Exit code 2 when the configuration has a problem, 1 when schema files have.',
    words: ['config'],
    example: 'sekisho validate examples/petstore/schemas/petstore.yaml',
    load: async () => (await import('./commands/validate.ts')).validate,
  },
  {
    name: 'openapi',
    aliases: ['openapi3'],
    usage: 'openapi [FILE…]',
    summary: 'print the OpenAPI 3.1 document of the REST API of schemas',
    details: `${READS_SCHEMAS} A running gateway answers the same at /openapi.json.`,
    example: 'sekisho openapi --policy Member --scope tenant --title Petstore examples/petstore/schemas/petstore.yaml',
    load: async () => (await import('./commands/generate.ts')).openapi,
  },
  {
    name: 'markdown',
    usage: 'markdown [FILE…]',
    summary: 'print a reference page of schemas',
    details: READS_SCHEMAS,
    example: 'sekisho markdown examples/petstore/schemas/petstore.yaml > api.md',
    load: async () => (await import('./commands/generate.ts')).markdown,
  },
  {
    name: 'dot',
    usage: 'dot [FILE…]',
    summary: 'print the graph of schemas and their relations, for Graphviz',
    details: READS_SCHEMAS,
    example: 'sekisho dot -c sekisho.yaml | dot -Tsvg > schemas.svg',
    load: async () => (await import('./commands/generate.ts')).dot,
  },
  {
    name: 'types',
    usage: 'types [FILE…]',
    summary: 'print TypeScript types of the resources of schemas',
    details: READS_SCHEMAS,
    example: 'sekisho types examples/petstore/schemas/petstore.yaml > petstore.d.ts',
    load: async () => (await import('./commands/generate.ts')).types,
  },
  {
    name: 'test',
    aliases: ['test_extensions', 'test_ex'],
    usage: 'test [PATH…]',
    summary: 'run tests of extensions',
    details:
      "PATH… are files and folders, by default the working folder. Files named test_*.js are tests of Gohan's kind: each of their functions test… runs in scripts that are loaded anew, on an empty database in memory. Files named *.test.ts are tests on node:test, which may import sekisho/testing. -c names a configuration for the limits and packages of extensions. Exit code 1 when a test fails.",
    example: 'sekisho test --run-test Vlan examples/gohan-extensions',
    load: async () => (await import('./commands/test.ts')).test,
  },
  {
    name: 'migrate',
    aliases: ['mig'],
    usage: 'migrate WORD [NAME|VERSION] [-c FILE]',
    summary: 'write and carry out SQL migrations of the database of schemas',
    details:
      '`plan` prints the SQL between the tables and the schemas (with NAME it is written as a migration), `init` writes the migration that makes all tables, `create NAME` an empty one. `up [VERSION]`, `up-by-one`, `down [VERSION]` and `redo` carry them out, one node at a time; killed anywhere, the same command goes on. `status` and `version` tell how far they are. The files are in the folder `database.migrations` of the configuration, in the format of goose.',
    words: MIGRATE_WORDS,
    example: 'sekisho migrate plan add_colours -c sekisho.yaml',
    load: async () => (await import('./commands/migrate.ts')).migrate,
  },
  {
    name: 'init-db',
    aliases: ['idb'],
    usage: 'init-db [-c FILE] [-t TYPE] [-d CONNECTION] [-s FILE]',
    summary: 'make the tables of schemas, as start does',
    details:
      'Adds what is missing, and drops nothing unless --drop-on-create says so. Database and schemas are those of the configuration where the flags, which are those of Gohan, name none; files that they name begin in the working folder.',
    example: 'sekisho init-db -c sekisho.yaml',
    load: async () => (await import('./commands/init-db.ts')).initDb,
  },
  {
    name: 'convert',
    usage: 'convert --in CONNECTION --out CONNECTION [FILE…]',
    summary: 'copy the rows of all schemas from one database to another',
    details:
      'FILE… are schema files; without them those of the configuration are read, and its database stands for --in or --out, whichever is left out. A connection is a file of SQLite, a URL, or the form of Gohan. Tables of the target are made; rows that it has already stay as they are, so an interrupted copy goes on when it is started again.',
    example: 'sekisho convert -c sekisho.yaml --out postgres://gohan:secret@127.0.0.1/gohan',
    load: async () => (await import('./commands/convert.ts')).convert,
  },
  {
    name: 'client',
    usage: 'client [SCHEMA [COMMAND] [--PROPERTY VALUE…] [ID]]',
    summary: 'list, show, create, change and delete resources of schemas, and call their actions',
    details:
      'The commands of a SCHEMA are list, show, create, set, delete and its actions; without COMMAND its properties are shown, without SCHEMA the schemas. ID may be the name of a resource, and --PARENT and --RELATION take a name or an id. `<null>` is null; arrays and objects are written as JSON. Options of every command: --output-format table|json, --verbosity 0-3, --fields A,B. The server and the user are those of the environment.',
    hasOwnFlags: true,
    variables: variableRows(),
    example: "SEKISHO_TOKEN=demo_token sekisho client pet create --name Rex --store 'Happy Paws' --category dog --price 120",
    load: async () => (await import('./commands/client.ts')).client,
  },
  {
    name: 'template',
    usage: 'template --template FILE [FILE…]',
    summary: 'fill a template with schemas and print it',
    details: `The language is Django's with what pongo2 adds: {{ value|filter:argument }}, the tags if, for, set, with, include, import, macro, extends, block, filter, comment, autoescape and others, {%- and -%} to take white space away. Nothing is escaped unless autoescape says so. Its values are schemas (each as GET /gohan/v0.1/schemas answers it, and with Gohan's Schema, JSONSchema, JSONSchemaOnCreate, JSONSchemaOnUpdate and Policies), schemasMap (by id), schema (with --split-by-resource), title, version and description. ${READS_SCHEMAS}`,
    example: 'sekisho template --template list.txt examples/petstore/schemas/petstore.yaml',
    load: async () => (await import('./commands/template.ts')).template,
  },
  {
    name: 'status',
    usage: 'status',
    summary: 'show whether the gateway is ready and what it serves',
    details: 'Exit code 1 when it is not ready or not there.',
    example: 'sekisho status',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'reload',
    usage: 'reload',
    summary: 'make the gateway read its configuration again, without losing a request',
    details:
      'Workers are replaced one by one. A configuration that is wrong changes nothing; keys that count only from the next start on are named. SIGHUP does the same.',
    example: 'sekisho reload',
    load: async () => (await import('./commands/reload.ts')).reload,
  },
  {
    name: 'upgrade',
    usage: 'upgrade',
    summary: 'hand all listeners over to the program that is on the disk now, without losing a request',
    details:
      'Starts a new process with the arguments of the running one, and waits until it serves; the old one then finishes what it has and ends. When the new one does not come up, the old one serves on. SIGUSR2 does the same.',
    example: 'sekisho upgrade',
    load: async () => (await import('./commands/upgrade.ts')).upgrade,
  },
  {
    name: 'explain',
    usage: 'explain path=PATH [host=HOST] [method=METHOD]',
    summary: 'tell which domain, namespace and route a request would match, and why the others do not',
    keys: [
      { name: 'path', required: true, help: 'the path of the request' },
      { name: 'host', help: 'its Host' },
      { name: 'method', help: 'its method (default GET)' },
    ],
    example: 'sekisho explain host=shop.example.com method=GET path=/users/7',
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  {
    name: 'sync',
    usage: 'sync [status | cron | drift]',
    summary: 'show who delivers committed changes and what waits, the jobs, or what differs between database and etcd',
    words: ['status', 'cron', 'drift'],
    example: 'sekisho sync drift',
    load: async () => (await import('./commands/sync.ts')).sync,
  },
  {
    name: 'webhook',
    usage: 'webhook [list [NAME] | show NAME ID | retry NAME ID… | drop NAME ID…]',
    summary: 'show the receivers of webhooks and the changes that they did not take, send those again or delete them',
    details:
      '`list` counts what waits and the dead letters of every receiver; with NAME it lists its dead letters, and `show` one of them with its resource. `retry` sends them again, `drop` deletes them; instead of ids `all` stands for all of the receiver. Exit code 1 when some of the ids are no dead letters.',
    words: WEBHOOK_WORDS,
    keys: [
      { name: 'limit', help: 'list NAME: how many (default 100, at most 1000)' },
      { name: 'after', help: 'list NAME: only those with a greater id' },
    ],
    example: 'sekisho webhook retry billing all',
    load: async () => (await import('./commands/webhook.ts')).webhook,
  },
  {
    name: 'resync',
    usage: 'resync [SCHEMA…]',
    summary: 'make etcd hold what it should: deliver every resource again, and remove what no resource has',
    details:
      'SCHEMA are ids of schemas; without them all, and then keys of former schemas and templates are removed too. Only keys with a value that the gateway writes are removed; `kept` counts the others. The running gateway does it, while others write: that of --admin, or with -c the one that runs with that file. Exit code 1 when changes still wait at the end because nobody delivers.',
    example: 'sekisho resync network subnet',
    load: async () => (await import('./commands/resync.ts')).resync,
  },
  {
    name: 'cluster',
    usage: 'cluster [WORD] [MEMBER|URL|FILE]',
    summary: 'show the nodes of a fleet and the etcd that holds their state, tend it, save and restore the state',
    details:
      '`status` (exit code 1 when something is wrong), `nodes` and `members` show; `add URL`, `remove MEMBER`, `promote MEMBER`, `defragment [MEMBER]` and `disarm` change the members of etcd. `snapshot FILE` saves all entities and documents of any kind of store, secrets encrypted with storage.encryption_key; `restore FILE` makes the state of a running fleet what it was. `snapshot --etcd FILE` saves the database of etcd itself, for etcdutl snapshot restore.',
    words: CLUSTER_WORDS,
    example: 'sekisho cluster nodes',
    load: async () => (await import('./commands/cluster.ts')).cluster,
  },
  {
    name: 'store',
    usage: 'store migrate --from FILE --to FILE',
    summary: 'move everything that one store holds into another: entities, masks, documents, revision, hash and history',
    details:
      'FILE are configurations, of which only `storage` counts; `file` and `etcd` in any combination. The gateways of both are to be stopped, so that nothing is changed meanwhile. A target that holds something is refused, and so tells what it holds, unless --force replaces it. What a store in memory holds is moved with `sekisho cluster snapshot` and `sekisho cluster restore`.',
    words: ['migrate'],
    example: 'sekisho store migrate --from sekisho.yaml --to fleet.yaml',
    load: async () => (await import('./commands/store.ts')).store,
  },
  {
    name: 'history',
    usage: 'history [limit=N] [before=REVISION]',
    summary: 'list the latest changes: who, when and what',
    keys: [
      { name: 'limit', help: 'how many (default 20)' },
      { name: 'before', help: 'only those before this revision' },
    ],
    example: 'sekisho history limit=5 -o table',
    load: async () => (await import('./commands/history.ts')).history,
  },
  {
    name: 'changelog',
    usage: 'changelog',
    summary: 'show the count, hash and latest of all changes',
    example: 'sekisho changelog',
    load: async () => (await import('./commands/changelog.ts')).changelog,
  },
  {
    name: 'completion',
    usage: 'completion bash|zsh|fish',
    summary: 'print a script that completes commands, flags and keys in a shell',
    words: ['bash', 'zsh', 'fish'],
    example: 'sekisho completion bash > /etc/bash_completion.d/sekisho',
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  {
    name: 'version',
    usage: 'version',
    summary: 'print the version',
    example: 'sekisho version',
    load: async () => (await import('./commands/version.ts')).version,
  },
  {
    name: 'help',
    aliases: ['h'],
    usage: 'help [COMMAND]',
    summary: 'print help, of a command or a kind of entity when one is given',
    example: 'sekisho help service create',
    load: async () => (await import('./commands/help.ts')).help,
  },
];

/** The command of that name or alias. */
export function findCommand(word: string): CommandSpec | undefined {
  return COMMANDS.find((command) => command.name === word || command.aliases?.includes(word));
}

/** The verb of that name or alias. */
export function findVerb(word: string): VerbSpec | undefined {
  return VERBS.find((verb) => verb.name === word || verb.alias === word);
}
