import type { Property, ResourceType } from '../schema/types.ts';
import { isCascading } from './cascade.ts';
import { keyOf, STATE_COLUMNS, toColumnKind, toStored } from './column.ts';
import type { Dialect } from './dialect.ts';
import { fitName, plainIndexName, uniqueIndexName } from './sql-error.ts';

/** An index that a table is to have. */
export interface WantedIndex {
  readonly name: string;
  readonly columns: readonly string[];
  readonly type: 'unique' | 'fulltext' | 'spatial' | '';
}

/** A foreign key that a table is to have. */
export interface WantedKey {
  readonly column: string;
  readonly target: ResourceType;
  readonly targetColumn: string;
  readonly isCascading: boolean;
}

/** CREATE TABLE of a type with these foreign keys and, on MySQL, which alone takes them there, indexes. */
export function createTable(
  dialect: Dialect,
  type: ResourceType,
  keys: readonly WantedKey[],
  indexes: readonly WantedIndex[] = [],
): string {
  const lines = type.properties.map((property) => `${dialect.quote(property.name)} ${columnWords(dialect, type, property)}`);
  if (type.stateVersioning) lines.push(...STATE_COLUMNS.map((column) => stateColumn(dialect, column)));
  lines.push(
    ...indexes.map((index) =>
      `${index.type.toUpperCase()} INDEX ${dialect.quote(index.name)} ${indexColumns(dialect, type, index)}`.trim(),
    ),
  );
  lines.push(...keys.map((key) => keyWords(dialect, type, key)));
  return `CREATE TABLE ${dialect.quote(type.table)} (\n  ${lines.join(',\n  ')}\n)${dialect.tableOptions}`;
}

/** ALTER TABLE that adds the column of a property. It may be NULL, since the rows that are there have no value but the default. */
export function addColumn(dialect: Dialect, type: ResourceType, property: Property, key: WantedKey | undefined): string {
  const literal = property.defaultValue === undefined || property.defaultValue === null ? undefined : toLiteral(dialect, property);
  const words = [
    dialect.columnType(type, property),
    literal === undefined ? '' : dialect.defaultOf(literal),
    dialect.columnCheck(property),
  ];
  // SQLite takes a reference in ADD COLUMN only when the rows that are there get NULL.
  const canRefer = key !== undefined && !dialect.canAlterConstraints && literal === undefined;
  const reference = canRefer ? referenceWords(dialect, key) : '';
  return `ALTER TABLE ${dialect.quote(type.table)} ADD COLUMN ${dialect.quote(property.name)} ${join(...words, reference)}`;
}

/** ALTER TABLE that adds a column of the state. */
export function addStateColumn(dialect: Dialect, type: ResourceType, column: (typeof STATE_COLUMNS)[number]): string {
  return `ALTER TABLE ${dialect.quote(type.table)} ADD COLUMN ${stateColumn(dialect, column)}`;
}

/** ALTER TABLE that adds a foreign key. */
export function addKey(dialect: Dialect, type: ResourceType, key: WantedKey): string {
  return `ALTER TABLE ${dialect.quote(type.table)} ADD ${keyWords(dialect, type, key)}`;
}

/** ALTER TABLE that takes a foreign key away. */
export function dropKey(dialect: Dialect, type: ResourceType, key: WantedKey): string {
  return dropKeyNamed(dialect, type, keyName(type, key));
}

/** The same by the key's name. */
export function dropKeyNamed(dialect: Dialect, type: ResourceType, name: string): string {
  const word = dialect.kind === 'mysql' ? 'FOREIGN KEY' : 'CONSTRAINT';
  return `ALTER TABLE ${dialect.quote(type.table)} DROP ${word} ${dialect.quote(name)}`;
}

/** DROP INDEX. */
export function dropIndex(dialect: Dialect, type: ResourceType, index: Pick<WantedIndex, 'name'>): string {
  return `DROP INDEX ${dialect.quote(index.name)}${dialect.kind === 'mysql' ? ` ON ${dialect.quote(type.table)}` : ''}`;
}

/** CREATE INDEX; undefined for a kind of index that the database lacks. */
export function createIndex(dialect: Dialect, type: ResourceType, index: WantedIndex): string | undefined {
  if ((index.type === 'fulltext' || index.type === 'spatial') && !dialect.canIndexFulltext) return undefined;
  const word = index.type === '' ? '' : `${index.type.toUpperCase()} `;
  return `CREATE ${word}INDEX ${dialect.quote(index.name)} ON ${dialect.quote(type.table)} ${indexColumns(dialect, type, index)}`;
}

