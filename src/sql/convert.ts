import type { ResourceType, SchemaSet } from '../schema/types.ts';
import { keyOf, STATE_COLUMNS } from './column.ts';
import { dialectOf } from './dialect-of.ts';
import { namingRow } from './naming-row.ts';
import type { Database, Resource, Session } from './types.ts';

export interface ConvertOptions {
  readonly from: Database;
  /** Its tables are prepared for the same schemas. */
  readonly to: Database;
  readonly schemas: SchemaSet;
  /** Told after each batch. */
  readonly onProgress?: (progress: { readonly table: string; readonly done: number; readonly total: number }) => void;
  /** Rows that are held and written at once; default 500. */
  readonly batchSize?: number;
}

const BATCH_SIZE = 500;
const WRITE = { isolation: 'READ COMMITTED' } as const;

/**
 * Copies the rows of all schemas from one database to another, batch by batch, from one snapshot where the source has such. Rows whose id is there
 * already are left alone, so a copy that was interrupted is taken up by starting it again. Gives how many rows were copied.
 */
export async function convertDatabase(options: ConvertOptions): Promise<number> {
  const { from, to, schemas } = options;
  return await from.transaction(
    async (source) => {
      let copied = 0;
      const types = [...schemas.resources.values()];
      for (const type of types) copied += await copyType(options, source, type);
      for (const type of types) await copyLateRelations(options, source, type);
      await countOn(to, types);
      return copied;
    },
    { isolation: 'REPEATABLE READ' },
  );
}

async function copyType(options: ConvertOptions, source: Session, type: ResourceType): Promise<number> {
  const total = await source.count(type, { kind: 'true' });
  const late = new Set(lateRelations(type, options.schemas));
  let done = 0;
  let copied = 0;
  for await (const rows of batches(source, type, options.batchSize ?? BATCH_SIZE)) {
    const missing = await withoutPresent(options.to, type, rows);
    await options.to.transaction(async (session) => {
      for (const row of missing) {
        const values = Object.entries(row).filter(([name, value]) => value !== null && !late.has(name));
        await namingRow(whereIs(type, row), () => session.insert(type, Object.fromEntries(values)));
      }
    }, WRITE);
    done += rows.length;
    copied += missing.length;
    options.onProgress?.({ table: type.table, done, total });
  }
  return copied;
}

function whereIs(type: ResourceType, row: Resource): string {
  const id = String(row[keyOf(type)]);
  return `${type.table}, row ${id.length > 80 ? `${id.slice(0, 80)}…` : id}`;
}

/** Relations to rows that may come later: to the type itself, or to a type that comes after it. */
function lateRelations(type: ResourceType, schemas: SchemaSet): readonly string[] {
  const order = [...schemas.resources.keys()];
  return type.properties
    .filter((property) => property.isColumnNullable && order.indexOf(property.relation?.schemaId ?? '') >= order.indexOf(type.id))
    .map((property) => property.name);
}

async function copyLateRelations(options: ConvertOptions, source: Session, type: ResourceType): Promise<void> {
  const late = lateRelations(type, options.schemas);
  if (late.length === 0) return;
  const key = keyOf(type);
  for await (const rows of batches(source, type, options.batchSize ?? BATCH_SIZE)) {
    await options.to.transaction(async (session) => {
      for (const row of rows) {
        const changes = Object.fromEntries(late.filter((name) => row[name] !== null).map((name) => [name, row[name]]));
        const version = type.stateVersioning ? { config_version: row['config_version'] } : {};
        if (Object.keys(changes).length > 0)
          await namingRow(whereIs(type, row), () => session.update(type, row[key], { ...changes, ...version }));
      }
    }, WRITE);
  }
}

async function* batches(source: Session, type: ResourceType, limit: number): AsyncGenerator<readonly Resource[]> {
  const fields = [
    ...type.properties.map((property) => property.name),
    ...(type.stateVersioning ? STATE_COLUMNS.map((column) => column.name) : []),
  ];
  let after: readonly unknown[] | undefined;
  for (;;) {
    const rows = await source.list(type, { filter: { kind: 'true' }, fields, embed: false, limit, ...(after !== undefined && { after }) });
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = [last[keyOf(type)]];
  }
}

async function withoutPresent(to: Database, type: ResourceType, rows: readonly Resource[]): Promise<readonly Resource[]> {
  const key = keyOf(type);
  const values = rows.map((row) => row[key] as string | number);
  const present = await to.reader.list(type, { filter: { kind: 'in', property: key, values }, fields: [key], embed: false });
  const ids = new Set(present.map((row) => row[key]));
  return rows.filter((row) => !ids.has(row[key]));
}

/** PostgreSQL does not count on from keys that were inserted; the others do. */
async function countOn(to: Database, types: readonly ResourceType[]): Promise<void> {
  if (to.kind !== 'postgresql') return;
  const { quote } = await dialectOf(to);
  for (const type of types) {
    const key = keyOf(type);
    if (!/auto_?increment/i.test(type.propertyByName.get(key)?.sql ?? '')) continue;
    const table = quote(type.table);
    await to.transaction(
      (session) =>
        session.query(`SELECT setval(pg_get_serial_sequence(?, ?), GREATEST((SELECT max(${quote(key)}) FROM ${table}), 1))`, [table, key]),
      WRITE,
    );
  }
}
