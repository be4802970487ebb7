import { type ColumnKind, toColumnKind } from './column.ts';
import { isKeyLike } from './column-types.ts';
import type { ActualTable, Ask, Dialect, Failure } from './dialect.ts';
import { escapeLike } from './like.ts';
import { toTables } from './read-tables.ts';

const TYPES: Readonly<Record<ColumnKind, string>> = {
  text: 'longtext',
  integer: 'bigint',
  number: 'double',
  boolean: 'boolean',
  // Not MySQL's json: that would forget the text, by which JSON columns are compared. MariaDB's json is this type.
  json: 'longtext',
};

const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** The index prefix of long texts: Gohan's. */
const PREFIX_LENGTH = 255;

/** MySQL and MariaDB, by mysql2. `explain` is the word whose answer has `filtered`; `collation` is one that compares bytes and does not ignore trailing blanks, which the two name differently. */
export function createMysqlDialect(collation: string, explain = 'EXPLAIN'): Dialect {
  return {
    kind: 'mysql',
    quote,
    placeholder: (_index, kind) => (kind === 'number' ? 'CAST(? AS DOUBLE)' : '?'),
    // A BigInt goes over the wire as a 64-bit integer; a number as a double, which compares inexactly.
    bind: (value, kind) =>
      kind === 'integer' && typeof value === 'number' ? BigInt(value) : typeof value === 'boolean' ? Number(value) : value,
    comparable: (column) => column,
    contains: (column, kind, placeholder) => `${textOf(column, kind)} LIKE ${placeholder} ESCAPE '|'`,
    containsText: escapeLike,
    direction: (isDescending) => (isDescending ? ' DESC' : ''),
    page: (limit, offset) =>
      limit === undefined && offset === undefined
        ? ''
        : ` LIMIT ${limit ?? '18446744073709551615'}${offset === undefined ? '' : ` OFFSET ${offset}`}`,
    lock: (policy) => (policy === 'none' ? '' : ' FOR UPDATE'),
    estimate: {
      explain: (select) => `${explain} ${select}`,
      // The last three columns are rows, the part of them in per cent that the rest of the condition leaves, and remarks.
      rowsOf: ([row]) => Math.round((Number(row?.at(-3) ?? 0) * Number(row?.at(-2) ?? 100)) / 100),
    },
    relatedLock: 'joined',
    json: undefined,
    begin: (isolation) => [`SET TRANSACTION ISOLATION LEVEL ${isolation}`, 'START TRANSACTION'],
    readFailure,
    columnType(type, property) {
      if (property.sql !== undefined) return property.sql.replaceAll(/autoincrement/gi, 'auto_increment');
      const kind = toColumnKind(property);
      return kind === 'text' && isKeyLike(type, property) ? 'varchar(255)' : TYPES[kind];
    },
    columnCheck: (property) =>
      property.sql === undefined && toColumnKind(property) === 'json' ? ` CHECK (json_valid(${quote(property.name)}))` : '',
    typeOf: (kind) => TYPES[kind],
    tableOptions: ` ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE ${collation}`,
    countedKey: 'bigint PRIMARY KEY AUTO_INCREMENT',
    indexColumn: (column, columnType) => (/text|blob/i.test(columnType) ? `${quote(column)}(${PREFIX_LENGTH})` : quote(column)),
    canIndexFulltext: true,
    canCountAlong: false,
    // Long texts take defaults only as expressions.
    defaultOf: (literal) => `DEFAULT (${literal})`,
    canAlterConstraints: true,
    alterType: (table, column, { type, check, isNullable }) =>
      `ALTER TABLE ${quote(table)} MODIFY ${quote(column)} ${type} ${isNullable ? 'NULL' : 'NOT NULL'}${check}`,
    setNotNull: (table, column, columnType) => `ALTER TABLE ${quote(table)} MODIFY ${quote(column)} ${columnType} NOT NULL`,
    dropNotNull: (table, column, columnType) => `ALTER TABLE ${quote(table)} MODIFY ${quote(column)} ${columnType} NULL`,
    readTables,
  };
}

/** The dialect of a server by what VERSION() says. */
export function dialectOfMysql(version: string): Dialect {
  if (/mariadb/i.test(version)) return createMysqlDialect('utf8mb4_nopad_bin', 'EXPLAIN EXTENDED');
  return createMysqlDialect(Number.parseInt(version, 10) >= 8 ? 'utf8mb4_0900_bin' : 'utf8mb4_bin');
}

function textOf(column: string, kind: ColumnKind): string {
  if (kind === 'boolean') return `CASE WHEN ${column} THEN 'true' WHEN NOT ${column} THEN 'false' END`;
  return kind === 'text' || kind === 'json' ? column : `CAST(${column} AS CHAR)`;
}

