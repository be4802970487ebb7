import { dirname } from 'node:path';
import { type FieldError, SekishoError } from '../lib/errors.ts';
import type { MapNode } from './config-node.ts';
import type { Draft } from './draft.ts';
import { compileExpander, type ExpandOptions } from './expand.ts';
import { parseConfig } from './parse-document.ts';
import { collectProblems } from './problems.ts';
import { readSection } from './read-section.ts';
import { resolveSettings } from './resolve-settings.ts';
import { checkRules } from './rules.ts';
import type { SectionValue } from './setting.ts';
import type { Settings } from './settings.ts';
import { SETTINGS } from './settings-table.ts';
import { findSource, type SourceOptions } from './source.ts';

type Table = SectionValue<typeof SETTINGS>;

export interface LoadedSettings {
  readonly settings: Settings;
  /** What was accepted without effect, with its place: one line each. */
  readonly warnings: readonly string[];
  /** Absolute path of the file, or `$NAME` of the environment variable that held the text. */
  readonly path: string;
  /** `file:line:column` of a key (`admin.port`), or of the nearest key above it that is written. */
  readonly placeOf: (key: string) => string;
}

/**
 * Finds, parses, expands and validates the configuration. Throws CONFIG_NOT_FOUND, CONFIG_SYNTAX or CONFIG_INVALID; the latter lists every problem at once, each with
 * `file:line:column key.path` and what was found and what is allowed.
 */
export function loadSettings(options: SourceOptions): LoadedSettings {
  const source = findSource(options);
  const root = acceptVersionMap(parseConfig(source.text, source.name));
  const problems = collectProblems(source.name);
  const folders = source.path === undefined ? [options.cwd] : [dirname(source.path), options.cwd];
  const reading = { problems, expand: compileExpander(toExpandOptions(root, options)), folders };
  // A draft until the problems are known to be none: then the reader has filled it as the table says.
  const draft: unknown = readSection(SETTINGS, root, '', reading);
  checkRules(draft as NonNullable<Draft<Table>>, problems);
  const errors = problems.errors();
  if (errors.length > 0) throw invalid(source.name, errors);
  const settings = resolveSettings(draft as Table, options.env, problems);
  return { settings, warnings: problems.warnings, path: source.path ?? source.name, placeOf: problems.placeOf };
}

function invalid(name: string, errors: readonly FieldError[]): SekishoError {
  return new SekishoError('CONFIG_INVALID', `${name} has ${errors.length === 1 ? 'a problem' : `${errors.length} problems`}`, { errors });
}

/** Gohan's `version: { app: … }` names the version of the application; the format is then `v1`. */
function acceptVersionMap(root: MapNode): MapNode {
  const version = root.entries.get('version');
  if (version?.value.kind !== 'map') return root;
  const app = version.value.entries.get('app');
  if (app === undefined || version.value.entries.size !== 1) return root;
  const { line, column } = version.value;
  const entries = new Map(root.entries).set('version', { ...version, value: { kind: 'scalar', value: 'v1', source: 'v1', line, column } });
  return { ...root, entries: entries.set('app_version', app) };
}

const TRUE = /^(?:true|1|yes|y)$/i;

function toExpandOptions(root: MapNode, { env, cwd }: SourceOptions): ExpandOptions {
  const variables = !TRUE.test(env['DG_DISABLE_ENV_PARSER'] ?? '');
  const isDisabled = TRUE.test(env['DG_DISABLE_SHELL_PARSER'] ?? '');
  return {
    env,
    cwd,
    variables,
    shell: isDisabled ? 'keep' : allowsShell(root, { env, cwd, variables, shell: 'refuse' }) ? 'run' : 'refuse',
  };
}

function allowsShell(root: MapNode, options: ExpandOptions): boolean {
  const written = root.entries.get('allow_shell')?.value;
  if (written?.kind !== 'scalar') return false;
  return /^(?:true|t|1)$/i.test(compileExpander(options)(String(written.value)).text);
}
