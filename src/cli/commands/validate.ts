import { dirname } from 'node:path';
import { type InitResources, toInitKey } from '../../config/init-resources.ts';
import { type LoadedSettings, loadSettings } from '../../config/load-settings.ts';
import { toEntityId } from '../../entity/entity-key.ts';
import { parseEntity } from '../../entity/parse-entity.ts';
import { applyChanges, emptyGraph } from '../../entity/references.ts';
import type { Change } from '../../entity/types.ts';
import { toSekishoError } from '../../lib/errors.ts';
import { deliveredSchemaProblem } from '../../schema/delivered-schemas.ts';
import type { SchemaSet } from '../../schema/types.ts';
import type { CommandContext } from '../command.ts';
import { Failure, usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { readConfiguredSchemas, readSchemaFiles } from '../read-schemas.ts';
import { toStartFailure } from '../start-failure.ts';

const DEFAULT_NAMESPACE: Change = { op: 'put', kind: 'namespace', entity: { name: 'default', tags: ['default'] } };

/** `validate config` and `validate FILE…`: checks the configuration, or schema files, and starts nothing. Rejects with every problem and its place. */
export async function validate(context: CommandContext): Promise<number> {
  const { words, flags } = context;
  const documents = flagText(flags, 'document');
  if (documents !== undefined) return validateDocuments(context, documents.split(','));
  if (words.length === 1 && words[0] === 'config') return validateConfig(context);
  // A schema file has an extension; another word is a slip.
  const slip = words.find((word) => !word.includes('.'));
  if (words.length === 0 || slip !== undefined)
    throw usageFailure(
      `validate: found '${slip ?? ''}', allowed is config, or the names of schema files`,
      'usage: sekisho validate config [-c FILE] | validate FILE…',
    );
  if (flagText(flags, 'config') !== undefined) throw usageFailure('--config and schema files exclude each other');
  return validateSchemas(context);
}

/** `-d FILE`, with Gohan's answers. */
function validateDocuments(context: CommandContext, documents: readonly string[]): number {
  const { words, io } = context;
  if (words.length > 0) throw usageFailure(`validate: found '${words[0]}' beside --document; name all files in one way`);
  try {
    readSchemaFiles(documents, { cwd: io.cwd, exit: 1 });
  } catch (error) {
    if (error instanceof Failure) throw new Failure(error.exit, `Schema is not valid, see errors below:\n${error.message}`);
    throw error;
  }
  io.out('Schema is valid\n');
  return 0;
}

function validateSchemas({ words, io }: CommandContext): number {
  const { schemas } = readSchemaFiles(words, { cwd: io.cwd, exit: 1 });
  const own = [...schemas.resources.values()].filter(({ isMeta }) => !isMeta);
  const counts = [count(own.length, 'schema'), count(schemas.policies.length, 'policy'), count(schemas.extensions.length, 'extension')];
  io.out(`${words.join(', ')}: valid (${counts.join(', ')})\n`);
  return 0;
}

function count(number: number, word: string): string {
  return `${number} ${number === 1 ? word : `${word.replace(/y$/, 'ie')}s`}`;
}

/** The configuration, the entities in it and the schema files that it names; code of modules is not compiled. */
function validateConfig({ flags, io }: CommandContext): number {
  const path = flagText(flags, 'config');
  const loaded = load({ env: io.env, cwd: io.cwd, ...(path !== undefined && { path }) });
  for (const warning of loaded.warnings) io.err(`warning: ${warning}\n`);
  const { initResources } = loaded.settings.proxy;
  const problems = initResources ? findEntityProblems(initResources, loaded.settings.disableDefaultNamespace) : [];
  if (problems.length > 0)
    throw usageFailure(`sekisho: ${loaded.path} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`, ...problems);
  if (loaded.settings.schemas.length > 0) {
    const model = { settings: loaded.settings, path: loaded.path, folder: dirname(loaded.path) };
    checkReceivers(loaded, readConfiguredSchemas(model, 2).schemas);
  }
  io.out(`${loaded.path} is valid\n`);
  if (initResources?.changes.some(({ kind }) => kind === 'module')) io.out('its modules are compiled and loaded at start only\n');
  return 0;
}

/** Receivers of webhooks may name schemas. */
function checkReceivers({ settings, path, placeOf }: LoadedSettings, schemas: SchemaSet): void {
  const problems = settings.webhooks.flatMap((webhook, index) =>
    webhook.schemas.flatMap((id, at) => {
      const key = `webhooks[${index}].schemas[${at}]`;
      const problem = deliveredSchemaProblem(schemas, id);
      return problem === undefined ? [] : [`${placeOf(key)} ${key}: found ${JSON.stringify(id)}: ${problem}`];
    }),
  );
  if (problems.length > 0)
    throw usageFailure(`sekisho: ${path} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`, ...problems);
}

function load(options: Parameters<typeof loadSettings>[0]): ReturnType<typeof loadSettings> {
  try {
    return loadSettings(options);
  } catch (error) {
    throw toStartFailure(error);
  }
}

function findEntityProblems(init: InitResources, isDefaultDisabled: boolean): readonly string[] {
  const problems: string[] = [];
  // One after the other, so that each problem has the place of its entity.
  let graph = applyChanges(emptyGraph(), isDefaultDisabled ? [] : [DEFAULT_NAMESPACE]);
  for (const change of init.changes) {
    try {
      if (change.op === 'put') parseEntity(change.kind, change.entity);
      graph = applyChanges(graph, [change]);
    } catch (error) {
      const { kind, namespace, name } = toEntityId(change);
      const place = init.places.get(kind === 'namespace' ? toInitKey(kind, name) : toInitKey(kind, namespace, name));
      problems.push(`${place ?? `${kind} ${name}`}: ${toSekishoError(error).message}`);
    }
  }
  return problems;
}
