import type { ResourceType } from './types.ts';

/** A property in `metadata.sync_key_template`. */
export const SYNC_KEY_VARIABLE = /\{\{\s*([A-Za-z_]\w*)\s*\}\}/g;

const known = new WeakMap<ResourceType, readonly string[]>();

/** The properties that the key of a resource in etcd is made of by its template; none when the schema has no template. */
export function syncKeyProperties(type: ResourceType): readonly string[] {
  let names = known.get(type);
  if (names === undefined) {
    const { sync_key_template: template } = type.metadata;
    names = typeof template === 'string' ? [...template.matchAll(SYNC_KEY_VARIABLE)].map((match) => match[1] ?? '') : [];
    known.set(type, names);
  }
  return names;
}
