import { toColumns } from '../table.ts';
import { COMMON_OPTIONS } from './client-options.ts';
import type { ClientSchema } from './client-schema.ts';
import { relationNames } from './client-values.ts';

/** What can be done with every schema. */
export const CLIENT_COMMANDS: readonly (readonly [name: string, words: string, help: string])[] = [
  ['list', '[--PROPERTY VALUE…]', 'list them; options filter; --sort NAME:desc, --limit N'],
  ['show', 'ID', 'show one, and its children'],
  ['create', '--PROPERTY VALUE…', 'create one'],
  ['set', '--PROPERTY VALUE… ID', 'change one'],
  ['delete', 'ID', 'delete one'],
];

/** A line per schema that the caller may read. */
export function schemaList(schemas: readonly ClientSchema[]): string {
  return schemas.map(({ id, title }) => `sekisho client ${id} # ${title}\n`).join('');
}

/** The commands and properties of one schema. */
export function schemaHelp(schema: ClientSchema): string {
  const actions = schema.actions.map(({ id, path, input }) => [
    id,
    [input ? 'INPUT' : '', path.includes(':id') ? 'ID' : ''].join(' ').trim(),
    '',
  ]);
  const properties = schema.properties.map((property) => [
    ['', ...[property.name, ...relationNames(property)].map((name) => `--${name}`)].join(' ').trim(),
    property.type,
    [property.isRequired ? 'required' : '', property.permission.length === 0 ? 'read-only' : ''].join(' ').trim(),
    property.description,
  ]);
  return [
    `sekisho client ${schema.id} COMMAND: ${schema.title}`,
    '',
    'commands',
    indent(toColumns([...CLIENT_COMMANDS, ...actions])),
    'properties',
    indent(toColumns(properties)),
    'options of every command',
    indent(toColumns(COMMON_OPTIONS.map(([name, value, help]) => [`--${name} ${value}`, help]))),
    'ID may be a name. <null> is null; arrays and objects are JSON.',
    '',
  ].join('\n');
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
