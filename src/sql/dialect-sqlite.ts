import type { IsolationLevel } from '../schema/types.ts';
import { type ColumnKind, toColumnKind } from './column.ts';
import { isKeyLike } from './column-types.ts';
import type { ActualTable, Ask, Dialect, Failure, JsonBuilder } from './dialect.ts';
import { toTables } from './read-tables.ts';

const TYPES: Readonly<Record<ColumnKind, string>> = { text: 'text', integer: 'integer', number: 'real', boolean: 'boolean', json: 'text' };

const BUSY = 5;
const LOCKED = 6;
const CONSTRAINT = 19;
const CONSTRAINT_FOREIGN_KEY = 787;
const CONSTRAINT_NOT_NULL = 1299;

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const json: JsonBuilder = {
  value(column, kind) {
    switch (kind) {
      case 'text':
        return column;
      case 'json':
        return `json(${column})`;
      case 'boolean':
        return `json(CASE WHEN ${column} THEN 'true' WHEN NOT ${column} THEN 'false' ELSE 'null' END)`;
      case 'integer':
        return `CASE WHEN ${column} BETWEEN -9007199254740991 AND 9007199254740991 THEN ${column} ELSE CAST(${column} AS TEXT) END`;
      case 'number':
        // SQLite writes 5.0 where JSON.stringify writes 5.
        return `CASE WHEN ${column} = CAST(${column} AS INTEGER) AND ${column} BETWEEN -1e15 AND 1e15 THEN CAST(${column} AS INTEGER) ELSE ${column} END`;
    }
  },
  object: (pairs) => `json_object(${pairs.map(([name, value]) => `${literal(name)},${value}`).join(',')})`,
  objectOrNull: (presence, object) => `CASE WHEN ${presence} IS NULL THEN NULL ELSE ${object} END`,
  list: (values, rest) => `SELECT ${json.object(values)} ${rest}`,
  isRowwise: true,
  maxPairs: 400,
};

/** SQLite, by node:sqlite. */
export const SQLITE: Dialect = {
  kind: 'sqlite3',
  quote,
  placeholder: () => '?',
  bind: (value) => (typeof value === 'boolean' ? Number(value) : value),
  comparable: (column) => column,
  contains: (column, kind, placeholder) => `instr(${textOf(column, kind)}, ${placeholder}) > 0`,
  // LIKE ignores the case of ASCII letters here, so that substrings are found by instr.
  containsText: (text) => text,
  direction: (isDescending) => (isDescending ? ' DESC' : ''),
  page: (limit, offset) =>
    limit === undefined && offset === undefined ? '' : ` LIMIT ${limit ?? '-1'}${offset === undefined ? '' : ` OFFSET ${offset}`}`,
  lock: () => '',
  estimate: undefined,
  relatedLock: 'none',
  json,
  begin: (_isolation: IsolationLevel) => ['BEGIN IMMEDIATE'],
  readFailure,
  columnType(type, property) {
    if (property.sql !== undefined) return property.sql.replaceAll(/auto_increment/gi, 'autoincrement');
    const kind = toColumnKind(property);
    return kind === 'text' && isKeyLike(type, property) ? 'varchar(255)' : TYPES[kind];
  },
  columnCheck: () => '',
  typeOf: (kind) => TYPES[kind],
  tableOptions: '',
  countedKey: 'integer primary key autoincrement',
  indexColumn: quote,
  canIndexFulltext: false,
  canCountAlong: false,
  defaultOf: (value) => `DEFAULT ${value}`,
  canAlterConstraints: false,
  // A CAST would make 0 of a text, silently.
  alterType: () => undefined,
  setNotNull: () => undefined,
  dropNotNull: () => '',
  readTables,
};

function textOf(column: string, kind: ColumnKind): string {
  if (kind === 'boolean') return `CASE WHEN ${column} THEN 'true' WHEN NOT ${column} THEN 'false' END`;
  return kind === 'text' || kind === 'json' ? column : `CAST(${column} AS TEXT)`;
}

function readFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  const code = error.errcode;
  const primary = code & 0xff;
  if (primary === BUSY || primary === LOCKED) return { kind: 'retry' };
  if (primary !== CONSTRAINT) return undefined;
  if (code === CONSTRAINT_FOREIGN_KEY) return { kind: 'reference', columns: [] };
  const columns = (/constraint failed: (.+)$/.exec(error.message)?.[1] ?? '').split(', ').map((name) => name.slice(name.indexOf('.') + 1));
  return code === CONSTRAINT_NOT_NULL ? { kind: 'required', columns } : { kind: 'unique', columns };
}

const TABLES = 'FROM sqlite_schema m JOIN';
const ONLY = "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'";

async function readTables(ask: Ask): Promise<ReadonlyMap<string, ActualTable>> {
  const columns = await ask(
    `SELECT m.name AS "table", i.name AS name, i.type AS type, (i."notnull" = 0 AND i.pk = 0) AS is_nullable,
     (i.dflt_value IS NOT NULL OR i.pk > 0) AS has_default ${TABLES} pragma_table_info(m.name) i ${ONLY} ORDER BY m.name, i.cid`,
    [],
  );
  const indexes = await ask(
    `SELECT m.name AS "table", l.name AS "index", l."unique" AS is_unique, i.name AS "column"
     ${TABLES} pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i ${ONLY} ORDER BY m.name, l.name, i.seqno`,
    [],
  );
  const foreignKeys = await ask(
    `SELECT m.name AS "table", k."from" AS "column", k."table" AS target ${TABLES} pragma_foreign_key_list(m.name) k ${ONLY}`,
    [],
  );
  return toTables({ columns, indexes, foreignKeys }, familyOf);
}

function familyOf(name: string): ColumnKind | undefined {
  if (/bool/.test(name)) return 'boolean';
  if (/int|numeric|decimal/.test(name)) return 'integer';
  if (/real|doub|floa/.test(name)) return 'number';
  return /char|text|clob/.test(name) ? 'text' : undefined;
}
