import { readFileSync } from 'node:fs';
import { SekishoError, tellFirst } from '../lib/errors.ts';
import { attachPathProblem } from './attach-path.ts';
import { BUILTIN_FILE, BUILTIN_SCHEMAS } from './builtin.ts';
import { checkSchema } from './check-schema.ts';
import { checkClashes, checkSet } from './check-set.ts';
import { type Cursor, createCursor, placeText, type Reading, textAt } from './cursor.ts';
import { type Draft, toDraft } from './draft.ts';
import { toExtension } from './extension.ts';
import { toGroups } from './group.ts';
import { inheritAll } from './inherit.ts';
import { createPlaces } from './places.ts';
import { toPolicySource } from './policy-source.ts';
import { collectProblems } from './problems.ts';
import { type FileEntries, readFiles } from './read-files.ts';
import { toResourceType } from './resource-type.ts';
import type { PolicySource, ResourceType, SchemaSet } from './types.ts';

export interface LoadOptions {
  /** Folder that relative names are looked for in. */
  readonly cwd: string;
  /** Tables are named `<id>s` instead of by the plural. */
  readonly legacyTableNames: boolean;
  /** Gives the text of a file, of schemas or of code, in place of the disk; throws as `readFileSync` does. */
  readonly readFile?: (path: string) => string;
}

/**
 * Everything that the files and those that they include define, beside the schemas of the gateway itself. Schemas may be in any order, and may relate to themselves and in
 * cycles. Throws SCHEMA_INVALID with everything that is wrong, each with the pointer `file:line:column path`.
 */
export function loadSchemas(files: readonly string[], options: LoadOptions): SchemaSet {
  const reading: Reading = { places: createPlaces(), problems: collectProblems() };
  const entries = readFiles(files, options.cwd, reading, options.readFile ?? readText);
  const set = toSet(entries, options, reading);
  const errors = reading.problems.errors();
  if (errors.length === 0) return set;
  const [first] = errors;
  throw new SekishoError('SCHEMA_INVALID', `${first?.pointer}: ${tellFirst(errors)}`, { errors });
}

function toSet(entries: FileEntries, options: LoadOptions, reading: Reading): SchemaSet {
  const groups = toGroups(entries.namespaces);
  const groupById = new Map(groups.map((group) => [group.id, group]));
  const drafts = toDrafts(entries.schemas, reading);
  const resources = inheritAll(drafts);
  const merged = new Map([...drafts, ...resources.map((draft) => [draft.id, draft] as const)]);
  checkSet(merged, resources, groupById);
  const types = withoutClashes(
    resources.map((draft) => toResourceType(draft, { drafts: merged, groups: groupById, legacyTableNames: options.legacyTableNames })),
  );
  checkClashes(types, merged);
  // Relations are looked for only in schemas that are right.
  const right = reading.problems.errors().length === 0 ? types : [];
  const policies = onlyOnce(entries.policies, 'policy').map((cursor) => toPolicy(cursor, right));
  const extensions = entries.extensions.map(({ cursor, file }) => toExtension(cursor, file, options.readFile ?? readText));
  onlyOnce(
    entries.extensions.map(({ cursor }) => cursor),
    'extension',
  );
  return {
    resources: new Map(inOrder(types).map((type) => [type.id, type])),
    groups,
    policies: policies.filter((policy) => policy !== undefined),
    extensions: extensions.filter((extension) => extension !== undefined),
    files: entries.files,
  };
}

function toPolicy(cursor: Cursor, types: readonly ResourceType[]): PolicySource | undefined {
  const policy = toPolicySource(cursor);
  const problem = policy && attachPathProblem(policy, types);
  if (problem !== undefined) cursor.at('relation_property').report(problem);
  return policy;
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

/** The schemas by id: those of the gateway itself first, unless a file has one of that id. */
function toDrafts(cursors: readonly Cursor[], reading: Reading): Map<string, Draft> {
  const known = onlyOnce(cursors.filter(checkSchema), 'schema');
  const named = new Set(known.map((cursor) => textAt(cursor, 'id')));
  const place = { file: BUILTIN_FILE, order: -1, line: 1, column: 1 };
  const builtin = BUILTIN_SCHEMAS.filter(({ id }) => !named.has(String(id))).map((schema) => createCursor(schema, '', place, reading));
  return new Map([...builtin, ...known].map(toDraft).map((draft) => [draft.id, draft]));
}

/** Those with an id that was not there before; the others are reported, with the place of the first. */
function onlyOnce(cursors: readonly Cursor[], what: string): Cursor[] {
  const first = new Map<string, Cursor>();
  return cursors.filter((cursor) => {
    const id = textAt(cursor, 'id');
    const other = first.get(id);
    if (other === undefined || id === '') {
      first.set(id, cursor);
      return true;
    }
    cursor.at('id').report(`the ${what} ${id} is there already, at ${placeText(other)}`);
    return false;
  });
}

/** A type behind those that it refers to, where there is no cycle; otherwise in the order of the files. */
function inOrder(types: readonly ResourceType[]): readonly ResourceType[] {
  const byId = new Map(types.map((type) => [type.id, type]));
  const done = new Set<ResourceType>();
  const visit = (type: ResourceType, under: ReadonlySet<string>): void => {
    if (done.has(type) || under.has(type.id)) return;
    const inside = new Set([...under, type.id]);
    for (const { relation } of type.properties) {
      const target = relation === undefined ? undefined : byId.get(relation.schemaId);
      if (target !== undefined) visit(target, inside);
    }
    done.add(type);
  };
  for (const type of types) visit(type, new Set());
  return [...done];
}

/** Tables that the gateway itself writes, whatever schemas there are: the event log above all. */
const SYSTEM_TABLES = [
  'events',
  'sekisho_answers',
  'sekisho_positions',
  'sekisho_leases',
  'sekisho_webhook_events',
  'goose_db_version',
  'post_migration_events',
];

/**
 * A type whose table would be one that the gateway itself writes gets one that begins with `own_`; otherwise the gateway's own types make way for a table that a file
 * needs: theirs then begins with `gohan_`.
 */
function withoutClashes(types: readonly ResourceType[]): readonly ResourceType[] {
  const isBuiltin = (type: ResourceType): boolean => type.place.startsWith(BUILTIN_FILE);
  const renamed = types.map((type) =>
    !type.isMeta && SYSTEM_TABLES.includes(type.table.toLowerCase()) ? { ...type, table: `own_${type.table}` } : type,
  );
  const taken = new Set(renamed.filter((type) => !isBuiltin(type)).map(({ table }) => table.toLowerCase()));
  return renamed.map((type) => (isBuiltin(type) && taken.has(type.table) ? { ...type, table: `gohan_${type.table}` } : type));
}
