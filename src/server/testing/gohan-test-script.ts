import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { TEST_HOOKS } from '../../extension/test-hooks.ts';
import { toEnvironments } from '../../extension/to-environments.ts';
import type { EnvironmentSource, ExtensionCode } from '../../extension/types.ts';
import { loadSchemas } from '../../schema/load-schemas.ts';
import type { SchemaSet } from '../../schema/types.ts';

/** Events of an environment under test, which its last script registers. */
export const TEST_EVENTS = { describe: 'sekisho_describe_tests', run: 'sekisho_run_test' } as const;

/** What a test script says of itself in its globals. */
export interface TestDescription {
  readonly schemas?: unknown;
  readonly includes?: unknown;
  readonly path?: unknown;
  readonly tests: readonly string[];
}

/** The schemas and extensions that a test script names. */
export interface TestSubject {
  readonly schemas: SchemaSet;
  readonly environment: EnvironmentSource;
}

/** The environment of a test script alone, in which it tells what it needs. `file` is absolute. */
export function toDescribing(file: string): EnvironmentSource {
  return { name: nameOf(file), url: '', extensions: [scriptOf(file), runnerOf(file)] };
}

/** Loads what a script named. Throws SCHEMA_INVALID, or an Error with Gohan's text when it named nothing usable. */
export function toSubject(
  file: string,
  description: TestDescription,
  options: { readonly legacyTableNames: boolean; readonly defaultType: string },
): TestSubject {
  const folder = dirname(file);
  const { path } = description;
  if (typeof path !== 'string') throw new Error('PATH string not specified');
  const files = [
    ...textsOf('SCHEMA_INCLUDES', description.includes ?? []).flatMap((include) => includedIn(include, folder)),
    ...textsOf('SCHEMAS', description.schemas),
  ];
  const schemas = loadSchemas(files, { cwd: folder, legacyTableNames: options.legacyTableNames });
  const own = toEnvironments(schemas, { others: [path], defaultType: options.defaultType }).find(({ name }) => name === path);
  const extensions = [scriptOf(file), ...(own?.extensions ?? []), runnerOf(file)];
  return { schemas, environment: { name: nameOf(file), url: path, extensions } };
}

function textsOf(name: string, value: unknown): readonly string[] {
  if (value === undefined || value === null) throw new Error(`${name} string array not specified`);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  const type = typeof value === 'object' ? (Array.isArray(value) ? 'Array' : 'Object') : typeof value;
  throw new Error(`Bad type of ${name} - expected an array of strings but the type is ${type.charAt(0).toUpperCase()}${type.slice(1)}`);
}

/** The schema files that a text file names line by line, beside it. */
function includedIn(include: string, folder: string): readonly string[] {
  const path = resolve(folder, include);
  return readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => resolve(dirname(path), line.trim()));
}

function nameOf(file: string): string {
  return basename(file, '.js');
}

function scriptOf(file: string): ExtensionCode {
  return { id: nameOf(file), style: 'gohan', code: readFileSync(file, 'utf8'), file, place: `${file}:1:1` };
}

/** Comes last, behind the scripts that it runs tests of. */
function runnerOf(file: string): ExtensionCode {
  const code = [
    `gohan_register_handler(${JSON.stringify(TEST_EVENTS.describe)}, ${TEST_HOOKS.describe});`,
    `gohan_register_handler(${JSON.stringify(TEST_EVENTS.run)}, ${TEST_HOOKS.run});`,
  ].join('\n');
  return { id: 'test runner', style: 'gohan', code, file: undefined, place: `${file}:1:1` };
}
