import { checkJsonSchema } from './check-json-schema.ts';
import { checkKeys, suggestion } from './check-keys.ts';
import { type Cursor, describe, textAt } from './cursor.ts';
import {
  ACTION_KEYS,
  INDEX_KEYS,
  ISOLATION_LEVELS,
  KEYWORDS,
  LOCKING_KEYS,
  METADATA_KEYS,
  PROPERTY_KEYS,
  RESOURCE_SCHEMA_KEYS,
  SCHEMA_KEYS,
} from './schema-keys.ts';

/** Tables that the gateway makes for itself. */
const RESERVED_IDS = ['goose_db_version', 'post_migration_events'];
const INDEX_TYPES = ['unique', 'fulltext', 'spatial', ''];

/** Reports what is wrong with one entry of `schemas`, seen by itself; false when it has no id. */
export function checkSchema(cursor: Cursor): boolean {
  if (!checkKeys(cursor, SCHEMA_KEYS, { closed: true, what: 'a schema' })) return false;
  const id = textAt(cursor, 'id');
  if (RESERVED_IDS.includes(id)) cursor.at('id').report(`${id} is the name of a table of the gateway itself`);
  const schema = cursor.at('schema');
  if (cursor.has('schema') && checkKeys(schema, RESOURCE_SCHEMA_KEYS, { closed: false, what: 'the JSON schema' })) {
    checkJsonSchema(schema, schema);
    for (const [, property] of schema.at('properties').entries()) checkProperty(property);
    for (const [, index] of schema.at('indexes').entries()) checkIndex(index);
  }
  if (cursor.has('metadata')) checkMetadata(cursor.at('metadata'));
  for (const [, action] of cursor.at('actions').entries()) checkAction(action);
  for (const [, level] of cursor.at('isolation_level').entries()) checkLevel(level);
  return id !== '';
}

function checkProperty(cursor: Cursor): void {
  checkKeys(cursor, { ...PROPERTY_KEYS, type: { ...KEYWORDS.type, required: true } }, { closed: false, what: 'a property' });
}

function checkIndex(cursor: Cursor): void {
  if (!checkKeys(cursor, INDEX_KEYS, { closed: true, what: 'an index' })) return;
  const type = cursor.at('type');
  if (typeof type.value === 'string' && !INDEX_TYPES.includes(type.value.toLowerCase()))
    type.report(`expected unique, fulltext, spatial or an empty text, found ${describe(type.value)}`);
}

function checkMetadata(cursor: Cursor): void {
  if (!checkKeys(cursor, METADATA_KEYS, { closed: false, what: 'metadata' })) return;
  if (cursor.has('locking_policy')) checkKeys(cursor.at('locking_policy'), LOCKING_KEYS, { closed: true, what: 'a locking policy' });
}

function checkAction(cursor: Cursor): void {
  if (!checkKeys(cursor, ACTION_KEYS, { closed: true, what: 'an action' })) return;
  const path = cursor.at('path');
  if (typeof path.value === 'string' && path.value !== '' && !path.value.startsWith('/'))
    path.report(`expected a path that begins with /, found ${describe(path.value)}`);
  const input = cursor.at('input');
  if (cursor.has('input')) checkJsonSchema(input, input);
  const output = cursor.at('output');
  if (cursor.has('output')) checkJsonSchema(output, output, { isLoose: true });
}

function checkLevel(cursor: Cursor): void {
  if (ISOLATION_LEVELS.some((level) => level === cursor.value)) return;
  cursor.report(
    `${suggestion(String(cursor.value), ISOLATION_LEVELS)}expected one of ${ISOLATION_LEVELS.join(', ')}; found ${describe(cursor.value)}`,
  );
}
