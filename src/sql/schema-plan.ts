import type { Property, ResourceType } from '../schema/types.ts';
import { keyOf, STATE_COLUMNS } from './column.ts';
import {
  isFitting,
  isOurKey,
  planColumnDrop,
  planKeyDrops,
  planNotNull,
  planTableDrops,
  planTypeChange,
  staleUniqueIndexes,
} from './destructive-plan.ts';
import type { ActualTable, Dialect } from './dialect.ts';
import type { TableChange } from './table-record.ts';
import {
  addColumn,
  addKey,
  addStateColumn,
  createIndex,
  createTable,
  dropIndex,
  dropKey,
  type WantedIndex,
  type WantedKey,
  wantedIndexes,
  wantedKeys,
} from './table-text.ts';

/** One statement on the way from the tables that are there to those that the schemas want. */
export interface PlanStep {
  /** What it does, for people: `table networks: add column mtu`. */
  readonly what: string;
  readonly sql: string;
  /** The statement that takes it back; undefined when nothing needs to be. */
  readonly undo: string | undefined;
  /** It makes a new table or belongs to one: such steps are taken even without auto-migration. */
  readonly isNew: boolean;
  /** What it does to a table as a whole, for the record of our tables. */
  readonly change?: TableChange;
}

/** The way from the tables that are there to those that the schemas want. Steps only add, unless more was allowed. */
export interface SchemaPlan {
  readonly steps: readonly PlanStep[];
  /** Differences that no additive step removes; none may remain when the schemas are to be served. */
  readonly problems: readonly string[];
  /** SQLite alters no constraints: tables that must be made anew to change one, with what is to change. */
  readonly rebuilds: readonly { readonly type: ResourceType; readonly what: string }[];
}

export interface PlanInput {
  readonly dialect: Dialect;
  readonly resources: ReadonlyMap<string, ResourceType>;
  readonly tables: ReadonlyMap<string, ActualTable>;
  readonly cascadeDelete: boolean;
  /**
   * Drop columns that have no property any more and narrow others to what their properties are now. Never at start; for plans that somebody reads.
   * `ours` are the tables on record: those of them that no schema has are dropped.
   */
  readonly destructive?: { readonly ours: readonly string[] };
}

interface Draft extends PlanInput {
  /** Constraints that go are in the way of the rest. Tables and columns first, then indexes, then the foreign keys, which need both. */
  readonly freeSteps: PlanStep[];
  readonly tableSteps: PlanStep[];
  readonly indexSteps: PlanStep[];
  readonly keySteps: PlanStep[];
  /** After what takes its place: keys of MySQL need an index. */
  readonly dropSteps: PlanStep[];
  readonly problems: string[];
  readonly rebuilds: { readonly type: ResourceType; readonly what: string }[];
  /** Tables that are there when the next one is made, itself among them. */
  readonly made: Set<string>;
  readonly isShared: (name: string) => boolean;
}

/** What a property that is unique or a relation becomes. */
const KEY_TYPE = 'varchar(255)';

/** Compares schemas and tables. Nothing is dropped or narrowed unless `destructive` allows it: what has no property any more stays. */
export function planSchema(input: PlanInput): SchemaPlan {
  const draft: Draft = {
    ...input,
    freeSteps: [],
    tableSteps: [],
    indexSteps: [],
    keySteps: [],
    dropSteps: [],
    problems: [],
    rebuilds: [],
    made: new Set(input.tables.keys()),
    isShared: sharedNames(input.resources),
  };
  const wanted = new Set([...input.resources.values()].map(({ table }) => table));
  const renamed = new Set<string>();
  const planned = new Set<string>();
  for (const type of input.resources.values()) {
    if (planned.has(type.table)) continue;
    planned.add(type.table);
    draft.made.add(type.table);
    const earlier = type.renamedFrom;
    let actual = input.tables.get(type.table);
    if (actual === undefined && earlier !== undefined && !wanted.has(earlier) && !renamed.has(earlier)) {
      actual = input.tables.get(earlier);
      if (actual !== undefined) {
        renamed.add(earlier);
        planRename(draft, type, earlier);
      }
    }
    if (actual === undefined) planTable(draft, type);
    else planColumns(draft, type, actual);
    planIndexes(draft, type, actual);
    planKeys(draft, type, actual);
  }
  const drops =
    input.destructive === undefined ? [] : planDrops(draft, input.destructive.ours, (table) => !wanted.has(table) && !renamed.has(table));
  return {
    steps: [...draft.freeSteps, ...draft.tableSteps, ...draft.indexSteps, ...draft.keySteps, ...draft.dropSteps, ...drops],
    problems: draft.problems,
    rebuilds: draft.rebuilds,
  };
}

