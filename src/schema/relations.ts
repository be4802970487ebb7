import { isMap } from './cursor.ts';
import { toRelation } from './property.ts';
import type { JsonSchema, Relation, ResourceType } from './types.ts';

/**
 * A relation with the way to it: a property name, `box.inner_id`, `boxes.[].inner_id` for the items of an array, or `ports.*.net_id` for properties that the
 * schema has no names for.
 */
export interface PlacedRelation {
  readonly path: string;
  readonly relation: Relation;
}

const known = new WeakMap<ResourceType, readonly PlacedRelation[]>();

/**
 * All relations of a type, wherever its JSON schema has them, in the order of its properties. A definition that is referred to more than once in a property, or
 * by itself, stands at the first place alone: there may be no end of places. Kept per type.
 */
export function relationsOf(type: ResourceType): readonly PlacedRelation[] {
  let found = known.get(type);
  if (found === undefined) {
    const all = type.properties.flatMap(({ name, schema }) => [...relationsIn(schema, name, type.jsonSchema, new Set())]);
    const byText = new Map(all.map((one) => [`${one.path} ${one.relation.schemaId}`, one]));
    known.set(type, (found = [...byText.values()]));
  }
  return found;
}

/** Whether a type has a relation at a path. Items of arrays are found without `[]` too, unnamed properties under any name. */
export function hasRelationAt(type: ResourceType, path: string): boolean {
  const [first, ...steps] = path.split('.');
  const property = type.properties.find(({ name }) => name === first);
  return property !== undefined && leadsTo(property.schema, steps, type.jsonSchema, new Map());
}

/** `seen`: how many steps were left when a schema was looked at before. */
function leadsTo(schema: JsonSchema, steps: readonly string[], root: JsonSchema, seen: Map<JsonSchema, Set<number>>): boolean {
  const before = seen.get(schema) ?? new Set();
  if (before.has(steps.length)) return false;
  seen.set(schema, before.add(steps.length));
  if (steps.length === 0 && toRelation(schema) !== undefined) return true;
  const leads = (rest: readonly string[]) => (inner: JsonSchema) => leadsTo(inner, rest, root, seen);
  const [step, ...rest] = steps;
  if (besides(schema, root).some(leads(steps)) || itemsOf(schema).some(leads(step === '[]' ? rest : steps))) return true;
  if (step === undefined) return false;
  const { properties } = schema;
  const named = isMap(properties) && Object.hasOwn(properties, step) ? properties[step] : undefined;
  return isMap(named) ? leads(rest)(named) : unnamedOf(schema).some(leads(rest));
}

/** The schemas that say more of the same value, whatever it is: those of `allOf`, and what `$ref` leads to. */
export function alwaysBeside(schema: JsonSchema, root: JsonSchema): readonly JsonSchema[] {
  const target = typeof schema['$ref'] === 'string' ? toTarget(schema['$ref'], root) : undefined;
  return [...schemasAt(schema, 'allOf'), ...(target === undefined ? [] : [target])];
}

/** The JSON schemas in the list, or the map, at a keyword; a single one as a list of it. */
export function schemasAt(schema: JsonSchema, keyword: string): readonly JsonSchema[] {
  const value = schema[keyword];
  if (Array.isArray(value)) return value.filter(isMap);
  return isMap(value) ? [value] : [];
}

function toTarget(reference: string, root: JsonSchema): JsonSchema | undefined {
  if (reference === '#') return root;
  const name = reference.slice('#/definitions/'.length).replaceAll('~1', '/').replaceAll('~0', '~');
  const { definitions } = root;
  const target = isMap(definitions) ? definitions[name] : undefined;
  return isMap(target) ? target : undefined;
}

function* relationsIn(schema: JsonSchema, path: string, root: JsonSchema, seen: Set<JsonSchema>): Generator<PlacedRelation> {
  if (seen.has(schema)) return;
  seen.add(schema);
  const relation = toRelation(schema);
  if (relation !== undefined) yield { path, relation };
  for (const inner of besides(schema, root)) yield* relationsIn(inner, path, root, seen);
  if (isMap(schema['properties'])) {
    for (const [name, inner] of Object.entries(schema['properties']))
      if (isMap(inner)) yield* relationsIn(inner, `${path}.${name}`, root, seen);
  }
  for (const inner of unnamedOf(schema)) yield* relationsIn(inner, `${path}.*`, root, seen);
  for (const inner of itemsOf(schema)) yield* relationsIn(inner, `${path}.[]`, root, seen);
}

/** All that may say something of the same value. */
function besides(schema: JsonSchema, root: JsonSchema): readonly JsonSchema[] {
  return [
    ...alwaysBeside(schema, root),
    ...schemasAt(schema, 'anyOf'),
    ...schemasAt(schema, 'oneOf'),
    ...mapValues(schema['dependencies']),
  ];
}

/** What is said of properties that have no name in the schema. */
function unnamedOf(schema: JsonSchema): readonly JsonSchema[] {
  return [...mapValues(schema['patternProperties']), ...schemasAt(schema, 'additionalProperties')];
}

function itemsOf(schema: JsonSchema): readonly JsonSchema[] {
  return [...schemasAt(schema, 'items'), ...schemasAt(schema, 'additionalItems')];
}

function mapValues(value: unknown): readonly JsonSchema[] {
  return isMap(value) ? Object.values(value).filter(isMap) : [];
}
