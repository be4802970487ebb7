import { type InitResources, toInitKey } from '../../config/init-resources.ts';
import { loadSettings } from '../../config/load-settings.ts';
import { toEntityId } from '../../entity/entity-key.ts';
import { parseEntity } from '../../entity/parse-entity.ts';
import { applyChanges, emptyGraph } from '../../entity/references.ts';
import type { Change } from '../../entity/types.ts';
import { toSekishoError } from '../../lib/errors.ts';
import type { CommandContext } from '../command.ts';
import { usageFailure } from '../failure.ts';
import { flagText } from '../flags.ts';
import { toStartFailure } from '../start-failure.ts';

const DEFAULT_NAMESPACE: Change = { op: 'put', kind: 'namespace', entity: { name: 'default', tags: ['default'] } };

/** `validate config`: checks the configuration and the entities in it, and starts nothing. Rejects with every problem and its place; code of modules is not compiled. */
export async function validate(context: CommandContext): Promise<number> {
  const { words, flags, io } = context;
  if (words.length !== 1 || words[0] !== 'config')
    throw usageFailure(`validate: found '${words.join(' ')}', allowed is config`, 'usage: sekisho validate config [-c FILE]');
  const path = flagText(flags, 'config');
  const loaded = load({ env: io.env, cwd: io.cwd, ...(path !== undefined && { path }) });
  for (const warning of loaded.warnings) io.err(`warning: ${warning}\n`);
  const { initResources } = loaded.settings.proxy;
  const problems = initResources ? findEntityProblems(initResources, loaded.settings.disableDefaultNamespace) : [];
  if (problems.length > 0)
    throw usageFailure(`sekisho: ${loaded.path} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}`, ...problems);
  io.out(`${loaded.path} is valid\n`);
  if (initResources?.changes.some(({ kind }) => kind === 'module')) io.out('its modules are compiled and loaded at start only\n');
  return 0;
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