function planRename({ dialect, freeSteps }: Draft, { table }: ResourceType, from: string): void {
  const rename = (before: string, after: string): string => `ALTER TABLE ${dialect.quote(before)} RENAME TO ${dialect.quote(after)}`;
  freeSteps.push({
    what: `rename table ${from} to ${table}`,
    sql: rename(from, table),
    undo: rename(table, from),
    isNew: false,
    change: { kind: 'renamed', table, from },
  });
}

/** The last steps: by then no column refers to the tables any more that lost its relation. */
function planDrops(draft: Draft, ours: readonly string[], isUnwanted: (table: string) => boolean): readonly PlanStep[] {
  const { dialect, tables, resources, problems } = draft;
  const types = [...resources.values()];
  const stays = (table: string, key: ActualTable['foreignKeys'][number]): boolean => {
    const type = types.find((one) => one.table === table || one.renamedFrom === table);
    if (type === undefined || !dialect.canAlterConstraints) return true;
    const [column = ''] = key.columns;
    const hasProperty = type.properties.some(({ name, renamedFrom }) => name === column || renamedFrom === column);
    return hasProperty && !isOurKey(type, key);
  };
  const unwanted = ours.filter((table) => tables.has(table) && isUnwanted(table));
  const plan = planTableDrops(dialect, tables, unwanted, stays);
  problems.push(...plan.problems);
  return plan.steps;
}

function sharedNames(resources: ReadonlyMap<string, ResourceType>): (name: string) => boolean {
  const counts = new Map<string, number>();
  for (const type of resources.values()) for (const { name } of type.indexes) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (name) => (counts.get(name) ?? 0) > 1;
}

function planTable(draft: Draft, type: ResourceType): void {
  const { dialect, resources, cascadeDelete, tableSteps } = draft;
  const keys = wantedKeys(type, resources, cascadeDelete).filter((key) => isInline(draft, key));
  tableSteps.push({
    what: `create table ${type.table}`,
    sql: createTable(dialect, type, keys, dialect.kind === 'mysql' ? wantedIndexes(type, draft.isShared) : []),
    undo: `DROP TABLE ${dialect.quote(type.table)}`,
    isNew: true,
    // Tables of Gohan's own schemas are not listed by those that use them.
    ...(!type.isMeta && { change: { kind: 'made', table: type.table } as const }),
  });
}

/** Whether a new table is made with the key: always where keys can't be added later, else when what it refers to is there by then. One statement costs less than two. */
function isInline({ dialect, made }: Draft, key: WantedKey): boolean {
  return !dialect.canAlterConstraints || (made.has(key.target.table) && key.targetColumn === keyOf(key.target));
}

function planColumns(draft: Draft, type: ResourceType, actual: ActualTable): void {
  const { dialect, tableSteps, problems } = draft;
  const keys = wantedKeys(type, draft.resources, draft.cascadeDelete);
  if (draft.destructive !== undefined) {
    const drops = planKeyDrops(dialect, type, actual, new Set(keys.map(({ column }) => column)));
    draft.freeSteps.push(...drops.steps);
    problems.push(...drops.problems);
  }
  const used = new Set<string>();
  const alter = `ALTER TABLE ${dialect.quote(type.table)}`;
  const dropColumn = (name: string): string => `${alter} DROP COLUMN ${dialect.quote(name)}`;
  for (const property of type.properties) {
    used.add(property.name);
    const place = `table ${type.table}: column ${property.name}`;
    const earlier = property.renamedFrom;
    if (actual.columns.has(property.name)) {
      checkColumn(draft, type, property, actual);
    } else if (earlier !== undefined && actual.columns.has(earlier) && !type.propertyByName.has(earlier)) {
      used.add(earlier);
      const rename = (from: string, to: string): string => `${alter} RENAME COLUMN ${dialect.quote(from)} TO ${dialect.quote(to)}`;
      const what = `table ${type.table}: rename column ${earlier} to ${property.name}`;
      tableSteps.push({ what, sql: rename(earlier, property.name), undo: rename(property.name, earlier), isNew: false });
    } else if (property.name === keyOf(type)) {
      problems.push(`${place} is the key, but the table has no such column`);
    } else {
      const key = keys.find((candidate) => candidate.column === property.name);
      const what = `table ${type.table}: add column ${property.name}`;
      tableSteps.push({ what, sql: addColumn(dialect, type, property, key), undo: dropColumn(property.name), isNew: false });
    }
  }
  for (const column of type.stateVersioning ? STATE_COLUMNS : []) {
    used.add(column.name);
    if (actual.columns.has(column.name)) continue;
    const what = `table ${type.table}: add column ${column.name}`;
    tableSteps.push({ what, sql: addStateColumn(dialect, type, column), undo: dropColumn(column.name), isNew: false });
  }
  for (const column of actual.columns.values()) {
    if (used.has(column.name)) continue;
    if (draft.destructive !== undefined) {
      const drop = planColumnDrop(dialect, type, actual, column);
      tableSteps.push(...drop.steps);
      problems.push(...drop.problems);
      continue;
    }
    if (column.isNullable || column.hasDefault) continue;
    problems.push(`table ${type.table}: column ${column.name} must have a value, but the schema has no such property (any more)`);
  }
}

