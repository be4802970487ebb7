import { suggestion } from './check-keys.ts';
import { relationsOf } from './relations.ts';
import type { PolicySource, ResourceType } from './types.ts';

/** What is wrong with the relation that an attach policy names: no schema has it, so the policy would guard nothing. */
export function attachPathProblem({ relationProperty: path }: PolicySource, types: Iterable<ResourceType>): string | undefined {
  if (path === undefined || path === '*') return undefined;
  const own = [...types].filter(({ isMeta }) => !isMeta);
  const known = new Set(own.flatMap((type) => relationsOf(type).map((relation) => relation.path)));
  if (own.length === 0 || [...known].some((one) => withoutItems(one) === withoutItems(path))) return undefined;
  return `no schema has a relation ${path}; ${suggestion(path, known)}there are: ${[...known].join(', ') || 'none'}`;
}

/** Items of arrays are found without `[]` too. */
function withoutItems(path: string): string {
  return path.replaceAll('.[]', '');
}
