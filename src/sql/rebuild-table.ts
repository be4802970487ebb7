import { SekishoError } from '../lib/errors.ts';
import type { ResourceType } from '../schema/types.ts';
import { STATE_COLUMNS } from './column.ts';
import type { ActualTable, Ask, Dialect } from './dialect.ts';
import { createTable, type WantedKey } from './table-text.ts';

/**
 * Makes an SQLite table anew with the constraints of its schema, and moves its rows: SQLite alters no constraint in place. Columns without a property
 * stay, and none becomes NOT NULL that was not. Runs in a transaction in which foreign keys are off, since DROP TABLE would cascade.
 * MIGRATION_NEEDED when rows break a new foreign key.
 */
export async function rebuildTable(
  dialect: Dialect,
  ask: Ask,
  type: ResourceType,
  { actual, keys }: { readonly actual: ActualTable; readonly keys: readonly WantedKey[] },
): Promise<void> {
  const { quote } = dialect;
  const table = quote(type.table);
  const kept = await ask("SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type IN ('index', 'trigger') AND sql IS NOT NULL", [
    type.table,
  ]);
  const fresh = { ...type, table: `${type.table}__new`, properties: type.properties.map((property) => asWide(property, actual)) };
  await ask(createTable(dialect, fresh, keys), []);
  for (const column of actual.columns.values()) {
    if (type.propertyByName.has(column.name) || isStateColumn(type, column.name)) continue;
    await ask(`ALTER TABLE ${quote(fresh.table)} ADD COLUMN ${quote(column.name)} ${column.type}`, []);
  }
  const columns = [...actual.columns.keys()].map(quote).join(', ');
  await ask(`INSERT INTO ${quote(fresh.table)} (${columns}) SELECT ${columns} FROM ${table}`, []);
  await ask(`DROP TABLE ${table}`, []);
  await ask(`ALTER TABLE ${quote(fresh.table)} RENAME TO ${table}`, []);
  for (const { sql } of kept) await ask(String(sql), []);
  const [orphan] = await ask('SELECT "parent" AS target FROM pragma_foreign_key_check(?)', [type.table]);
  if (orphan === undefined) return;
  throw new SekishoError('MIGRATION_NEEDED', `table ${type.table}: rows refer to rows of ${String(orphan['target'])} that do not exist`);
}

function asWide(property: ResourceType['properties'][number], actual: ActualTable): ResourceType['properties'][number] {
  const column = actual.columns.get(property.name);
  return column?.isNullable === true ? { ...property, isColumnNullable: true } : property;
}

function isStateColumn(type: ResourceType, name: string): boolean {
  return type.stateVersioning && STATE_COLUMNS.some((column) => column.name === name);
}
