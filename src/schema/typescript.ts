import { isMap } from './cursor.ts';
import { typesOf } from './property.ts';
import type { ViewAccess } from './schema-view.ts';
import type { JsonSchema, Property, PropertyType, ResourceType } from './types.ts';
import { FULL_ACCESS, requiredOf, type VisibleType, visibleTypes } from './visible-type.ts';

/**
 * TypeScript types of every resource: as it is answered, the bodies that create and change one, inputs and outputs of actions; at the end a map of all of them by
 * schema id, which the types of extensions take (`sdk/extension.d.ts`). Integers beyond 2^53 are texts in JSON.
 */
export function toTypeScript(types: Iterable<ResourceType>, access: ViewAccess = FULL_ACCESS): string {
  const visible = visibleTypes(types, access);
  const names = toNames(visible);
  const parts = visible.map((one) => toInterfaces(one, names));
  const table = visible.map((one) => toEntry(one, names));
  return `// Made from schema files by \`sekisho types\`.\n\n${parts.join('\n')}\n/** Every schema by its id. */\nexport interface Schemas {\n${table.join('\n')}\n}\n`;
}

/** A schema's line of the map. */
function toEntry({ type, mayDo }: VisibleType, names: ReadonlyMap<string, string>): string {
  const name = names.get(type.id) ?? pascal(type.id);
  const actions = [...type.actions.values()]
    .filter(({ id }) => mayDo(id))
    .map(({ id, input, output }) => {
      const of = `${name}${pascal(id)}`;
      return `      ${key(id)}: { input: ${input === undefined ? 'Record<string, never>' : `${of}Input`}; output: ${output === undefined ? 'unknown' : `${of}Output`} };\n`;
    });
  const lines = [
    `resource: ${name};`,
    `create: ${name}Create;`,
    `update: ${name}Update;`,
    `singular: ${JSON.stringify(type.singular)};`,
    `plural: ${JSON.stringify(type.plural)};`,
    ...(actions.length === 0 ? [] : [`actions: {\n${actions.join('')}    };`]),
  ];
  return `  ${key(type.id)}: {\n${lines.map((line) => `    ${line}`).join('\n')}\n  };`;
}

