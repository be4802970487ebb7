import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ResourceType, SchemaSet } from '../schema/types.ts';
import type { CommandContext } from './command.ts';
import { usageFailure } from './failure.ts';
import { flagText } from './flags.ts';

/** What one output is about: all schemas, those of one resource group, or one schema. */
export interface OutputPart {
  /** Takes the place of `__resource__` in `--output-path`. */
  readonly name: string;
  readonly types: readonly ResourceType[];
  /** The one schema, with `--split-by-resource`. */
  readonly type: ResourceType | undefined;
}

const PLACE = '__resource__';
/** Schemas without `metadata.resource_group`. */
const OTHERS = 'resources';

/** One part per schema or resource group, as the flags say; else a single one. Schemas of the gateway itself are in none. */
export function toOutputParts({ flags }: CommandContext, { resources }: SchemaSet): readonly OutputPart[] {
  const types = [...resources.values()].filter(({ isMeta }) => !isMeta);
  const [byResource, byGroup] = [flags['split-by-resource'] === true, flags['split-by-resource-group'] === true];
  if (byResource && byGroup) throw usageFailure('--split-by-resource and --split-by-resource-group exclude each other');
  if (byResource) return types.map((type) => ({ name: type.id, types: [type], type }));
  if (!byGroup) return [{ name: 'all', types, type: undefined }];
  const groups = Map.groupBy(types, ({ metadata }) => {
    const { resource_group: group } = metadata;
    return typeof group === 'string' && group !== '' ? group : OTHERS;
  });
  return [...groups].map(([name, members]) => ({ name, types: members, type: undefined }));
}

/** The name of a file for every part; undefined when there is one part and no `--output-path`: it is printed. */
export function outputFileOf({ flags, io }: CommandContext, part: OutputPart, extension: string): string | undefined {
  const isSplit = flags['split-by-resource'] === true || flags['split-by-resource-group'] === true;
  const path = flagText(flags, 'output-path') ?? (isSplit ? `${PLACE}${extension}` : undefined);
  if (path === undefined) return undefined;
  if (isSplit && !path.includes(PLACE))
    throw usageFailure(`--output-path: found '${path}', which is one file for several; ${PLACE} in it stands for each name`);
  // A name comes from a schema file: it is that of a file, not a way to another folder.
  return resolve(io.cwd, path.replaceAll(PLACE, part.name.replaceAll(/[/\\]|^\.+/g, '_')));
}

/** Prints a text, or writes it to a file, whose folder is made. */
export function writeOutput({ io }: CommandContext, file: string | undefined, text: string): void {
  if (file === undefined) return io.out(text);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } catch (error) {
    throw usageFailure(`${file} can not be written: ${(error as Error).message}`);
  }
  io.err(`${file}\n`);
}
