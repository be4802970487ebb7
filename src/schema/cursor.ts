import { type Place, type Places, toPlaceText } from './places.ts';
import type { Problems } from './problems.ts';

/** A value of a schema file together with where it stands: what is wrong with it is reported there. */
export interface Cursor {
  readonly value: unknown;
  /** Way to the value inside its file: `schemas[0].schema.properties.id`. */
  readonly path: string;
  readonly place: Place;
  /** The value under a key of a map or an index of a list; its value is undefined when there is none. */
  at(key: string | number): Cursor;
  has(key: string): boolean;
  /** Keys of a map with their values; nothing for other values. */
  entries(): readonly (readonly [key: string, cursor: Cursor])[];
  /** Items of a list; nothing for other values. */
  items(): readonly Cursor[];
  report(detail: string): void;
}

export interface Reading {
  readonly places: Places;
  readonly problems: Problems;
}

export type PlainMap = Readonly<Record<string, unknown>>;

export function isMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A cursor on `value`; `place` stands for whatever has none of its own. */
export function createCursor(value: unknown, path: string, place: Place, reading: Reading): Cursor {
  const at = (key: string | number): Cursor => {
    const holder = typeof value === 'object' && value !== null ? value : undefined;
    const child = holder !== undefined && Object.hasOwn(holder, key) ? (holder as Record<string | number, unknown>)[key] : undefined;
    const where = holder === undefined ? undefined : reading.places.of(holder, String(key));
    return createCursor(child, typeof key === 'number' ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`, where ?? place, reading);
  };
  return {
    value,
    path,
    place,
    at,
    has: (key) => isMap(value) && Object.hasOwn(value, key),
    entries: () => (isMap(value) ? Object.keys(value).map((key) => [key, at(key)] as const) : []),
    items: () => (Array.isArray(value) ? value.map((_, index) => at(index)) : []),
    report: (detail) => reading.problems.report(place, path, detail),
  };
}

/** `file:line:column` of a cursor. */
export function placeText(cursor: Cursor): string {
  return toPlaceText(cursor.place);
}

/** The text under `key`; empty when there is none (what is wrong with it is reported by the check of keys). */
export function textAt(cursor: Cursor, key: string): string {
  const { value } = cursor.at(key);
  return typeof value === 'string' ? value : '';
}

/** The texts in the list under `key`. */
export function textsAt(cursor: Cursor, key: string): readonly string[] {
  const { value } = cursor.at(key);
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** The map under `key`, empty when there is none. */
export function mapAt(cursor: Cursor, key: string): PlainMap {
  const { value } = cursor.at(key);
  return isMap(value) ? value : {};
}

/** What a value is, in words for messages: `the text "x"`, `a list`. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const shown = JSON.stringify(value);
  return `the ${typeof value === 'string' ? 'text' : typeof value} ${shown.length > 60 ? `${shown.slice(0, 57)}…` : shown}`;
}
