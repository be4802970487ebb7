import { isMap } from './cursor.ts';
import type { JsonSchema } from './types.ts';

/** The document with references that lead nowhere turned into schemas that allow everything: what they refer to is wrong, or hidden from the caller. */
export function withoutDangling(document: JsonSchema): JsonSchema {
  const repair = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(repair);
    if (!isMap(value)) return value;
    const { $ref: reference } = value;
    if (typeof reference === 'string' && !isThere(document, reference)) return {};
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, repair(inner)]));
  };
  return repair(document) as JsonSchema;
}

function isThere(document: JsonSchema, reference: string): boolean {
  if (!reference.startsWith('#/')) return false;
  let at: unknown = document;
  for (const part of reference.slice(2).split('/')) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as JsonSchema)[key];
  }
  return true;
}
