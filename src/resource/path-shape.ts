import { toPlainUrl, toResourcePath } from '../schema/resource-path.ts';
import type { PolicySource, ResourceType } from '../schema/types.ts';

export { toPlainPath } from '../schema/resource-path.ts';

/**
 * Whether all policies judge every resource of the type alike, so that one decision may be remembered for all ids. Only path expressions that are plainly so count:
 * `^/v1/pets.*`, `/v1/pets`, `^/v1/pets/?$`, `.*`, … Anything else is asked about every id.
 */
export function isIdFree(type: ResourceType, policies: readonly PolicySource[]): boolean {
  return policies.every(({ path }) => ignoresId(path, `${toPlainUrl(type)}/`));
}

/** The path that policies know a collection or a resource by: the one of the event log. */
export function policyPath(type: ResourceType, id: string | undefined): string {
  return toResourcePath(type, id);
}

/** An expression is a literal (or nothing) with a tail that says nothing about ids. `items` is the path of the type's resources up to the id. */
function ignoresId(expression: string, items: string): boolean {
  const isAnchored = expression.startsWith('^');
  const stem = expression.replace(/^\^/, '').replace(TAIL, '');
  if (stem === '') return true;
  if (!PLAIN.test(stem)) return false;
  const literal = stem.replaceAll('\\', '');
  if (isAnchored) return !reachesId(literal, items);
  if (items.includes(literal) && !expression.endsWith('$')) return true;
  if (!literal.startsWith('/')) return false;
  for (let at = items.indexOf('/'); at >= 0; at = items.indexOf('/', at + 1)) if (reachesId(literal, items.slice(at))) return false;
  return true;
}

/** Whether the literal fits the whole of `path` and goes on into an id behind it, which has no slashes. A dot fits any character. */
function reachesId(literal: string, path: string): boolean {
  if (literal.length <= path.length || literal.includes('/', path.length)) return false;
  for (let i = 0; i < path.length; i += 1) if (literal[i] !== '.' && literal[i] !== path[i]) return false;
  return true;
}

const TAIL = /(?:\/\?|\(\/\.\*\)\??|\/?\.[*+])?\$?$/;
const PLAIN = /^(?:[\w/\-~ .]|\\[./-])*$/;
