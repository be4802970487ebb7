import { SekishoError } from '../lib/errors.ts';
import type { ResourceType, SchemaSet } from '../schema/types.ts';

/** The type that a handler names; EXTENSION_SCHEMA when there is none of that id. */
export function typeOf({ resources }: SchemaSet, schemaId: unknown): ResourceType {
  const type = typeof schemaId === 'string' ? resources.get(schemaId) : undefined;
  if (type !== undefined) return type;
  throw new SekishoError('EXTENSION_SCHEMA', `Unknown schema '${String(schemaId)}'`);
}
