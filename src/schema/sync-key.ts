import type { ResourceType } from './types.ts';

/** A property in `metadata.sync_key_template`. */
export const SYNC_KEY_VARIABLE = /\{\{\s*([A-Za-z_]\w*)\s*\}\}/g;

const known = new WeakMap<ResourceType, readonly string[]>();

/** The properties that the key of a resource in etcd is made of by its template; none when the schema has no template. */
export function syncKeyProperties(type: ResourceType): readonly string[] {
  let names = known.get(type);
  if (names === undefined) {
    const { sync_key_template: template } = type.metadata;
    names = typeof template === 'string' ? splitSyncKey(template).names : [];
    known.set(type, names);
  }
  return names;
}

/** A template in its parts: a literal, a property, …, a literal; there is one literal more than properties. */
export function splitSyncKey(template: string): { readonly literals: readonly string[]; readonly names: readonly string[] } {
  return {
    literals: template.split(new RegExp(SYNC_KEY_VARIABLE.source.replaceAll('(', '(?:'))),
    names: [...template.matchAll(SYNC_KEY_VARIABLE)].map((match) => match[1] ?? ''),
  };
}

/** What is wrong with a template of a schema with these properties; undefined when nothing is. One that is not there renders empty, as in Gohan. */
export function syncKeyProblem(template: string, properties: readonly string[]): string | undefined {
  const { literals, names } = splitSyncKey(template);
  const found = `found ${JSON.stringify(template)}`;
  if (literals.some((literal) => /\{\{|\}\}|\{%|\{#/.test(literal)))
    return `may only have properties in double braces, as in /v1.0/dev/{{device_id}}/vm/{{id}}; ${found}`;
  if (!names.some((name) => properties.includes(name)))
    return `must name a property, as in /v1.0/dev/{{id}}; ${found}: all resources would have one key; it has: ${properties.join(', ')}`;
  return undefined;
}
