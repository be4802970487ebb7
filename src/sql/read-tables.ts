import type { ColumnKind } from './column.ts';
import type { ActualColumn, ActualTable } from './dialect.ts';

type Row = Readonly<Record<string, unknown>>;

/** What a dialect's three queries of introspection gave. Column names of the rows: as in each function below. */
export interface TableRows {
  /** `table`, `name`, `type`, `is_nullable`, `has_default` (true or 1). */
  readonly columns: readonly Row[];
  /** `table`, `index`, `is_unique`, `column`, in the order of the index. */
  readonly indexes: readonly Row[];
  /** `table`, `column`, `target`, and `name` where keys have one. */
  readonly foreignKeys: readonly Row[];
}

interface Draft {
  readonly columns: Map<string, ActualColumn>;
  readonly indexes: Map<string, { columns: string[]; isUnique: boolean }>;
  readonly foreignKeys: { columns: string[]; table: string; name?: string }[];
}

/** The tables that the rows describe; `familyOf` tells the kind of a type's name. */
export function toTables(rows: TableRows, familyOf: (type: string) => ColumnKind | undefined): ReadonlyMap<string, ActualTable> {
  const tables = new Map<string, Draft>();
  const tableOf = (row: Row): Draft => {
    const name = String(row['table']);
    const table = tables.get(name) ?? { columns: new Map(), indexes: new Map(), foreignKeys: [] };
    tables.set(name, table);
    return table;
  };
  for (const row of rows.columns) {
    const [name, type] = [String(row['name']), String(row['type'])];
    const column = {
      name,
      type,
      family: familyOf(type.toLowerCase()),
      isNullable: isTrue(row['is_nullable']),
      hasDefault: isTrue(row['has_default']),
    };
    tableOf(row).columns.set(name, column);
  }
  for (const row of rows.indexes) {
    const { indexes } = tableOf(row);
    const name = String(row['index']);
    const index = indexes.get(name) ?? { columns: [], isUnique: isTrue(row['is_unique']) };
    index.columns.push(String(row['column']));
    indexes.set(name, index);
  }
  for (const row of rows.foreignKeys) {
    const { column, target, name } = row;
    tableOf(row).foreignKeys.push({ columns: [String(column)], table: String(target), ...(typeof name === 'string' && { name }) });
  }
  return tables;
}

function isTrue(value: unknown): boolean {
  return value === true || Number(value) === 1;
}
