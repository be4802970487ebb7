import { isMap } from './cursor.ts';
import { toRelation } from './property.ts';
import type { JsonSchema, Relation, ResourceType } from './types.ts';

/** A relation with the way to it: a property name, `box.inner_id`, or `boxes.[].inner_id` for the items of an array. */
export interface PlacedRelation {
  readonly path: string;
  readonly relation: Relation;
}

const known = new WeakMap<ResourceType, readonly PlacedRelation[]>();

/** All relations of a type, those inside of objects and arrays too, in the order of its properties. Kept per type. */
export function relationsOf(type: ResourceType): readonly PlacedRelation[] {
  let found = known.get(type);
  if (found === undefined) known.set(type, (found = type.properties.flatMap(({ name, schema }) => [...relationsIn(schema, name)])));
  return found;
}

function* relationsIn(schema: JsonSchema, path: string): Generator<PlacedRelation> {
  const relation = toRelation(schema);
  if (relation !== undefined) yield { path, relation };
  if (isMap(schema['properties'])) {
    for (const [name, inner] of Object.entries(schema['properties'])) if (isMap(inner)) yield* relationsIn(inner, `${path}.${name}`);
  }
  if (isMap(schema['items'])) yield* relationsIn(schema['items'], `${path}.[]`);
}
