import type { CommandSpec } from './command.ts';
import { COMMANDS, VERBS } from './command-table.ts';
import { FLAGS, type FlagSpec } from './flags.ts';
import { typeName, verbExample, verbFields, verbUsage } from './help.ts';
import { type CliField, type CliKind, KINDS } from './kinds.ts';

/** The reference page of the command line (docs/reference/cli.md), from the tables that drive it. */
export function cliReference(): string {
  return [...INTRODUCTION, ...flagSection(), '', '## Commands', ...COMMANDS.flatMap(commandSection), ...entitySection(), ''].join('\n');
}

const INTRODUCTION: readonly string[] = [
  '# Command line',
  '',
  '`sekisho COMMAND [KEY=VALUE…] [FLAG…]`. Flags stand before or after the words; short switches can be bundled (`-Vf`); `--` ends them.',
  '',
  '| exit code | means |',
  '|---|---|',
  '| 0 | done |',
  '| 1 | the server said no, or is not there |',
  '| 2 | the command line, a file or the configuration is wrong |',
  '',
  '## Values',
  '',
  '| written | is |',
  '|---|---|',
  '| `key=text` | text; lists as `a,b,c`, times with their unit (`50ms`, `1m30s`), `true` and `false`, numbers |',
  '| `key:=json` | JSON of any type; numbers of times are nanoseconds |',
  '| `key@=file` | the content of a file, base64; of PEM keys its text, of schemas its JSON |',
  '',
  'The first `=` of a word decides its form. Of the same key, `key=` wins over `key:=`, that over `key@=`, and of two of one form the later.',
  'An empty `key:=` or `key@=` is the empty text. A word without `=` is the name, where one is wanted, and an error elsewhere.',
  '',
];

function flagSection(): readonly string[] {
  const flags: readonly FlagSpec[] = FLAGS;
  const rows = flags.map((flag) => {
    const commands = flag.only ? ` (${flag.only.map(code).join(', ')})` : '';
    return row([flagNames(flag), (flag.env ?? []).map(code).join(', '), flag.help + commands]);
  });
  return ['## Flags', '', '| flag | environment | does |', '|---|---|---|', ...rows];
}

function commandSection(command: CommandSpec): readonly string[] {
  const keys = (command.keys ?? []).map((key) => row([code(key.name), key.help + (key.required ? ' (required)' : '')]));
  return [
    '',
    `### ${command.name}`,
    '',
    `${code(`sekisho ${command.usage}`)}: ${command.summary}.${command.details ? ` ${command.details}` : ''}${command.aliases ? ` Also written ${command.aliases.map(code).join(', ')}.` : ''}`,
    ...(command.variables
      ? [
          '',
          '| environment | is |',
          '|---|---|',
          ...command.variables.map(([names, help]) => row([names.split(', ').map(code).join(', '), help])),
        ]
      : []),
    ...(keys.length > 0 ? ['', '| key | is |', '|---|---|', ...keys] : []),
    '',
    ...example(command.example),
  ];
}

function entitySection(): readonly string[] {
  const aliases = VERBS.filter((verb) => verb.alias !== verb.name).map((verb) => `${code(verb.alias)} is ${code(verb.name)}`);
  return [
    '',
    '## Entities',
    '',
    `Every kind has ${VERBS.map((verb) => code(verb.name)).join(', ')}; ${aliases.join(', ')}.`,
    '`create` prints what was sent, `get` and `list` print what the server has, `delete` prints nothing.',
    ...KINDS.flatMap(kindSection),
  ];
}

function kindSection(kind: CliKind): readonly string[] {
  return [
    '',
    `### ${kind.word}`,
    '',
    `${kind.doc} Also written ${[...kind.aliases, kind.plural].map(code).join(', ')}.`,
    '',
    '| key | type | required | is |',
    '|---|---|---|---|',
    ...kind.fields.map((field) => row([code(field.name), typeName(field), field.isRequired ? 'yes' : '', fieldDoc(field)])),
    '',
    '| command | other keys |',
    '|---|---|',
    ...VERBS.map((verb) =>
      row([
        code(verbUsage(kind, verb)),
        verb.name === 'create'
          ? 'all of the above'
          : verbFields(kind, verb)
              .filter((field) => !field.isRequired)
              .map((field) => code(field.name))
              .join(', '),
      ]),
    ),
    '',
    ...example(...VERBS.map((verb) => `sekisho ${kind.word} ${verb.name} ${verbExample(kind, verb)}`.trimEnd())),
  ];
}

function fieldDoc(field: CliField): string {
  const hasDefault = field.default !== undefined && !field.isRequired && !Array.isArray(field.default);
  return hasDefault ? `${field.doc} Default ${code(String(field.default))}.` : field.doc;
}

function flagNames(flag: FlagSpec): string {
  const value = flag.value ? ` ${flag.value}` : '';
  return [
    code(`--${flag.name}${value}`),
    ...(flag.aliases ?? []).map((name) => code(`--${name}`)),
    ...(flag.short ? [code(`-${flag.short}`)] : []),
  ].join(', ');
}

function example(...lines: readonly string[]): readonly string[] {
  return ['```sh', ...lines, '```'];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
