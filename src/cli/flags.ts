import { parseArgs } from 'node:util';
import { nearest } from '../lib/nearest.ts';
import { type Failure, usageFailure } from './failure.ts';

export const OUTPUT_FORMATS = ['json', 'table', 'yaml'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** One flag: the source of parsing, help, completion and the reference page. `value` names what it takes; without it the flag is a switch. */
export interface FlagSpec {
  readonly name: string;
  /** Other long names, those of the systems that users come from. */
  readonly aliases?: readonly string[];
  /** One letter. Flags of different commands may share it when all of them take a value, or none. */
  readonly short?: string;
  readonly value?: string;
  readonly allowed?: readonly string[];
  /** Environment variables that stand for it, the first set and non-empty one counts. */
  readonly env?: readonly string[];
  readonly help: string;
  /** May be given several times: its texts are joined by commas. */
  readonly isList?: true;
  /** The commands that know it; absent: all do. */
  readonly only?: readonly string[];
}

export const DATABASE_TYPES = ['sqlite3', 'postgresql', 'mysql'] as const;
const CHANGES = ['namespace', 'domain', 'service', 'route', 'module', 'collection', 'secret'].flatMap((kind) => [
  `${kind} create`,
  `${kind} delete`,
]);
const READERS = ['openapi', 'markdown', 'dot', 'types', 'template'] as const;

export const FLAGS = [
  {
    name: 'admin',
    value: 'URL',
    env: ['SEKISHO_ADMIN_API', 'DGATE_ADMIN_API'],
    help: 'address of the admin API (default http://127.0.0.1:9080)',
  },
  {
    name: 'auth',
    short: 'a',
    value: 'USER[:PASSWORD]',
    env: ['SEKISHO_ADMIN_AUTH', 'DGATE_ADMIN_AUTH'],
    help: 'basic authentication; asks for the password when it is left out',
  },
  { name: 'api-key', value: 'KEY', env: ['SEKISHO_ADMIN_KEY'], help: 'key authentication' },
  {
    name: 'api-key-header',
    value: 'NAME',
    env: ['SEKISHO_ADMIN_KEY_HEADER'],
    help: 'header that the key is sent in, as admin.key_auth.header_name says (default X-DGate-Key)',
  },
  { name: 'token', value: 'JWT', env: ['SEKISHO_ADMIN_TOKEN'], help: 'bearer token authentication' },
  { name: 'namespace', short: 'n', value: 'NAME', help: 'namespace, where no namespace= is given' },
  { name: 'output', short: 'o', value: 'FORMAT', allowed: OUTPUT_FORMATS, help: 'json, table or yaml' },
  { name: 'follow', short: 'f', env: ['SEKISHO_FOLLOW_REDIRECTS', 'DGATE_FOLLOW_REDIRECTS'], help: 'follow redirects of the server' },
  { name: 'verbose', short: 'V', help: 'print one line per HTTP call' },
  {
    name: 'config',
    aliases: ['config-file'],
    short: 'c',
    value: 'FILE',
    help: 'configuration file',
    only: ['start', 'validate', ...READERS, 'migrate', 'init-db', 'convert', 'resync', 'test'],
  },
  { name: 'in', value: 'CONNECTION', help: 'the database to copy from (default: that of the configuration)', only: ['convert'] },
  { name: 'in-type', value: 'TYPE', allowed: DATABASE_TYPES, help: 'its kind, when the connection does not tell', only: ['convert'] },
  { name: 'out', value: 'CONNECTION', help: 'the database to copy to (default: that of the configuration)', only: ['convert'] },
  { name: 'out-type', value: 'TYPE', allowed: DATABASE_TYPES, help: 'its kind, when the connection does not tell', only: ['convert'] },
  {
    name: 'allow-destructive',
    help: 'plan to drop what no schema has any more (columns, tables that Sekisho made) and to narrow columns',
    only: ['migrate'],
  },
  { name: 'policy', value: 'ROLE', help: 'only what policies let that role do and see (default: everything)', only: READERS },
  { name: 'scope', value: 'SCOPE', isList: true, help: "the role's scope: tenant, domain, admin (default: all of them)", only: READERS },
  { name: 'template', short: 't', value: 'FILE', help: 'the template', only: ['template'] },
  { name: 'title', value: 'TEXT', help: 'title of the document (default Sekisho)', only: ['openapi', 'markdown', 'template'] },
  { name: 'api-version', value: 'TEXT', help: 'version of the API in the document (default 0.1)', only: ['openapi', 'template'] },
  { name: 'description', value: 'TEXT', help: 'description in the document', only: ['openapi', 'template'] },
  { name: 'split-by-resource', help: 'one output per schema, which the template has as `schema`', only: ['template'] },
  { name: 'split-by-resource-group', help: 'one output per metadata.resource_group', only: READERS },
  {
    name: 'output-path',
    value: 'PATH',
    help: 'write to this file; __resource__ in it stands for each name when the output is split (then default __resource__.json)',
    only: READERS,
  },
  { name: 'document', short: 'd', value: 'FILE', isList: true, help: 'a schema file, as a word without the flag is', only: ['validate'] },
  {
    name: 'schema',
    short: 's',
    value: 'FILE',
    help: "a schema file (init-db); Gohan's file of the schema of schemas, which is not read, because what it checks is built in (validate)",
    only: ['validate', 'init-db'],
  },
  {
    name: 'database',
    short: 'd',
    value: 'CONNECTION',
    help: 'the database to make the tables in (default: that of the configuration)',
    only: ['init-db'],
  },
  {
    name: 'database-type',
    short: 't',
    value: 'TYPE',
    allowed: DATABASE_TYPES,
    help: 'its kind, when the connection does not tell',
    only: ['init-db'],
  },
  { name: 'meta', short: 'm', value: 'FILE', help: 'a schema file that is loaded first', only: ['init-db'] },
  { name: 'multiple-schemas', value: 'FILE;FILE', help: 'further schema files', only: ['init-db'] },
  { name: 'cascade', help: 'every foreign key deletes its row with the one that it refers to', only: ['init-db'] },
  { name: 'drop-on-create', help: 'drop the tables of these schemas first, with their rows', only: ['init-db'] },
  { name: 'passed', short: 'v', help: 'tell of tests that pass too, and what they log; --verbose does as well', only: ['test'] },
  { name: 'run-test', short: 'r', value: 'PATTERN', help: 'only tests whose name this regular expression fits', only: ['test'] },
  {
    name: 'parallel',
    short: 'p',
    value: 'COUNT',
    help: 'test files that run at a time (default: the number of processors)',
    only: ['test'],
  },
  { name: 'type', short: 't', value: 'TYPE', allowed: ['js', 'ts'], help: "only Gohan's test_*.js, or only *.test.ts", only: ['test'] },
  { name: 'all', help: 'every document of the collection', only: ['document delete'] },
  { name: 'wait', help: 'answer when every node of the fleet serves the change', only: CHANGES },
  { name: 'learner', help: 'the new member gets the data without a vote, until it is promoted', only: ['cluster'] },
  { name: 'etcd', help: 'snapshot: the whole database of an etcd member instead, for etcdutl', only: ['cluster'] },
  { name: 'dry-run', help: 'restore, resync: check, and tell what would change', only: ['cluster', 'resync'] },
  {
    name: 'former',
    value: 'TEMPLATE',
    isList: true,
    help: 'remove keys that were written under this template before too, such as /config/v1.0/dev/{{id}}',
    only: ['resync'],
  },
  { name: 'from', value: 'FILE', help: 'the configuration of the store that is read; its gateway has to be stopped', only: ['store'] },
  { name: 'to', value: 'FILE', help: 'the configuration of the store that is filled', only: ['store'] },
  { name: 'force', help: 'replace what the target holds', only: ['store'] },
  { name: 'version', short: 'v', help: 'print the version' },
  { name: 'help', short: 'h', help: 'print help, of a command when one is given' },
] as const satisfies readonly FlagSpec[];

export type FlagName = (typeof FLAGS)[number]['name'];

/** The flags that were given, by name (environment included): the text of those that take one, `true` for switches. */
export type Flags = Readonly<Partial<Record<FlagName, string | true>>>;

export interface CommandLine {
  /** Everything that is no flag, in order. */
  readonly words: readonly string[];
  readonly flags: Flags;
  /** Names of the flags that stand on the command line itself, not those from the environment. */
  readonly given: ReadonlySet<FlagName>;
}

const SPECS: readonly FlagSpec[] = FLAGS;
const OPTIONS = Object.fromEntries(
  FLAGS.flatMap((flag: FlagSpec) => {
    const type = flag.value ? ('string' as const) : ('boolean' as const);
    return [[flag.name, { type, ...(flag.short && { short: flag.short }) }], ...(flag.aliases ?? []).map((name) => [name, { type }])];
  }),
);

/**
 * Separates flags (anywhere, short switches bundled as in `-Vf`, `--` ends them) from words. A short name that several flags have is that of the one that
 * the command knows, whose name `commandOf` gives for the first word. Throws a usage `Failure`.
 */
export function parseFlags(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  commandOf: (word: string) => string = (word) => word,
): CommandLine {
  const { tokens, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: false, tokens: true });
  const flags = fromEnvironment(env);
  const given = new Set<FlagName>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const spec = findFlag(token, commandOf(positionals[0] ?? ''));
    if (!spec) throw unknownFlag(token.rawName, argv);
    const name = spec.name as FlagName;
    const value = toFlagValue(spec, token.rawName, token.value, token.inlineValue === true);
    // `--verbose=false` takes back what the environment or an earlier flag said.
    if (value === undefined) delete flags[name];
    else flags[name] = spec.isList && given.has(name) ? `${flags[name]},${value}` : value;
    given.add(name);
  }
  return { words: positionals, flags, given };
}

