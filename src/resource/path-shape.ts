import type { PolicySource, ResourceType } from '../schema/types.ts';

/**
 * Whether all policies judge every resource of the type alike, so that one decision may be remembered for all ids. Only path expressions that are plainly so count:
 * `^/v1/pets.*`, `/v1/pets`, `^/v1/pets/?$`, `.*`, … Anything else is asked about every id.
 */
export function isIdFree(type: ResourceType, policies: readonly PolicySource[]): boolean {
  return policies.every(({ path }) => ignoresId(path, `${plainUrl(type)}/`));
}

const plainUrls = new WeakMap<ResourceType, string>();

/** The path that policies and the event log know a collection or a resource by: not percent-encoded, but an id cannot pretend to be further segments. */
export function policyPath(type: ResourceType, id: string | undefined): string {
  const url = plainUrl(type);
  return id === undefined ? url : `${url}/${id.includes('/') ? id.replaceAll('/', '%2F') : id}`;
}

function plainUrl(type: ResourceType): string {
  let url = plainUrls.get(type);
  if (url === undefined) plainUrls.set(type, (url = toPlainPath(type.url)));
  return url;
}

/** A path without percent-encoding; one that is badly encoded stays as it is. */
export function toPlainPath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
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
