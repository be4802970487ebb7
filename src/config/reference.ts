import { expected } from './read-value.ts';
import type { Setting, SettingKeys } from './setting.ts';
import { SETTINGS } from './settings-table.ts';

const INTRODUCTION = `# Configuration

One file, YAML 1.2 or JSON. It is the one named with \`-c FILE\`, else by \`SEKISHO_CONFIG\` (or \`DG_CONFIG_PATH\`), else the base64 text in \`SEKISHO_CONFIG_DATA\` (or \`DG_CONFIG_DATA\`), else the first of \`./sekisho.yaml\`, \`.yml\`, \`.json\`, \`./config.dgate.yaml\`, \`.yml\`, \`.json\`. Its format is told by the extension, or by \`SEKISHO_CONFIG_TYPE\` (or \`DG_CONFIG_TYPE\`): \`yaml\` or \`json\`.

A wrong configuration ends the start with exit code 2 before anything listens. All problems are told at once, each with \`file:line:column key\`, what was found and what is allowed. \`sekisho.schema.json\` beside this page makes editors check while typing: begin the file with \`# yaml-language-server: $schema=PATH/sekisho.schema.json\`.

## Values

- **Expansion**: \`\${NAME}\` and \`\${NAME:-default}\` are replaced by the environment in every value (not in keys, nor in the \`payload\` of a module). A variable that is unset or empty gives the default, or else an empty text. Types are decided afterwards: \`port: "\${PORT:-8080}"\` is a number. \`DG_DISABLE_ENV_PARSER=true\` switches it off.
- **Commands**: with \`allow_shell: true\`, \`$(command)\` is replaced by what \`$SHELL -c command\` prints, trimmed, before variables are expanded; a command that fails or takes longer than 10 s is an error. Without it, a value with \`$(…)\` is refused. \`DG_DISABLE_SHELL_PARSER=true\` leaves such values as they are.
- **Durations**: \`50ms\`, \`1m30s\` (units ns, us, ms, s, m, h), or an integer of nanoseconds.
- **Sizes**: an integer of bytes, or \`64KB\` (1000), \`64KiB\` (1024), \`10MiB\`, \`1GiB\`.
- **Files and folders**: relative paths are looked for in the folder of the configuration file, then in the working directory. Folders that Sekisho makes (\`storage.dir\`) lie beside the configuration file.
- A key without a value counts as absent. Unknown keys are errors. Keys marked *no effect* are accepted with a warning.

Keys marked ◆ are Sekisho's own; the others are DGate's, or Gohan's where said.
`;

/** The reference page of the configuration, `docs/reference/configuration.md`, made from the table of settings. */
export function configurationReference(): string {
  return `${[INTRODUCTION, ...toSections(SETTINGS, '', 'Top level')].join('\n').trimEnd()}\n`;
}

function* toSections(keys: SettingKeys, path: string, title: string): Generator<string> {
  const entries = Object.entries(keys);
  yield `## ${title}\n`;
  yield '| key | allowed | default | |\n|---|---|---|---|';
  for (const [key, setting] of entries.filter(([, { type }]) => type !== 'later' && type !== 'ignored')) yield toRow(key, setting);
  yield '';
  const inert = entries.filter(([, { type }]) => type === 'later' || type === 'ignored');
  if (inert.length > 0) {
    yield '| no effect | why |\n|---|---|';
    for (const [key, setting] of inert)
      yield `| \`${key}\`${setting.origin === 'gohan' ? ' (Gohan)' : ''} | ${setting.type === 'later' ? 'not yet: ' : ''}${escape(setting.doc)} |`;
    yield '';
  }
  for (const [key, setting] of entries) {
    const isList = setting.type === 'list';
    const inner = isList ? setting.of : setting;
    if (inner.type !== 'section') continue;
    const innerPath = `${path}${key}${isList ? '[]' : ''}`;
    yield* toSections(inner.keys, `${innerPath}.`, `\`${innerPath}\``);
  }
}

function toRow(key: string, setting: Setting): string {
  const mark = setting.origin === 'sekisho' ? ' ◆' : '';
  return `| \`${key}\`${mark} | ${escape(toAllowed(setting))} | ${toDefault(setting)} | ${escape(setting.doc)}${'zeroIsDefault' in setting && setting.zeroIsDefault ? ' 0 = the default.' : ''} |`;
}

function toAllowed(setting: Setting): string {
  if (setting.type === 'section') return 'a map, see below';
  if (setting.type === 'list' && setting.of.type === 'section') return 'a list of maps, see below';
  if (setting.type === 'duration') return `a duration${setting.min === undefined ? '' : `, at least ${setting.min}`}`;
  if (setting.type === 'span') return 'a duration';
  return setting.type === 'bytes' ? expected(setting).replace(/^a size such as 65536, 64KiB or 10MiB/, 'a size') : expected(setting);
}

function toDefault(setting: Setting): string {
  if (setting.required) return '**required**';
  if (setting.type === 'section') return setting.optional ? 'absent' : '';
  if (!('default' in setting) || setting.default === undefined) return 'absent';
  const value = setting.default;
  if (typeof value === 'object') return Array.isArray(value) ? '`[]`' : '`{}`';
  return value === '' ? 'empty' : `\`${value}\``;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}