function checkColumn(draft: Draft, type: ResourceType, property: Property, actual: ActualTable): void {
  const { dialect, tableSteps, problems, rebuilds, destructive } = draft;
  const column = actual.columns.get(property.name);
  if (column === undefined) return;
  const place = `table ${type.table}: column ${property.name}`;
  const isKey = property.name === keyOf(type);
  if (!isFitting(property, column)) {
    const change = destructive === undefined || isKey ? undefined : planTypeChange(dialect, type, property, column);
    if (change === undefined) problems.push(`${place} is ${column.type}, but the schema says ${property.type}`);
    else tableSteps.push(change);
    return;
  }
  if (isKey || property.sql !== undefined) return;
  const narrowed = destructive === undefined ? undefined : planNotNull(dialect, type, property, column);
  if (narrowed !== undefined) tableSteps.push(narrowed);
  const isWidened = property.isColumnNullable && !column.isNullable;
  if (isWidened && !dialect.canAlterConstraints) rebuilds.push({ type, what: `${place} may be null` });
  const text = dialect.columnType(type, property);
  if (isWidened && dialect.canAlterConstraints) {
    const sql = dialect.dropNotNull(type.table, property.name, text);
    tableSteps.push({ what: `${place} may be null`, sql, undo: undefined, isNew: false });
  } else if (dialect.kind === 'mysql' && text === KEY_TYPE && column.type.endsWith('text')) {
    // MySQL indexes no long texts whole. Its strict mode refuses rather than cuts those that are longer.
    const sql = `ALTER TABLE ${dialect.quote(type.table)} MODIFY ${dialect.quote(property.name)} ${text} ${column.isNullable ? 'NULL' : 'NOT NULL'}`;
    tableSteps.push({ what: `${place} becomes ${text}, as a key`, sql, undo: undefined, isNew: false });
  }
}

function planIndexes(draft: Draft, type: ResourceType, actual: ActualTable | undefined): void {
  const { dialect, isShared, indexSteps, dropSteps } = draft;
  const earlier = new Map(type.properties.map((property) => [property.name, property.renamedFrom]));
  if (actual === undefined && dialect.kind === 'mysql') return;
  const stale = new Set(actual === undefined || draft.destructive === undefined ? [] : staleUniqueIndexes(type, actual));
  const kept = actual && { ...actual, indexes: new Map([...actual.indexes].filter(([name]) => !stale.has(name))) };
  for (const index of wantedIndexes(type, isShared)) {
    if (kept !== undefined && hasIndex(kept, index, earlier)) continue;
    const sql = createIndex(dialect, type, index);
    if (sql === undefined) continue;
    const what = `table ${type.table}: index ${index.name} on ${index.columns.join(', ')}`;
    indexSteps.push({ what, sql, undo: dropIndex(dialect, type, index), isNew: actual === undefined });
  }
  for (const name of stale) {
    const sql = dropIndex(dialect, type, { name });
    dropSteps.push({ what: `table ${type.table}: drop unique index ${name}`, sql, undo: undefined, isNew: false });
  }
}

/** Any index that begins with the columns serves; a unique one must be on exactly these. */
function hasIndex(actual: ActualTable, wanted: WantedIndex, earlier: ReadonlyMap<string, string | undefined>): boolean {
  const columns = wanted.columns.map((name) => (actual.columns.has(name) ? name : (earlier.get(name) ?? name)));
  for (const index of actual.indexes.values()) {
    const begins = columns.every((column, place) => index.columns[place] === column);
    if (begins && (wanted.type !== 'unique' || (index.isUnique && index.columns.length === columns.length))) return true;
  }
  return false;
}

function planKeys(draft: Draft, type: ResourceType, actual: ActualTable | undefined): void {
  const { dialect, resources, cascadeDelete, keySteps, rebuilds } = draft;
  for (const key of wantedKeys(type, resources, cascadeDelete)) {
    const earlier = type.propertyByName.get(key.column)?.renamedFrom;
    const isThere = actual?.foreignKeys.some(({ columns }) => columns[0] === key.column || columns[0] === earlier) ?? false;
    if (isThere || (actual === undefined && isInline(draft, key))) continue;
    const what = `table ${type.table}: foreign key ${key.column} to ${key.target.table}`;
    if (dialect.canAlterConstraints)
      keySteps.push({ what, sql: addKey(dialect, type, key), undo: dropKey(dialect, type, key), isNew: actual === undefined });
    else if (actual?.columns.has(key.column) === true) rebuilds.push({ type, what });
  }
}
