import { nearest } from '../lib/nearest.ts';
import type { SchemaSet } from './types.ts';

/** Why the changes of a schema with this id are never delivered; undefined when they are. */
export function deliveredSchemaProblem({ resources }: SchemaSet, id: string): string | undefined {
  const type = resources.get(id);
  if (type?.noSync === true) return 'found a schema with nosync, whose changes are not logged';
  if (type !== undefined) return undefined;
  const near = nearest(id, [...resources.keys()]);
  return `there is no such schema${near === undefined ? '' : `; did you mean ${near}?`}`;
}
