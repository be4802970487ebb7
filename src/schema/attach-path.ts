import { suggestion } from './check-keys.ts';
import { hasRelationAt, relationsOf } from './relations.ts';
import type { PolicySource, ResourceType } from './types.ts';

/** What is wrong with the relation that an attach policy names: no schema has it, so the policy would guard nothing. */
export function attachPathProblem({ relationProperty: path }: PolicySource, types: Iterable<ResourceType>): string | undefined {
  if (path === undefined || path === '*') return undefined;
  const own = [...types].filter(({ isMeta }) => !isMeta);
  if (own.length === 0 || own.some((type) => hasRelationAt(type, path))) return undefined;
  const known = new Set(own.flatMap((type) => relationsOf(type).map((relation) => relation.path)));
  return `no schema has a relation ${path}; ${suggestion(path, known)}there are: ${[...known].join(', ') || 'none'}`;
}
