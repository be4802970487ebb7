import { dirname } from 'node:path';
import { loadSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { SekishoError } from '../lib/errors.ts';
import { compilePolicies } from '../policy/policy-set.ts';
import type { PolicySet } from '../policy/types.ts';
import { loadSchemas } from '../schema/load-schemas.ts';
import type { SchemaSet } from '../schema/types.ts';
import type { CommandContext } from './command.ts';
import { Failure, type FailureExit, usageFailure } from './failure.ts';
import { flagText } from './flags.ts';
import { toStartFailure } from './start-failure.ts';

/** Schemas and policies as a command reads them, without a server. */
export interface ReadSchemas {
  readonly schemas: SchemaSet;
  readonly policies: PolicySet;
}

/** A configuration that names schema files. */
export interface ModelSettings {
  readonly settings: Settings;
  /** Absolute path of the file. */
  readonly path: string;
  /** Relative names in it begin here. */
  readonly folder: string;
}

/** The schema files of the words, else those of the configuration. Rejects with a `Failure` of exit code 2 that tells everything that is wrong. */
export function readSchemas(context: CommandContext): ReadSchemas {
  const { words, flags, io } = context;
  if (words.length === 0) return readConfiguredSchemas(readModelSettings(context), 2);
  if (flagText(flags, 'config') !== undefined) throw usageFailure('--config and schema files exclude each other');
  return readSchemaFiles(words, { cwd: io.cwd, exit: 2 });
}

/** The configuration that `-c`, the environment or the working folder names. Throws a `Failure` when it is wrong. */
export function readModelSettings({ flags, io }: CommandContext): ModelSettings {
  const path = flagText(flags, 'config');
  try {
    const loaded = loadSettings({ env: io.env, cwd: io.cwd, ...(path !== undefined && { path }) });
    return { settings: loaded.settings, path: loaded.path, folder: loaded.path.startsWith('$') ? io.cwd : dirname(loaded.path) };
  } catch (error) {
    throw toStartFailure(error);
  }
}

/** The schemas that a configuration names; none is a usage failure. */
export function readConfiguredSchemas({ settings, path, folder }: ModelSettings, exit: FailureExit): ReadSchemas {
  if (settings.schemas.length === 0)
    throw usageFailure(`${path} names no schema files: put them in its list \`schemas\`, or name them on the command line`);
  return readSchemaFiles(settings.schemas, { cwd: folder, exit, legacyTableNames: settings.database?.legacy ?? true });
}

/** Loads schema files and compiles their policies. Throws a `Failure` of that exit code with every problem and its place. */
export function readSchemaFiles(
  files: readonly string[],
  { cwd, exit, legacyTableNames = true }: { readonly cwd: string; readonly exit: FailureExit; readonly legacyTableNames?: boolean },
): ReadSchemas {
  try {
    const schemas = loadSchemas(files, { cwd, legacyTableNames });
    return { schemas, policies: compilePolicies(schemas.policies) };
  } catch (error) {
    if (!(error instanceof SekishoError) || error.code !== 'SCHEMA_INVALID') throw error;
    const { errors } = error;
    const count = errors.length === 1 ? 'a problem' : `${errors.length} problems`;
    throw new Failure(exit, [`sekisho: the schema files have ${count}`, ...errors.map(toLine)].join('\n'));
  }
}

function toLine({ pointer, detail }: SekishoError['errors'][number]): string {
  return detail.startsWith(pointer) ? detail : `${pointer}: ${detail}`;
}
