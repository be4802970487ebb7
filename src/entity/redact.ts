import { KINDS } from './kinds.ts';
import type { EntityKind, EntityTypes } from './types.ts';

/** The entity as the admin API and the history show it: the data of secrets is `**redacted**`, the key of a domain is empty. A copy, when something is hidden. */
export function redactEntity<K extends EntityKind>(kind: K, entity: EntityTypes[K]): EntityTypes[K] {
  let copy: EntityTypes[K] | undefined;
  for (const [name, field] of Object.entries(KINDS[kind].fields)) {
    if (field.redact === undefined || !Object.hasOwn(entity, name)) continue;
    copy = { ...(copy ?? entity), [name]: field.redact };
  }
  return copy ?? entity;
}
