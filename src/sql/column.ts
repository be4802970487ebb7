import { SekishoError } from '../lib/errors.ts';
import type { Property, PropertyType, ResourceType } from '../schema/types.ts';

/** What is bound to a placeholder. Integers beyond 2^53 are bigints. */
export type Parameter = string | number | bigint | boolean | null;

/** How a column holds values: `json` is JSON text, `integer` has 64 bits. */
export type ColumnKind = 'text' | 'integer' | 'number' | 'boolean' | 'json';

const KINDS: Readonly<Record<PropertyType, ColumnKind>> = {
  string: 'text',
  null: 'text',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
  object: 'json',
  array: 'json',
};

const MAX_INTEGER = 2n ** 63n - 1n;
const MIN_INTEGER = -(2n ** 63n);

/** The kind of column that a property becomes. */
export function toColumnKind(property: Pick<Property, 'type'>): ColumnKind {
  return KINDS[property.type];
}

/** A column that is selected or compared. `state` columns are no properties: they count the versions of `state_versioning`. */
export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly isNullable: boolean;
}

/** The columns that `state_versioning` adds to a table, with their defaults. */
export const STATE_COLUMNS: readonly (Column & { readonly defaultValue: Parameter })[] = [
  { name: 'config_version', kind: 'integer', isNullable: true, defaultValue: 1 },
  { name: 'state_version', kind: 'integer', isNullable: true, defaultValue: 0 },
  { name: 'state_error', kind: 'text', isNullable: true, defaultValue: '' },
  { name: 'state', kind: 'text', isNullable: true, defaultValue: '' },
  { name: 'state_monitoring', kind: 'text', isNullable: true, defaultValue: '' },
];

/** The name of the key column of a type: `id`, or its first property when it has none. */
export function keyOf(type: ResourceType): string {
  return type.propertyByName.has('id') ? 'id' : (type.properties[0]?.name ?? 'id');
}

/** The column of that name: of a property, or of the state when the type has one. Undefined when there is none. */
export function findColumn(type: ResourceType, name: string): Column | undefined {
  const property = type.propertyByName.get(name);
  if (property !== undefined) {
    return { name, kind: toColumnKind(property), isNullable: property.isColumnNullable && name !== keyOf(type) };
  }
  return type.stateVersioning ? STATE_COLUMNS.find((column) => column.name === name) : undefined;
}

/** The parameter that stores `value`. RESOURCE_INVALID when the column cannot hold it. */
export function toStored(column: Column, value: unknown): Parameter {
  if (value === null || value === undefined) return null;
  switch (column.kind) {
    case 'json':
      return JSON.stringify(value);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      if (value === 0 || value === 1) return value === 1;
      throw unfit(column, 'a boolean', value);
    case 'integer':
      return toInteger(value) ?? fail(unfit(column, 'an integer of 64 bits', value));
    case 'number':
      return toNumber(value) ?? fail(unfit(column, 'a number', value));
    case 'text':
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}

/** The parameter that a filter compares the column with; undefined when no stored value can equal it. */
export function toCompared(kind: ColumnKind, value: string | number | boolean): Parameter | undefined {
  switch (kind) {
    case 'integer':
      return typeof value === 'boolean' ? undefined : toInteger(value);
    case 'number':
      return typeof value === 'boolean' ? undefined : toNumber(value);
    case 'boolean':
      return typeof value === 'boolean' ? value : value === 'true' ? true : value === 'false' ? false : undefined;
    case 'json':
    case 'text':
      return String(value);
  }
}

/** What the API shows of a column's value as any driver gives it: numbers beyond 2^53 as strings, JSON parsed. */
export function fromStored(kind: ColumnKind, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case 'text':
      return typeof value === 'string' ? value : fromText(value);
    case 'integer':
      return typeof value === 'number' && Number.isSafeInteger(value) ? value : fromInteger(value);
    case 'number':
      return typeof value === 'number' ? value : fromNumber(value);
    case 'boolean':
      return typeof value === 'boolean' ? value : value === 1 || value === 1n || value === '1' || value === 't' || value === 'true';
    case 'json':
      return typeof value === 'string' ? parseJson(value) : value;
  }
}

/** An integer of 64 bits, exact; undefined for anything else. */
export function toInteger(value: unknown): number | bigint | undefined {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value;
    return Number.isInteger(value) ? inRange(BigInt(value)) : undefined;
  }
  if (typeof value === 'bigint') return inRange(value);
  return typeof value === 'string' && /^[+-]?\d{1,40}$/.test(value) ? inRange(BigInt(value.replace('+', ''))) : undefined;
}

function inRange(value: bigint): number | bigint | undefined {
  if (value > MAX_INTEGER || value < MIN_INTEGER) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function fromInteger(value: unknown): unknown {
  const integer = toInteger(value);
  // A literal column type may hold something else than integers.
  if (integer === undefined) return typeof value === 'bigint' ? String(value) : value;
  return typeof integer === 'bigint' ? String(integer) : integer;
}

function fromNumber(value: unknown): unknown {
  const number = Number(value);
  return Number.isFinite(number) ? number : String(value);
}

function fromText(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Written by others: shown as it is rather than not at all.
    return text;
  }
}

function unfit(column: Column, wanted: string, found: unknown): SekishoError {
  // JSON has no word for what is beyond a double (`1e400`) but null.
  const shown = typeof found === 'number' ? String(found) : (JSON.stringify(found) ?? String(found));
  const detail = `${column.name} must be ${wanted}, found ${shown}`;
  return new SekishoError('RESOURCE_INVALID', detail, { errors: [{ pointer: `/${column.name}`, detail }] });
}

function fail(error: SekishoError): never {
  throw error;
}
