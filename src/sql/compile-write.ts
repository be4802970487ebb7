import { SekishoError } from '../lib/errors.ts';
import type { ResourceType } from '../schema/types.ts';
import { type Column, findColumn, keyOf, type Parameter, toCompared, toStored } from './column.ts';
import { isKeyLike, KEY_LENGTH } from './column-types.ts';
import type { Dialect } from './dialect.ts';
import type { StatementBook } from './statement-book.ts';
import type { Resource } from './types.ts';

export interface BoundWrite {
  readonly text: string;
  readonly parameters: readonly Parameter[];
}

/** Compiles inserts, updates and deletes of one row for one database. RESOURCE_INVALID when a value does not fit its column. */
export interface WriteCompiler {
  insert(type: ResourceType, resource: Resource): BoundWrite;
  /** Undefined when there is nothing to change. */
  update(type: ResourceType, id: unknown, changes: Resource): BoundWrite | undefined;
  delete(type: ResourceType, id: unknown): BoundWrite;
}

export function createWriteCompiler(dialect: Dialect, book: StatementBook<string>): WriteCompiler {
  const toText = (type: ResourceType, key: string, compile: () => string): string =>
    book.find(type, key) ?? book.keep(type, key, compile());
  const placeholders = (columns: readonly Column[]): string[] =>
    columns.map((column, index) => dialect.placeholder(index + 1, column.kind));
  return {
    insert(type, resource) {
      const { columns, parameters } = bindColumns(dialect, type, resource);
      const text = toText(type, `i${namesOf(columns)}`, () => {
        const table = dialect.quote(type.table);
        if (columns.length === 0)
          return dialect.kind === 'mysql' ? `INSERT INTO ${table} () VALUES ()` : `INSERT INTO ${table} DEFAULT VALUES`;
        return `INSERT INTO ${table} (${columns.map((column) => dialect.quote(column.name)).join(',')}) VALUES (${placeholders(columns).join(',')})`;
      });
      return { text, parameters };
    },
    update(type, id, changes) {
      const { columns, parameters } = bindColumns(dialect, type, changes);
      if (columns.length === 0 && !type.stateVersioning) return undefined;
      const text = toText(type, `u${namesOf(columns)}`, () => {
        const values = placeholders(columns);
        const words = columns.map((column, index) => `${dialect.quote(column.name)}=${values[index] ?? ''}`);
        const version = dialect.quote('config_version');
        if (type.stateVersioning && !columns.some((column) => column.name === 'config_version')) words.push(`${version}=${version}+1`);
        return `UPDATE ${dialect.quote(type.table)} SET ${words.join(',')} WHERE ${whereKey(dialect, type, columns.length + 1)}`;
      });
      return { text, parameters: [...parameters, bindKey(dialect, type, id)] };
    },
    delete(type, id) {
      const text = toText(type, 'd', () => `DELETE FROM ${dialect.quote(type.table)} WHERE ${whereKey(dialect, type, 1)}`);
      return { text, parameters: [bindKey(dialect, type, id)] };
    },
  };
}

function namesOf(columns: readonly Column[]): string {
  return columns.map((column) => column.name).join(',');
}

function whereKey(dialect: Dialect, type: ResourceType, index: number): string {
  const column = findColumn(type, keyOf(type));
  return `${dialect.quote(keyOf(type))} = ${dialect.placeholder(index, column?.kind)}`;
}

/** The parameter of a key; null, which equals nothing, when no row can have it. */
function bindKey(dialect: Dialect, type: ResourceType, id: unknown): Parameter {
  const kind = findColumn(type, keyOf(type))?.kind ?? 'text';
  const isScalar = typeof id === 'string' || typeof id === 'number' || typeof id === 'boolean';
  return dialect.bind((isScalar ? toCompared(kind, id) : undefined) ?? null, kind);
}

function bindColumns(dialect: Dialect, type: ResourceType, resource: Resource): { columns: Column[]; parameters: Parameter[] } {
  const columns: Column[] = [];
  const parameters: Parameter[] = [];
  for (const name in resource) {
    const value = resource[name];
    if (value === undefined) continue;
    const column = findColumn(type, name) ?? unknownColumn(type, name);
    columns.push(column);
    const stored = toStored(column, value);
    if (column.kind === 'text' && typeof stored === 'string' && stored.length > KEY_LENGTH) refuseLongKey(type, name, stored);
    parameters.push(dialect.bind(stored, column.kind));
  }
  return { columns, parameters };
}

/** One limit on every database, so that rows can move: SQLite would keep what others refuse, and PostgreSQL does not tell which property it was. */
function refuseLongKey(type: ResourceType, name: string, text: string): void {
  const property = type.propertyByName.get(name);
  if (property === undefined || property.sql !== undefined || !isKeyLike(type, property)) return;
  const length = Array.from(text).length;
  if (length <= KEY_LENGTH) return;
  const detail = `${name} is an id, a relation or unique, and can have ${KEY_LENGTH} characters; found ${length}`;
  throw new SekishoError('RESOURCE_INVALID', detail, { errors: [{ pointer: `/${name}`, detail }] });
}

function unknownColumn(type: ResourceType, name: string): never {
  const detail = `${type.id} has no property ${name}`;
  throw new SekishoError('RESOURCE_INVALID', detail, { errors: [{ pointer: `/${name}`, detail }] });
}