const CODES: Readonly<Record<number, (message: string) => Failure>> = {
  // Lock wait timeout, deadlock, record changed since the snapshot, too many active transactions
  1205: () => ({ kind: 'retry' }),
  1213: () => ({ kind: 'retry' }),
  1020: () => ({ kind: 'retry' }),
  1637: () => ({ kind: 'retry' }),
  // Too many connections, of the server or of the user
  1040: () => ({ kind: 'busy' }),
  1203: () => ({ kind: 'busy' }),
  1226: () => ({ kind: 'busy' }),
  1062: (message) => {
    const key = /for key '(.+)'$/.exec(message)?.[1] ?? '';
    return { kind: 'unique', columns: [], constraint: key.slice(key.indexOf('.') + 1) };
  },
  1586: () => ({ kind: 'unique', columns: [] }),
  1451: () => ({ kind: 'reference', side: 'referenced', columns: [] }),
  1452: (message) => ({ kind: 'reference', side: 'missing', columns: /FOREIGN KEY \(`(.+?)`\)/.exec(message)?.slice(1) ?? [] }),
  1048: (message) => ({ kind: 'required', columns: /Column '(.+?)'/.exec(message)?.slice(1) ?? [] }),
  1364: (message) => ({ kind: 'required', columns: /Field '(.+?)'/.exec(message)?.slice(1) ?? [] }),
  // Too long, out of range, wrong value, a check that fails
  1406: (message) => ({ kind: 'value', columns: /column '(.+?)'/.exec(message)?.slice(1) ?? [] }),
  1264: (message) => ({ kind: 'value', columns: /column '(.+?)'/.exec(message)?.slice(1) ?? [] }),
  1366: () => ({ kind: 'value', columns: [] }),
  1292: () => ({ kind: 'value', columns: [] }),
  4025: () => ({ kind: 'value', columns: [] }),
  3819: () => ({ kind: 'value', columns: [] }),
  // Server shutdown, connection killed, connection lost, wait_timeout
  1053: () => ({ kind: 'lost' }),
  1927: () => ({ kind: 'lost' }),
  1317: () => ({ kind: 'lost' }),
  2006: () => ({ kind: 'lost' }),
  2013: () => ({ kind: 'lost' }),
  4031: () => ({ kind: 'lost' }),
};

function readFailure(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errno, code, fatal, sqlState } = error as Error & {
    readonly errno?: number;
    readonly code?: string;
    readonly fatal?: boolean;
    readonly sqlState?: string;
  };
  const known = errno === undefined ? undefined : CODES[errno]?.(error.message);
  if (known !== undefined) return known;
  // The server's own refusals (a wrong password) are fatal too; those about the connection are of class 08.
  if (typeof sqlState === 'string' && sqlState !== '' && !sqlState.startsWith('08')) return undefined;
  const isLost = fatal === true || (code !== undefined && /^(?:PROTOCOL_|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET)/.test(code));
  return isLost || /closed state|connection is closed/i.test(error.message) ? { kind: 'lost' } : undefined;
}

async function readTables(ask: Ask): Promise<ReadonlyMap<string, ActualTable>> {
  // Names are given in lower case by alias: MySQL 8 shows those of information_schema in upper case.
  const columns = await ask(
    `SELECT table_name AS \`table\`, column_name AS name, column_type AS type, is_nullable = 'YES' AS is_nullable,
     (column_default IS NOT NULL OR extra LIKE '%auto_increment%') AS has_default FROM information_schema.columns
     WHERE table_schema = database() ORDER BY table_name, ordinal_position`,
    [],
  );
  const indexes = await ask(
    `SELECT table_name AS \`table\`, index_name AS \`index\`, non_unique = 0 AS is_unique, column_name AS \`column\`
     FROM information_schema.statistics WHERE table_schema = database() ORDER BY table_name, index_name, seq_in_index`,
    [],
  );
  const foreignKeys = await ask(
    `SELECT table_name AS \`table\`, column_name AS \`column\`, referenced_table_name AS target, constraint_name AS name
     FROM information_schema.key_column_usage
     WHERE table_schema = database() AND referenced_table_name IS NOT NULL`,
    [],
  );
  return toTables({ columns, indexes, foreignKeys }, familyOf);
}

function familyOf(name: string): ColumnKind | undefined {
  if (name.startsWith('tinyint(1)')) return 'boolean';
  if (/^(?:tiny|small|medium|big)?int|^decimal/.test(name)) return 'integer';
  if (/^(?:double|float|real)/.test(name)) return 'number';
  if (name === 'json') return 'json';
  return /char|text/.test(name) ? 'text' : undefined;
}
