import { SekishoError, tellFirst, toSekishoError } from '../lib/errors.ts';
import { observe } from '../lib/event.ts';
import { compilePolicies } from '../policy/policy-set.ts';
import { TRUE } from '../schema/filter.ts';
import { fromExtensionRow, fromGroupRow, fromPolicyRow, type Stored, type StoredKind, withStored } from '../schema/stored-definitions.ts';
import type { PolicySource, SchemaGroup, SchemaSet } from '../schema/types.ts';
import type { Database, Resource } from '../sql/types.ts';

/** Definitions of one kind that are read; a table with more is told, and the rest of it left out. */
const MAX_ROWS = 10_000;

/**
 * The set with the schema groups, policies and extensions that were stored through the REST API (gohan.md 1.13), behind those of the files. What is wrong with one, or has
 * an id that a file has, is told, and the others are taken. `folder` is where the code of extensions is looked for.
 */
export async function addStored(set: SchemaSet, database: Pick<Database, 'reader'>, folder: string): Promise<SchemaSet> {
  const rows = async (kind: StoredKind, taken: readonly { readonly id: string }[]): Promise<readonly Resource[]> => {
    const type = set.resources.get(kind);
    if (type === undefined) return [];
    const found = await database.reader.list(type, {
      filter: TRUE,
      embed: false,
      sort: [{ property: 'id', descending: false }],
      limit: MAX_ROWS,
    });
    if (found.length === MAX_ROWS) tell(kind, `only the first ${MAX_ROWS} are read`);
    return found.filter(({ id }) => {
      const isFree = taken.every((other) => other.id !== id);
      if (!isFree) tell(kind, `${String(id)} is defined in a file too, which wins`);
      return isFree;
    });
  };
  return withStored(set, {
    groups: toGroups(await rows('namespace', set.groups), set),
    policies: (await rows('policy', set.policies)).flatMap((row) => accept('policy', toPolicy(row, set))),
    extensions: (await rows('extension', set.extensions)).flatMap((row) => accept('extension', fromExtensionRow(row, folder))),
  });
}

/** A policy that is not only well formed, but compiles. */
function toPolicy(row: Resource, { resources }: SchemaSet): Stored<PolicySource> {
  const read = fromPolicyRow(row, resources.values());
  if (read.definition === undefined) return read;
  try {
    compilePolicies([read.definition]);
    return read;
  } catch (error) {
    return { errors: toSekishoError(error).errors };
  }
}

/** Parents may come behind their children: what does not fit yet is tried again as long as others are found. */
function toGroups(rows: readonly Resource[], { groups, resources }: SchemaSet): readonly SchemaGroup[] {
  const urls = new Set([...resources.values()].map(({ url }) => url));
  const found: SchemaGroup[] = [];
  let rest = rows;
  for (let before = -1; before !== found.length; ) {
    before = found.length;
    rest = rest.filter((row) => {
      const { definition } = fromGroupRow(row, [...groups, ...found]);
      if (definition === undefined) return true;
      if (urls.has(definition.fullPrefix)) tell('namespace', `${definition.id}: ${definition.fullPrefix} is the URL of a schema`);
      else found.push(definition);
      return false;
    });
  }
  for (const row of rest) accept('namespace', fromGroupRow(row, [...groups, ...found]));
  return found;
}

function accept<Definition>(kind: StoredKind, { definition, errors = [] }: Stored<Definition>): readonly Definition[] {
  if (definition !== undefined) return [definition];
  const [first] = errors;
  tell(kind, `${first?.pointer}: ${tellFirst(errors)}`, errors);
  return [];
}

function tell(kind: StoredKind, detail: string, errors: SekishoError['errors'] = []): void {
  observe({
    type: 'error',
    error: new SekishoError('SCHEMA_INVALID', detail, { errors }),
    where: `a stored ${kind} (it is left out, the rest is served)`,
  });
}
