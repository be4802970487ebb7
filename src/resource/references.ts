import { compilePattern } from '../schema/pattern.ts';
import { alwaysBeside, relationsOf, schemasAt } from '../schema/relations.ts';
import type { JsonSchema, ResourceType } from '../schema/types.ts';
import { lazyValidator } from '../schema/validator.ts';
import { isObject, type JsonObject } from './body.ts';

/** One id in a body that refers to a resource of another type. */
export interface Reference {
  readonly schemaId: string;
  readonly id: string | number;
  readonly pointer: string;
}

/** A value with the way to it, and what stands there when it is written, which has more than the body of an update. Without `steps` relations are wanted everywhere below, else at the end of them. */
interface Spot {
  readonly value: unknown;
  readonly whole: unknown;
  readonly pointer: string;
  readonly steps: readonly string[] | undefined;
}

/**
 * The ids that a body sets at a relation path: a name, a dotted path with `[]` for items and `*` for unnamed properties, or `*` for every relation of the schema.
 * `whole` is the resource as it will be.
 */
export function findReferences(type: ResourceType, path: string, written: JsonObject, whole: JsonObject): readonly Reference[] {
  if (relationsOf(type).length === 0) return [];
  const found: Reference[] = [];
  const steps = path === '*' ? undefined : path.split('.');
  for (const { name, schema } of type.properties) {
    if (steps !== undefined && steps[0] !== name) continue;
    walk(schema, type.jsonSchema, { value: written[name], whole: whole[name], pointer: `/${name}`, steps: steps?.slice(1) }, found);
  }
  return found;
}

/** Follows schema and value together. */
function walk(schema: JsonSchema, root: JsonSchema, spot: Spot, found: Reference[]): void {
  const { value, whole, pointer, steps } = spot;
  if (value === null || value === undefined || value === '') return;
  const isHere = steps === undefined || steps.length === 0;
  for (const layer of layersOf(schema, root, whole ?? value)) {
    const { relation } = layer;
    if (isHere && typeof relation === 'string' && (typeof value === 'string' || typeof value === 'number')) {
      if (!found.some((one) => one.pointer === pointer && one.schemaId === relation))
        found.push({ schemaId: relation, id: value, pointer });
    }
    if (Array.isArray(value)) walkItems(layer, root, { ...spot, value }, found);
    else if (isObject(value) && steps?.length !== 0) walkProperties(layer, root, { ...spot, value }, found);
  }
}

function walkItems(
  layer: JsonSchema,
  root: JsonSchema,
  { value, whole, pointer, steps }: Spot & { value: unknown[] },
  found: Reference[],
): void {
  const rest = steps?.[0] === '[]' ? steps.slice(1) : steps;
  const { items } = layer;
  for (const [index, item] of value.entries()) {
    const schemas =
      Array.isArray(items) && index >= items.length
        ? schemasAt(layer, 'additionalItems')
        : Array.isArray(items)
          ? [items[index]].filter(isObject)
          : schemasAt(layer, 'items');
    for (const schema of schemas)
      walk(
        schema,
        root,
        { value: item, whole: Array.isArray(whole) ? whole[index] : item, pointer: `${pointer}/${index}`, steps: rest },
        found,
      );
  }
}

function walkProperties(
  layer: JsonSchema,
  root: JsonSchema,
  { value, whole, pointer, steps }: Spot & { value: JsonObject },
  found: Reference[],
): void {
  for (const [name, inner] of Object.entries(value)) {
    const { named, unnamed } = propertySchemas(layer, name);
    const spot = {
      value: inner,
      whole: isObject(whole) ? whole[name] : inner,
      pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      steps: steps?.slice(1),
    };
    if (steps === undefined || steps[0] === name) for (const schema of named) walk(schema, root, spot, found);
    if (steps === undefined || steps[0] === '*' || steps[0] === name) for (const schema of unnamed) walk(schema, root, spot, found);
  }
}

/** What a schema says of a property: under its name, and by patterns, or of all that have neither. */
function propertySchemas(
  layer: JsonSchema,
  name: string,
): { readonly named: readonly JsonSchema[]; readonly unnamed: readonly JsonSchema[] } {
  const { properties, patternProperties } = layer;
  const own = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
  const byPattern = isObject(patternProperties) ? Object.entries(patternProperties).filter(([pattern]) => isMatch(pattern, name)) : [];
  const isKnown = own !== undefined || byPattern.length > 0;
  return {
    named: isObject(own) ? [own] : [],
    unnamed: isKnown ? byPattern.map(([, schema]) => schema).filter(isObject) : schemasAt(layer, 'additionalProperties'),
  };
}

function isMatch(pattern: string, name: string): boolean {
  const compiled = compilePattern(pattern);
  return 'regExp' in compiled && compiled.regExp.test(name);
}

/** The schemas that speak of a value: the schema, what stands beside it always, and of alternatives those that the value keeps. */
function layersOf(schema: JsonSchema, root: JsonSchema, value: unknown, layers: JsonSchema[] = []): readonly JsonSchema[] {
  if (layers.includes(schema)) return layers;
  layers.push(schema);
  const { dependencies } = schema;
  const depending =
    isObject(dependencies) && isObject(value)
      ? Object.entries(dependencies).flatMap(([name, inner]) => (name in value && isObject(inner) ? [inner] : []))
      : [];
  const chosen = ['anyOf', 'oneOf'].flatMap((keyword) => kept(schemasAt(schema, keyword), root, value));
  for (const inner of [...alwaysBeside(schema, root), ...depending, ...chosen]) layersOf(inner, root, value, layers);
  return layers;
}

/** Alternatives that a value keeps; all of them when it keeps none, as what handlers of extensions leave may do: no reference goes unseen. */
function kept(alternatives: readonly JsonSchema[], root: JsonSchema, value: unknown): readonly JsonSchema[] {
  const fitting = alternatives.filter((schema) => {
    const alone = toAlone(schema, root);
    return alone === undefined || lazyValidator(alone)(value).length === 0;
  });
  return fitting.length > 0 ? fitting : alternatives;
}

const alones = new WeakMap<JsonSchema, JsonSchema | undefined>();

/** A part of a JSON schema as one that can be checked by itself; undefined for one that refers to the whole, which it can't take along. */
function toAlone(schema: JsonSchema, root: JsonSchema): JsonSchema | undefined {
  if (!alones.has(schema)) {
    const { definitions } = root;
    const alone = definitions === undefined ? schema : { ...schema, definitions };
    alones.set(schema, JSON.stringify(alone).includes('"$ref":"#"') ? undefined : alone);
  }
  return alones.get(schema);
}
