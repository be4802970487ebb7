import type { FieldError } from '../lib/errors.ts';
import { attachPathProblem } from './attach-path.ts';
import { createCursor, type PlainMap, type Reading } from './cursor.ts';
import { toExtension } from './extension.ts';
import { toGroups } from './group.ts';
import { createPlaces } from './places.ts';
import { toPolicySource } from './policy-source.ts';
import { collectProblems } from './problems.ts';
import { EXTENSION_KEYS, NAMESPACE_KEYS, POLICY_KEYS, type SchemaKeys } from './schema-keys.ts';
import type { ExtensionSource, PolicySource, ResourceType, SchemaGroup, SchemaSet } from './types.ts';

/** Kinds of definitions that are resources too: what is stored of them joins what files define (gohan.md 1.13). */
export const STORED_KINDS = ['namespace', 'policy', 'extension'] as const;
export type StoredKind = (typeof STORED_KINDS)[number];

const KEYS: Readonly<Record<StoredKind, SchemaKeys>> = { namespace: NAMESPACE_KEYS, policy: POLICY_KEYS, extension: EXTENSION_KEYS };

/** A definition that was read from the database, or what is wrong with it. */
export type Stored<Definition> =
  | { readonly definition: Definition; readonly errors?: undefined }
  | { readonly definition?: undefined; readonly errors: readonly FieldError[] };

/** The policy in a row of the table of policies, for resources of these types. */
export function fromPolicyRow(row: PlainMap, types: Iterable<ResourceType>): Stored<PolicySource> {
  return read('policy', row, (cursor) => {
    const policy = toPolicySource(cursor);
    const problem = policy && attachPathProblem(policy, types);
    if (problem !== undefined) cursor.at('relation_property').report(problem);
    return policy;
  });
}

/** The extension in a row of the table of extensions; a relative file in it is beside the configuration. */
export function fromExtensionRow(row: PlainMap, folder: string, readFile?: (path: string) => string): Stored<ExtensionSource> {
  return read('extension', row, (cursor) => toExtension(cursor, `${folder}/stored`, readFile));
}

/** The schema group in a row, whose parent is one of `known`. */
export function fromGroupRow(row: PlainMap, known: readonly SchemaGroup[]): Stored<SchemaGroup> {
  return read('namespace', row, (cursor, reading) => {
    const others = known.map((group) => createCursor(toGroupMap(group), '', cursor.place, reading));
    return toGroups([...others, cursor]).at(-1);
  });
}

/** The set with stored definitions behind those of the files. */
export function withStored(set: SchemaSet, stored: Pick<SchemaSet, 'groups' | 'policies' | 'extensions'>): SchemaSet {
  return {
    ...set,
    groups: [...set.groups, ...stored.groups],
    policies: [...set.policies, ...stored.policies],
    extensions: [...set.extensions, ...stored.extensions],
  };
}

function read<Definition>(
  kind: StoredKind,
  row: PlainMap,
  toDefinition: (cursor: ReturnType<typeof createCursor>, reading: Reading) => Definition | undefined,
): Stored<Definition> {
  const reading: Reading = { places: createPlaces(), problems: collectProblems() };
  const place = { file: `${kind} ${String(row['id'])} of the database`, order: 0, line: 0, column: 0 };
  const definition = toDefinition(createCursor(pick(row, KEYS[kind]), '', place, reading), reading);
  const errors = reading.problems.errors();
  return definition === undefined || errors.length > 0 ? { errors } : { definition };
}

/** Tables have columns that a definition does not; what is not given is null there, or an empty text. */
function pick(row: PlainMap, keys: SchemaKeys): PlainMap {
  return Object.fromEntries(
    Object.entries(keys)
      .map(([name, key]) => [name, row[name], key] as const)
      .filter(([, value, key]) => value !== undefined && value !== null && (value !== '' || key.required === true)),
  );
}

function toGroupMap({ id, prefix, parent }: SchemaGroup): PlainMap {
  return { id, prefix, ...(parent !== undefined && { parent }) };
}
