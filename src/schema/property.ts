import { type Cursor, isMap, textAt, textsAt } from './cursor.ts';
import type { JsonSchema, Property, PropertyType, Relation } from './types.ts';

/** A first-level property of a schema. */
export function toProperty(name: string, cursor: Cursor, isRequired: boolean): Property {
  const schema = isMap(cursor.value) ? cursor.value : {};
  const types = typesOf(schema);
  const permission = textsAt(cursor, 'permission');
  const hasDefault = schema['default'] !== undefined && schema['default'] !== null;
  const isNullable = types.includes('null');
  return {
    name,
    title: textAt(cursor, 'title'),
    description: textAt(cursor, 'description'),
    type: types.findLast((type) => type !== 'null') ?? 'null',
    isNullable,
    isColumnNullable: isNullable || (!isRequired && !hasDefault),
    isUnique: schema['unique'] === true,
    isIndexed: schema['indexed'] === true,
    mayCreate: permission.includes('create'),
    mayUpdate: permission.includes('update'),
    format: textAt(cursor, 'format') || undefined,
    sql: textAt(cursor, 'sql') || undefined,
    defaultValue: freeze(defaultOf(schema)),
    relation: toRelation(schema),
    renamedFrom: textAt(cursor, 'renamed_from') || undefined,
    schema,
  };
}

/** The types of a JSON schema as a list; none when it says nothing. */
export function typesOf(schema: JsonSchema): readonly PropertyType[] {
  const { type } = schema;
  if (typeof type === 'string') return [type as PropertyType];
  return Array.isArray(type) ? (type as PropertyType[]) : [];
}

/** The relation that a property declares, at any depth; undefined when it declares none. */
export function toRelation(schema: JsonSchema): Relation | undefined {
  const { relation, relation_property: embedAs } = schema;
  if (typeof relation !== 'string' || relation === '') return undefined;
  const column = schema['relation_column'] ?? schema['relationColumn'];
  return {
    schemaId: relation,
    column: typeof column === 'string' && column !== '' ? column : 'id',
    embedAs: typeof embedAs === 'string' && embedAs !== '' ? embedAs : undefined,
    onDeleteCascade: schema['on_delete_cascade'] === true,
  };
}

/** What an absent value becomes: the default, or the object of the defaults of its properties. Undefined: nothing. */
export function defaultOf(schema: JsonSchema): unknown {
  const own = schema['default'];
  if (own !== undefined && own !== null) return own;
  if (!typesOf(schema).includes('object') || !isMap(schema['properties'])) return undefined;
  const filled = Object.entries(schema['properties'])
    .map(([name, sub]) => [name, isMap(sub) ? defaultOf(sub) : undefined] as const)
    .filter(([, value]) => value !== undefined);
  return filled.length > 0 ? Object.fromEntries(filled) : undefined;
}

/** A copy that nobody can change by accident: defaults are never shared with resources. */
function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const copy = structuredClone(value);
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    Object.freeze(part);
    for (const inner of Object.values(part)) visit(inner);
  };
  visit(copy);
  return copy;
}

/** Names in the order of a schema: those that it orders, then `id`, indexed ones, relations, the rest by name. */
export function orderProperties(order: readonly string[], properties: ReadonlyMap<string, Cursor>): readonly string[] {
  const rank = (name: string): number => {
    const schema = properties.get(name)?.value;
    if (name === 'id') return 0;
    if (!isMap(schema)) return 3;
    return schema['indexed'] === true ? 1 : schema['relation'] !== undefined ? 2 : 3;
  };
  const named = order.filter((name) => properties.has(name));
  const rest = [...properties.keys()].filter((name) => !named.includes(name));
  return [...named, ...rest.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))];
}
