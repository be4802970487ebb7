import type { Property, ResourceType } from '../schema/types.ts';
import { toColumnKind } from './column.ts';
import type { ActualColumn, ActualTable, Dialect } from './dialect.ts';
import type { PlanStep } from './schema-plan.ts';
import { uniqueIndexName } from './sql-error.ts';
import { dropIndex, dropKeyNamed } from './table-text.ts';

/** Steps that lose or refuse something, and what can't be done. They are planned only where somebody allowed it, and never at start. */
export interface DestructivePlan {
  readonly steps: readonly PlanStep[];
  readonly problems: readonly string[];
}

/** Takes a column away that has no property any more, with what stands in its way. */
export function planColumnDrop(dialect: Dialect, type: ResourceType, actual: ActualTable, column: ActualColumn): DestructivePlan {
  const { quote, kind } = dialect;
  const alter = `ALTER TABLE ${quote(type.table)}`;
  const place = `table ${type.table}`;
  const keys = actual.foreignKeys.filter(({ columns }) => columns.includes(column.name));
  if (kind === 'sqlite3' && keys.length > 0)
    return { steps: [], problems: [`${place}: column ${column.name} has a foreign key, and SQLite drops no such column; it stays`] };
  const steps: PlanStep[] = [];
  // PostgreSQL drops what depends on the column by itself.
  if (kind !== 'postgresql') {
    for (const { name } of keys) {
      if (name === undefined) continue;
      steps.push({ what: `${place}: drop foreign key ${name}`, sql: dropKeyNamed(dialect, type, name), undo: undefined, isNew: false });
    }
    for (const [name, { columns }] of actual.indexes) {
      if (!columns.includes(column.name)) continue;
      steps.push({ what: `${place}: drop index ${name}`, sql: dropIndex(dialect, type, { name }), undo: undefined, isNew: false });
    }
  }
  steps.push({
    what: `${place}: drop column ${column.name}`,
    sql: `${alter} DROP COLUMN ${quote(column.name)}`,
    undo: `${alter} ADD COLUMN ${quote(column.name)} ${column.type}`,
    isNew: false,
  });
  return { steps, problems: [] };
}

/** Gives a column the type that its property has now. Rows whose values do not fit make the database refuse it. */
export function planTypeChange(dialect: Dialect, type: ResourceType, property: Property, column: ActualColumn): PlanStep | undefined {
  const text = dialect.columnType(type, property);
  const sql = dialect.alterType(type.table, property.name, {
    type: text,
    check: dialect.columnCheck(property),
    isNullable: column.isNullable,
  });
  if (sql === undefined) return undefined;
  return {
    what: `table ${type.table}: column ${property.name} becomes ${text}, from ${column.type}`,
    sql,
    undo: dialect.alterType(type.table, property.name, { type: column.type, check: '', isNullable: column.isNullable }),
    isNew: false,
  };
}

/** Makes a column NOT NULL whose property must have a value now; undefined where it may be null already or the database can't. */
export function planNotNull(dialect: Dialect, type: ResourceType, property: Property, column: ActualColumn): PlanStep | undefined {
  if (property.isColumnNullable || !column.isNullable) return undefined;
  const text = dialect.columnType(type, property);
  const sql = dialect.setNotNull(type.table, property.name, text);
  if (sql === undefined) return undefined;
  const what = `table ${type.table}: column ${property.name} may not be null any more`;
  return { what, sql, undo: dialect.dropNotNull(type.table, property.name, text), isNew: false };
}

/** Takes the foreign keys away that Sekisho made and that no property has any more; `related` are the columns that have one. */
export function planKeyDrops(dialect: Dialect, type: ResourceType, actual: ActualTable, related: ReadonlySet<string>): DestructivePlan {
  const steps: PlanStep[] = [];
  const problems: string[] = [];
  for (const key of actual.foreignKeys) {
    const [column = ''] = key.columns;
    const property = type.properties.find((one) => one.name === column || one.renamedFrom === column);
    if (property === undefined || related.has(property.name)) continue;
    if (!dialect.canAlterConstraints)
      problems.push(`table ${type.table}: column ${column} has a foreign key to ${key.table}, and SQLite takes none away; it stays`);
    else if (key.name !== undefined && isOurKey(type, key)) {
      const sql = dropKeyNamed(dialect, type, key.name);
      steps.push({ what: `table ${type.table}: drop foreign key ${key.name}`, sql, undo: undefined, isNew: false });
    }
  }
  return { steps, problems };
}

/** The names of unique indexes that Sekisho made for properties that are not unique any more. */
export function staleUniqueIndexes(type: ResourceType, actual: ActualTable): readonly string[] {
  const loose = type.properties.filter(({ isUnique }) => !isUnique);
  const generated = new Set(namesOf(type).flatMap((table) => loose.flatMap(namesOfColumn).map((column) => uniqueIndexName(table, column))));
  return [...actual.indexes].filter(([name, { isUnique }]) => isUnique && generated.has(name)).map(([name]) => name);
}

/** Whether a foreign key has a name that Sekisho gives. */
export function isOurKey(type: ResourceType, key: ActualTable['foreignKeys'][number]): boolean {
  const { name, columns } = key;
  return name !== undefined && namesOf(type).some((table) => name.startsWith(`${table}_${columns[0] ?? ''}_`));
}

function namesOf({ table, renamedFrom }: ResourceType): readonly string[] {
  return renamedFrom === undefined ? [table] : [table, renamedFrom];
}

function namesOfColumn({ name, renamedFrom }: Property): readonly string[] {
  return renamedFrom === undefined ? [name] : [name, renamedFrom];
}

/** Drops tables of schemas that are gone, those that refer to others first. One that a table refers to that stays, or that refers in a circle, stays too. */
export function planTableDrops(
  dialect: Dialect,
  tables: ReadonlyMap<string, ActualTable>,
  unwanted: readonly string[],
  stays: (table: string, key: ActualTable['foreignKeys'][number]) => boolean,
): DestructivePlan {
  const left = new Set(unwanted);
  const steps: PlanStep[] = [];
  const referrers = (target: string): readonly string[] =>
    [...tables]
      .filter(([table, { foreignKeys }]) => {
        if (table === target || (unwanted.includes(table) && !left.has(table))) return false;
        return foreignKeys.some((key) => key.table === target && (left.has(table) || stays(table, key)));
      })
      .map(([table]) => table);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const table of left) {
      if (referrers(table).length > 0) continue;
      left.delete(table);
      steps.push({
        what: `drop table ${table}, which no schema has any more, with its rows`,
        sql: `DROP TABLE ${dialect.quote(table)}`,
        undo: undefined,
        isNew: false,
        change: { kind: 'dropped', table },
      });
    }
  }
  const problems = [...left].map(
    (table) => `table ${table} has no schema any more, but ${referrers(table).join(', ')} refers to it; it stays`,
  );
  return { steps, problems };
}

/** Whether a column of one family can hold the values of a property as it is. */
export function isFitting(property: Property, column: ActualColumn): boolean {
  return property.sql !== undefined || column.family === undefined || FITTING[toColumnKind(property)].includes(column.family);
}

/** Kinds of columns that hold the values of a kind: files of Gohan have integers in numeric columns and JSON in texts. */
const FITTING: Readonly<Record<ReturnType<typeof toColumnKind>, readonly ReturnType<typeof toColumnKind>[]>> = {
  text: ['text'],
  integer: ['integer'],
  number: ['number', 'integer'],
  boolean: ['boolean', 'integer'],
  json: ['json', 'text'],
};
