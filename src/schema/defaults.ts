import { isMap } from './cursor.ts';
import { defaultOf, typesOf } from './property.ts';
import type { JsonSchema, ResourceType } from './types.ts';

type Body = Readonly<Record<string, unknown>>;

/** What absent values of a type become, kept per type: properties that can change nothing are left out. */
const masks = new WeakMap<ResourceType, readonly Mask[]>();

interface Mask {
  readonly name: string;
  /** What an absent value becomes; undefined: it stays absent. */
  readonly value: unknown;
  /** Masks of the properties of an object that is there. */
  readonly inner: readonly Mask[] | undefined;
}

/**
 * A create body with its defaults: an absent property gets its default, an absent or null object the whole of what its properties default to, an object that is there gets
 * what it lacks. An explicit null is kept elsewhere, items of arrays are never filled, and no two results share an object.
 */
export function applyDefaults(type: ResourceType, body: Body): Record<string, unknown> {
  let own = masks.get(type);
  if (own === undefined) masks.set(type, (own = type.properties.map(({ name, schema }) => toMask(name, schema)).filter(hasEffect)));
  return fill(own, body);
}

function toMask(name: string, schema: JsonSchema): Mask {
  const isObject = typesOf(schema).includes('object');
  const hasOwn = schema['default'] !== undefined && schema['default'] !== null;
  const { properties } = schema;
  const inner =
    isObject && !hasOwn && isMap(properties)
      ? Object.entries(properties).flatMap(([key, sub]) => (isMap(sub) ? [toMask(key, sub)] : []))
      : undefined;
  const own = schema['default'];
  // An object's own default hides those of its properties: an object that is there lacks just what that default has.
  const ownInner = isObject && isMap(own) ? Object.entries(own).map(([key, value]) => toDefaultMask(key, value)) : undefined;
  return { name, value: defaultOf(schema), inner: isObject ? (inner ?? ownInner ?? []).filter(hasEffect) : undefined };
}

function toDefaultMask(name: string, value: unknown): Mask {
  return { name, value, inner: isMap(value) ? Object.entries(value).map(([key, inner]) => toDefaultMask(key, inner)) : undefined };
}

function hasEffect({ value, inner }: Mask): boolean {
  return value !== undefined || (inner !== undefined && inner.length > 0);
}

function fill(own: readonly Mask[], body: Body): Record<string, unknown> {
  const filled: Record<string, unknown> = { ...body };
  for (const { name, value, inner } of own) {
    const given = filled[name];
    const isAbsent = given === undefined || (given === null && inner !== undefined);
    if (isAbsent && value !== undefined) filled[name] = typeof value === 'object' ? structuredClone(value) : value;
    else if (inner !== undefined && isMap(given)) filled[name] = fill(inner, given);
  }
  return filled;
}