/** A name per schema id; a number is added where two ids would have the same. */
function toNames(visible: readonly VisibleType[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set(['Schemas']);
  for (const { type } of visible) {
    const name = pascal(type.id);
    let free = name;
    for (let n = 2; [free, `${free}Create`, `${free}Update`].some((candidate) => taken.has(candidate)); n += 1) free = `${name}${n}`;
    for (const used of [free, `${free}Create`, `${free}Update`]) taken.add(used);
    names.set(type.id, free);
  }
  return names;
}

function toInterfaces(visible: VisibleType, names: ReadonlyMap<string, string>): string {
  const { type, read, create, update } = visible;
  const name = names.get(type.id) ?? pascal(type.id);
  const required = requiredOf(visible);
  const embedded = read.flatMap(({ relation }) => {
    const target = relation?.embedAs === undefined ? undefined : names.get(relation.schemaId);
    return target === undefined ? [] : [`  ${key(relation?.embedAs ?? '')}?: ${target} | null;`];
  });
  const answered = read.map((property) => {
    const isNull = property.isColumnNullable && !property.isNullable && property.name !== 'id';
    return `${doc(property, '  ')}  ${key(property.name)}: ${toType(property.schema, type.jsonSchema, 1)}${isNull ? ' | null' : ''};`;
  });
  const body = (properties: readonly Property[], isNeeded: (property: Property) => boolean): string =>
    properties
      .map(
        (property) =>
          `${doc(property, '  ')}  ${key(property.name)}${isNeeded(property) ? '' : '?'}: ${toType(property.schema, type.jsonSchema, 1)};`,
      )
      .join('\n');
  const own = [...type.actions.values()]
    .filter(({ id }) => visible.mayDo(id))
    .flatMap(({ id, input, output }) => [
      ...(input === undefined ? [] : [`export type ${name}${pascal(id)}Input = ${toType(input, input, 0)};\n`]),
      ...(output === undefined ? [] : [`export type ${name}${pascal(id)}Output = ${toOutput(output, names)};\n`]),
    ]);
  return [
    `/** ${comment(type.description)} */\n${block(name, [...answered, ...embedded].join('\n'))}`,
    block(
      `${name}Create`,
      body(create, (property) => required.includes(property.name)),
    ),
    block(
      `${name}Update`,
      body(update, () => false),
    ),
    ...own,
  ].join('\n');
}

function block(name: string, lines: string): string {
  return lines === '' ? `export type ${name} = Record<string, never>;\n` : `export interface ${name} {\n${lines}\n}\n`;
}

const PLAIN: Readonly<Partial<Record<PropertyType, string>>> = {
  string: 'string',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
  integer: 'number',
};
/** Deeper schemas, and definitions that contain themselves, are `unknown`. */
const MAX_DEPTH = 12;

function toType(schema: JsonSchema, root: JsonSchema, depth: number): string {
  if (depth > MAX_DEPTH) return 'unknown';
  if (Array.isArray(schema['enum']))
    return schema['enum'].map((value) => (typeof value === 'object' && value !== null ? 'unknown' : JSON.stringify(value))).join(' | ');
  if (typeof schema['$ref'] === 'string') return toReferred(schema['$ref'], root, depth);
  for (const word of ['anyOf', 'oneOf']) {
    const choices = schema[word];
    if (Array.isArray(choices) && schema['type'] === undefined)
      return union(choices.map((choice) => (isMap(choice) ? toType(choice, root, depth + 1) : 'unknown')));
  }
  const types = typesOf(schema);
  if (types.length === 0) return 'unknown';
  return union(types.map((type) => PLAIN[type] ?? (type === 'array' ? toArray(schema, root, depth) : toObject(schema, root, depth))));
}

/** The output of an action; its `type` may be the id of a schema. */
function toOutput(output: JsonSchema, names: ReadonlyMap<string, string>): string {
  const named = typeof output['type'] === 'string' ? names.get(output['type']) : undefined;
  return named ?? toType(output, output, 0);
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ');
}

function toReferred(reference: string, root: JsonSchema, depth: number): string {
  const { definitions } = root;
  const target = isMap(definitions) ? definitions[reference.replace('#/definitions/', '')] : undefined;
  return isMap(target) ? toType(target, root, depth + 1) : 'unknown';
}

function toArray(schema: JsonSchema, root: JsonSchema, depth: number): string {
  const { items } = schema;
  const item = isMap(items) ? toType(items, root, depth + 1) : 'unknown';
  return /^[\w]+$/.test(item) ? `${item}[]` : `Array<${item}>`;
}

function toObject(schema: JsonSchema, root: JsonSchema, depth: number): string {
  const { properties, required, additionalProperties } = schema;
  const indent = '  '.repeat(depth + 1);
  const names = isMap(properties) ? Object.entries(properties) : [];
  if (names.length === 0)
    return isMap(additionalProperties) ? `Record<string, ${toType(additionalProperties, root, depth + 1)}>` : 'Record<string, unknown>';
  const must: readonly unknown[] = Array.isArray(required) ? required : [];
  const lines = names.map(
    ([name, sub]) => `${indent}${key(name)}${must.includes(name) ? '' : '?'}: ${isMap(sub) ? toType(sub, root, depth + 1) : 'unknown'};`,
  );
  const rest = additionalProperties === false ? [] : [`${indent}[key: string]: unknown;`];
  return `{\n${[...lines, ...rest].join('\n')}\n${'  '.repeat(depth)}}`;
}

function doc({ description, title, name }: Property, indent: string): string {
  const text = comment(description || title);
  return text === '' || text.toLowerCase() === name.toLowerCase() ? '' : `${indent}/** ${text} */\n`;
}

function comment(text: string): string {
  return text.replaceAll('*/', '* /').replace(/\s+/g, ' ').trim();
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function pascal(id: string): string {
  const name = id
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
  return /^[A-Za-z]/.test(name) ? name : `Schema${name}`;
}
