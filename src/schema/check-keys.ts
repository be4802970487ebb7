import { nearest } from '../lib/nearest.ts';
import { type Cursor, describe, isMap } from './cursor.ts';
import { compilePattern } from './pattern.ts';
import type { KeyType, SchemaKey, SchemaKeys } from './schema-keys.ts';

/**
 * Reports what is wrong with the keys of a map: those that are missing, those with a value of the wrong type, and, when it is `closed`, those that are not in the table
 * (with the nearest that is). False when it is no map at all.
 */
export function checkKeys(cursor: Cursor, keys: SchemaKeys, options: { readonly closed: boolean; readonly what: string }): boolean {
  if (!isMap(cursor.value)) {
    cursor.report(`expected a map of ${Object.keys(keys).join(', ')}, found ${describe(cursor.value)}`);
    return false;
  }
  for (const [name, key] of Object.entries(keys)) {
    if (cursor.has(name)) checkKey(cursor.at(name), name, key);
    else if (key.required) cursor.report(`${options.what} needs ${name}: ${expected(key)}`);
    if (key.alias !== undefined && cursor.has(key.alias)) checkKey(cursor.at(key.alias), key.alias, key);
  }
  if (!options.closed) return true;
  const known = Object.entries(keys).flatMap(([name, { alias }]) => (alias === undefined ? [name] : [name, alias]));
  for (const [name, entry] of cursor.entries()) {
    if (!known.includes(name)) entry.report(`unknown key; ${suggestion(name, known)}allowed here: ${known.join(', ')}`);
  }
  return true;
}

/** `did you mean x? `, when a known word is near. */
export function suggestion(word: string, known: Iterable<string>): string {
  const meant = nearest(word, known);
  return meant === undefined ? '' : `did you mean ${meant}? `;
}

/** Reports a value that is not of the type of its key. Schemas inside are not looked at. */
function checkKey(cursor: Cursor, name: string, key: SchemaKey): void {
  const { value } = cursor;
  if (!hasShape(value, key.type)) return cursor.report(`expected ${expected(key)}, found ${describe(value)}`);
  if (value === '' && !key.mayBeEmpty && key.type !== 'any') return cursor.report(`expected ${expected(key)}, found an empty text`);
  if (key.type === 'pattern') {
    const compiled = compilePattern(String(value));
    if ('problem' in compiled) cursor.report(`${describe(value)} is no regular expression: ${compiled.problem}`);
  }
  checkWords(cursor, key);
  if (name === 'type' && Array.isArray(value) && (value.length === 0 || new Set(value).size < value.length))
    cursor.report('expected a list of different types with at least one item');
}

function checkWords(cursor: Cursor, { values, type }: SchemaKey): void {
  if (values === undefined) return;
  const words = Array.isArray(cursor.value) ? cursor.items() : [cursor];
  for (const word of words) {
    const text = String(word.value);
    if (values.includes(text)) continue;
    const allowed = values.filter((value) => value !== '').join(', ');
    word.report(
      `${suggestion(text, values)}${type === 'texts' ? 'each item is one of' : 'expected one of'} ${allowed}; found ${describe(word.value)}`,
    );
  }
}

function hasShape(value: unknown, type: KeyType): boolean {
  switch (type) {
    case 'text':
    case 'pattern':
      return typeof value === 'string';
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'textOrTexts':
      return typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'));
    case 'flag':
      return typeof value === 'boolean';
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'count':
      return typeof value === 'number' && Number.isInteger(value) && value >= 0;
    case 'flagOrNumber':
      return typeof value === 'boolean' || typeof value === 'number';
    case 'map':
    case 'schema':
    case 'schemaMap':
      return isMap(value);
    case 'list':
      return Array.isArray(value);
    case 'schemaList':
      return Array.isArray(value) && value.length > 0;
    case 'schemaOrList':
      return isMap(value) || Array.isArray(value);
    case 'schemaOrFlag':
      return isMap(value) || typeof value === 'boolean';
    case 'any':
      return true;
  }
}

const NAMES: Readonly<Record<KeyType, string>> = {
  text: 'a text',
  texts: 'a list of texts',
  textOrTexts: 'a text or a list of texts',
  flag: 'true or false',
  number: 'a number',
  count: 'a whole number, 0 or more',
  flagOrNumber: 'true or false',
  pattern: 'a regular expression',
  map: 'a map',
  list: 'a list',
  any: 'any value',
  schema: 'a JSON schema',
  schemaMap: 'a map of JSON schemas',
  schemaList: 'a list of JSON schemas',
  schemaOrList: 'a JSON schema or a list of them',
  schemaOrFlag: 'a JSON schema, true or false',
};

/** What is allowed for a key, as it stands behind "expected" in messages and in the reference. */
export function expected({ type, values }: SchemaKey): string {
  const words = values?.filter((value) => value !== '').join(', ');
  if (words === undefined) return NAMES[type];
  if (type === 'texts') return `a list of ${words}`;
  return type === 'textOrTexts' ? `one of ${words}, or a list of them` : `one of ${words}`;
}
