import { nearest } from '../../lib/nearest.ts';
import { usageFailure } from '../failure.ts';
import type { ClientProperty, ClientSchema, Fields } from './client-schema.ts';
import type { ClientServer } from './client-server.ts';
import { findId } from './find-resource.ts';

const NULL = '<null>';
const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A text as the type of its property says; `<null>` is null. Throws a usage `Failure` that tells what is allowed. */
export function parseClientValue(name: string, type: string, text: string): unknown {
  if (text === NULL) return null;
  switch (type) {
    case 'integer':
      if (!INTEGER.test(text)) throw usageFailure(`--${name}: found '${text}', allowed is an integer`);
      // What a number of JSON can't hold exactly travels as text.
      return Number.isSafeInteger(Number(text)) ? Number(text) : text;
    case 'number':
      if (!NUMBER.test(text)) throw usageFailure(`--${name}: found '${text}', allowed is a number`);
      return Number(text);
    case 'boolean':
      if (!/^(true|false)$/i.test(text)) throw usageFailure(`--${name}: found '${text}', allowed are true and false`);
      return text.toLowerCase() === 'true';
    case 'array':
    case 'object':
      return parseJson(name, text, type);
    default:
      return text;
  }
}

/** The body that options make: `--property value`, and `--relation value` where the value is the id or the name of a related resource. */
export async function toBody(
  options: readonly (readonly [string, string])[],
  schema: ClientSchema,
  { server, schemas }: { readonly server: ClientServer; readonly schemas: readonly ClientSchema[] },
): Promise<Fields> {
  const body: Record<string, unknown> = {};
  for (const [name, text] of options) {
    const own = schema.properties.find((property) => property.name === name);
    if (own !== undefined) {
      body[name] = parseClientValue(name, own.type, text);
      continue;
    }
    const relation = findTarget(schema, schemas, name);
    if (relation === undefined) throw unknownOption(name, optionNames(schema));
    body[relation.property] = text === NULL ? null : await findId(server, relation.target, text);
  }
  return body;
}

/** The property that an option names by its relation, and the schema that it relates to; undefined when no relation has that name. */
export function findTarget(
  schema: ClientSchema,
  schemas: readonly ClientSchema[],
  name: string,
): { readonly property: string; readonly target: ClientSchema } | undefined {
  const property = findRelation(schema, name);
  if (property === undefined) return undefined;
  const target = schemas.find(({ id }) => id === property.relation);
  if (target === undefined)
    throw usageFailure(`--${name}: the schema ${property.relation} is not there for you; give --${property.name} ID`);
  return { property: property.name, target };
}

/** Options of create and set, with what they take. */
export function optionNames(schema: ClientSchema): readonly string[] {
  return schema.properties.flatMap((property) => [property.name, ...relationNames(property)]);
}

/** The words that stand for a relation: the property without `_id`, the embedded name, and the related schema when no other property relates to it. */
export function relationNames(property: ClientProperty): readonly string[] {
  if (property.relation === undefined) return [];
  const names = [property.embedAs, property.name.endsWith('_id') ? property.name.slice(0, -3) : undefined];
  return [...new Set(names.filter((name) => name !== undefined))];
}

export function unknownOption(name: string, known: readonly string[]): Error {
  const meant = nearest(name, known);
  return usageFailure(
    `unknown option --${name}${meant ? `; did you mean --${meant}?` : ''}`,
    `known: ${known.map((word) => `--${word}`).join(', ')}`,
  );
}

function findRelation(schema: ClientSchema, name: string): ClientProperty | undefined {
  const named = schema.properties.find((property) => relationNames(property).includes(name));
  if (named !== undefined) return named;
  const related = schema.properties.filter((property) => property.relation === name);
  return related.length === 1 ? related[0] : undefined;
}

function parseJson(name: string, text: string, type: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw usageFailure(`--${name}: found '${text}', allowed is JSON of an ${type}: ${(error as Error).message}`);
  }
}
