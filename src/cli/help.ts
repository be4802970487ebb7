import type { CommandSpec, VerbSpec } from './command.ts';
import { COMMANDS, VERBS } from './command-table.ts';
import { keyFields, listFields } from './entity-key.ts';
import { FLAGS, type FlagSpec } from './flags.ts';
import { type CliField, type CliKind, KINDS } from './kinds.ts';

/** `sekisho help`: every command, kind and flag on one screen. */
export function generalHelp(): string {
  const verbs = VERBS.map(({ name, alias }) => (alias === name ? name : `${name}|${alias}`)).join(', ');
  return [
    'sekisho: the API gateway that you program in TypeScript',
    '',
    'usage: sekisho COMMAND [KEY=VALUE…] [FLAG…]',
    '',
    'commands',
    ...columns(COMMANDS.map((command) => [command.usage, command.summary])),
    '',
    `entities, each with ${verbs}`,
    ...columns(KINDS.map((kind) => [[kind.word, ...kind.aliases].join('|'), kind.doc])),
    '',
    'flags, before or after the words',
    ...columns(flagRows(FLAGS.filter((flag: FlagSpec) => !flag.only))),
    '',
    'exit codes: 0 done, 1 the server said no or is not there, 2 the command line or a file is wrong',
    "'sekisho service' and 'sekisho service create --help' tell more.",
    '',
  ].join('\n');
}

/** Help of a command that is about no kind of entity. */
export function commandHelp(command: CommandSpec): string {
  const flags = FLAGS.filter((flag: FlagSpec) => flag.only?.includes(command.name));
  return [
    `usage: sekisho ${command.usage}`,
    '',
    sentence(command.summary),
    ...(command.details ? [command.details] : []),
    ...(command.aliases ? [`Also written ${command.aliases.join(', ')}.`] : []),
    ...section(
      'keys',
      (command.keys ?? []).map((key) => [key.name, `${key.help}${key.required ? ' (required)' : ''}`]),
    ),
    ...section('flags', flagRows(flags)),
    ...section('environment', command.variables ?? []),
    '',
    `example: ${command.example}`,
    '',
  ].join('\n');
}

/** `sekisho <kind>`: its verbs and fields. */
export function kindHelp(kind: CliKind): string {
  return [
    `${[kind.word, ...kind.aliases].join('|')}: ${kind.doc}`,
    '',
    'commands',
    ...columns(VERBS.map((verb) => [verbUsage(kind, verb), verb.summary(kind)])),
    ...section('required keys', fieldRows(kind.fields.filter((field) => field.isRequired))),
    ...section('optional keys', fieldRows(kind.fields.filter((field) => !field.isRequired))),
    '',
    `example: sekisho ${kind.word} create ${createExample(kind)}`,
    '',
  ].join('\n');
}

/** `sekisho <kind> <verb> --help`: the keys that it takes, with types, and an example. */
export function verbHelp(kind: CliKind, verb: VerbSpec): string {
  const fields = verbFields(kind, verb);
  const flags = FLAGS.filter((flag: FlagSpec) => flag.only?.includes(`${kind.word} ${verb.name}`));
  return [
    `usage: sekisho ${verbUsage(kind, verb)}`,
    '',
    sentence(verb.summary(kind)),
    ...section('required keys', fieldRows(fields.filter((field) => field.isRequired))),
    ...section('optional keys', fieldRows(fields.filter((field) => !field.isRequired))),
    ...section('flags', flagRows(flags)),
    '',
    'values: key=text (lists a,b,c; times 50ms, 1m30s), key:=json, key@=file (its content, base64)',
    `example: sekisho ${kind.word} ${verb.name} ${verbExample(kind, verb)}`.trimEnd(),
    '',
  ].join('\n');
}

/** The keys that a verb of a kind takes. */
export function verbFields(kind: CliKind, verb: VerbSpec): readonly CliField[] {
  if (verb.name === 'create') return kind.fields;
  return verb.name === 'list' ? listFields(kind) : keyFields(kind);
}

/** How a verb of a kind is written. */
export function verbUsage(kind: CliKind, verb: VerbSpec): string {
  const written = verbFields(kind, verb)
    .filter((field) => field.isRequired)
    .map((field) => `${field.name}=…`);
  const names = [kind.word, verb.name === verb.alias ? verb.name : `${verb.name}|${verb.alias}`];
  return [...names, ...written].join(' ');
}

/** Words of an example of a verb. */
export function verbExample(kind: CliKind, verb: VerbSpec): string {
  if (verb.name === 'create') return createExample(kind);
  return verbFields(kind, verb)
    .filter((field) => field.isRequired)
    .map((field) => quote(field.example))
    .join(' ');
}

/** A field's type as people write it. */
export function typeName(field: CliField): string {
  const names: Readonly<Record<CliField['type'], string>> = {
    string: 'text',
    strings: 'list',
    boolean: 'true|false',
    integer: 'number',
    duration: 'time',
    json: 'json',
    pem: 'PEM',
    schema: 'JSON Schema',
  };
  return field.values?.join('|') ?? names[field.type];
}

function createExample(kind: CliKind): string {
  return kind.fields
    .filter((field) => field.isRequired)
    .map((field) => quote(field.example))
    .join(' ');
}

function fieldRows(fields: readonly CliField[]): readonly (readonly string[])[] {
  return fields.map((field) => {
    const fallback =
      field.default === undefined || field.isRequired ? '' : ` Default ${Array.isArray(field.default) ? 'none' : String(field.default)}.`;
    return [field.name, typeName(field), `${field.doc}${fallback}`];
  });
}

function flagRows(flags: readonly FlagSpec[]): readonly (readonly string[])[] {
  return flags.map((flag) => {
    const names = [flag.short ? `-${flag.short}, ` : '    ', `--${flag.name}`, flag.value ? ` ${flag.value}` : ''].join('');
    return [names, `${flag.help}${flag.env ? ` [${flag.env.join(', ')}]` : ''}`];
  });
}

function section(title: string, rows: readonly (readonly string[])[]): readonly string[] {
  return rows.length === 0 ? [] : ['', title, ...columns(rows)];
}

function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(column === row.length - 1 ? 0 : (widths[column] ?? 0))).join('  ')}`);
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return start.endsWith('.') ? start : `${start}.`;
}

/** Quotes a word for a shell, when it needs that. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]*$/.test(word) ? word : `'${word}'`;
}