function indexColumns(dialect: Dialect, type: ResourceType, index: WantedIndex): string {
  const columns = index.columns.map((name) => {
    const property = type.propertyByName.get(name);
    const hasPrefix = property !== undefined && index.type === '';
    return hasPrefix ? dialect.indexColumn(name, dialect.columnType(type, property)) : dialect.quote(name);
  });
  return `(${columns.join(', ')})`;
}

/** The indexes of a type. Names are one space per database (SQLite, PostgreSQL), so `isShared` ones are led by the table's. */
export function wantedIndexes(type: ResourceType, isShared: (name: string) => boolean): readonly WantedIndex[] {
  const indexes: WantedIndex[] = [];
  for (const property of type.properties) {
    if (property.name === keyOf(type) && property.sql === undefined) continue;
    const columns = [property.name];
    if (property.isUnique) indexes.push({ name: uniqueIndexName(type.table, property.name), columns, type: 'unique' });
    else if (property.isIndexed || property.relation !== undefined)
      indexes.push({ name: plainIndexName(type.table, property.name), columns, type: '' });
  }
  for (const index of type.indexes) {
    indexes.push({
      name: isShared(index.name) ? fitName(`${type.table}_${index.name}`) : index.name,
      columns: index.columns,
      type: index.type,
    });
  }
  return indexes;
}

/** The foreign keys of a type: relations to types that are there. */
export function wantedKeys(type: ResourceType, resources: ReadonlyMap<string, ResourceType>, cascadeDelete: boolean): readonly WantedKey[] {
  return type.properties.flatMap((property) => {
    const target = property.relation === undefined ? undefined : resources.get(property.relation.schemaId);
    if (property.relation === undefined || target === undefined) return [];
    const isCascade = isCascading(type, property, cascadeDelete);
    return [{ column: property.name, target, targetColumn: property.relation.column, isCascading: isCascade }];
  });
}

function columnWords(dialect: Dialect, type: ResourceType, property: Property): string {
  const text = dialect.columnType(type, property);
  if (property.sql !== undefined && /\bnull\b|primary\s+key/i.test(text)) return text;
  const isKey = property.name === keyOf(type) && property.sql === undefined;
  const nullness = isKey ? 'NOT NULL PRIMARY KEY' : property.isColumnNullable ? 'NULL' : 'NOT NULL';
  return join(text, nullness, dialect.columnCheck(property));
}

function stateColumn(dialect: Dialect, column: (typeof STATE_COLUMNS)[number]): string {
  const literal = typeof column.defaultValue === 'number' ? String(column.defaultValue) : "''";
  return `${dialect.quote(column.name)} ${dialect.typeOf(column.kind)} ${dialect.defaultOf(literal)}`;
}

function keyWords(dialect: Dialect, type: ResourceType, key: WantedKey): string {
  return `CONSTRAINT ${dialect.quote(keyName(type, key))} FOREIGN KEY (${dialect.quote(key.column)}) ${referenceWords(dialect, key)}`;
}

function keyName(type: ResourceType, key: WantedKey): string {
  return fitName(`${type.table}_${key.column}_${key.target.table}_${key.targetColumn}`);
}

function referenceWords(dialect: Dialect, key: WantedKey): string {
  const cascade = key.isCascading ? ' ON DELETE CASCADE' : '';
  return `REFERENCES ${dialect.quote(key.target.table)} (${dialect.quote(key.targetColumn)})${cascade}`;
}

/** The default as SQL. It comes from schema files, which may hold any text. */
function toLiteral(dialect: Dialect, property: Property): string {
  const kind = toColumnKind(property);
  const value = toStored({ name: property.name, kind, isNullable: true }, property.defaultValue);
  if (typeof value === 'boolean') return dialect.kind === 'postgresql' ? String(value) : value ? '1' : '0';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const text = String(value).replaceAll("'", "''");
  return `'${dialect.kind === 'mysql' ? text.replaceAll('\\', '\\\\') : text}'`;
}

function join(...words: readonly string[]): string {
  return words
    .map((word) => word.trim())
    .filter((word) => word !== '')
    .join(' ');
}