function findFlag({ name, rawName }: { readonly name: string; readonly rawName: string }, command: string): FlagSpec | undefined {
  const sharing = rawName.startsWith('--') ? [] : SPECS.filter((flag) => flag.short === rawName.slice(1));
  const own = sharing.find((flag) => flag.only?.includes(command)) ?? sharing.find((flag) => flag.only === undefined);
  return own ?? SPECS.find((flag) => flag.name === name || flag.aliases?.includes(name));
}

function toFlagValue(spec: FlagSpec, rawName: string, value: string | undefined, isInline: boolean): string | true | undefined {
  if (!spec.value) return value === undefined ? true : toSwitch(rawName, value);
  if (value === undefined) throw usageFailure(`${rawName} needs a value: ${rawName} ${spec.value}`);
  if (!isInline && /^-./.test(value)) {
    throw usageFailure(
      `${rawName} needs a value, found the flag ${value}; a value that begins with a dash is written --${spec.name}=${value}`,
    );
  }
  if (spec.allowed && !spec.allowed.includes(value)) {
    throw usageFailure(`${rawName}: found '${value}', allowed are ${spec.allowed.join(', ')}`);
  }
  return value;
}

function toSwitch(name: string, value: string): true | undefined {
  if (/^(1|t|true|y|yes)$/i.test(value)) return true;
  if (/^(|0|f|false|n|no)$/i.test(value)) return undefined;
  throw usageFailure(`${name}: found '${value}', allowed are true and false`);
}

function unknownFlag(rawName: string, argv: readonly string[]): Failure {
  const names = SPECS.map((flag) => `--${flag.name}`);
  const meant = rawName.startsWith('--') ? nearest(rawName, names) : undefined;
  // A name that itself begins with a dash is a word only after `--`.
  const hint = meant ? `; did you mean ${meant}?` : '';
  const bundle = argv.find((word) => /^-[^-]./.test(word) && word.includes(rawName.slice(1)) && !word.startsWith(rawName));
  return usageFailure(`unknown flag ${rawName}${bundle && !rawName.startsWith('--') ? ` in ${bundle}` : ''}${hint}`);
}

function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Partial<Record<FlagName, string | true>> {
  const flags: Partial<Record<FlagName, string | true>> = {};
  for (const spec of SPECS) {
    const variable = spec.env?.find((name) => env[name]);
    const value = variable && env[variable];
    if (!value) continue;
    const parsed = spec.value ? value : toSwitch(variable, value);
    if (parsed) flags[spec.name as FlagName] = parsed;
  }
  return flags;
}

/** The text of a flag that takes one. */
export function flagText(flags: Flags, name: FlagName): string | undefined {
  const value = flags[name];
  return value === true ? undefined : value;
}
