import { SekishoError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { ResourceType, SchemaSet } from '../schema/types.ts';
import { keyOf } from './column.ts';
import { namingRow } from './naming-row.ts';
import type { Database, Resource } from './types.ts';

export interface InitialDataOptions {
  /** Rows by table name, as the files of `database.initial_data` have them. */
  readonly tables: Readonly<Record<string, readonly Resource[]>>;
  /** Where the rows are from, for errors. */
  readonly source: string;
  /** Fills in what a row leaves to the defaults of its schema. */
  readonly fillDefaults: (type: ResourceType, row: Resource) => Resource;
}

/**
 * Inserts the rows whose id is not there yet, all in one transaction; those that are there stay as they are. Gives how many were inserted.
 * CONFIG_INVALID when a table has no schema or a row no id.
 */
export async function importInitialData(database: Database, schemas: SchemaSet, options: InitialDataOptions): Promise<number> {
  const types = [...schemas.resources.values()];
  for (const [table, rows] of Object.entries(options.tables)) {
    if (!types.some((type) => type.table === table)) throw unknownTable(options.source, table, types);
    if (!Array.isArray(rows)) throw new SekishoError('CONFIG_INVALID', `${options.source}: ${table} must be a list of rows`);
  }
  return await database.transaction(
    async (session) => {
      let count = 0;
      // In the order of the schemas: rows that others refer to come first.
      for (const type of types) {
        for (const [index, row] of (options.tables[type.table] ?? []).entries()) {
          const where = `${options.source}: ${type.table}[${index}]`;
          const id = typeof row === 'object' && row !== null ? row[keyOf(type)] : undefined;
          if (id === undefined || id === null) throw new SekishoError('CONFIG_INVALID', `${where} has no ${keyOf(type)}`);
          const found = await session.fetch(type, id, { filter: { kind: 'true' }, fields: [keyOf(type)], embed: false });
          if (found !== undefined) continue;
          await namingRow(where, () => session.insert(type, options.fillDefaults(type, row)));
          count += 1;
        }
      }
      return count;
    },
    { isolation: 'SERIALIZABLE' },
  );
}

function unknownTable(source: string, table: string, types: readonly ResourceType[]): SekishoError {
  const known = nearest(
    table,
    types.map((type) => type.table),
  );
  const hint = known === undefined ? '' : `; did you mean ${known}?`;
  return new SekishoError('CONFIG_INVALID', `${source}: no schema has the table ${table}${hint}`);
}
