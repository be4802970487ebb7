import { SekishoError } from '../lib/errors.ts';
import type { AdminRoute } from './route.ts';

export interface Match {
  readonly route: AdminRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** What a path leads to: a route, or the methods that the path has instead. */
export type MatchResult = { readonly found: Match } | { readonly allow: readonly string[] };

interface CompiledRoute {
  readonly route: AdminRoute;
  readonly segments: readonly string[];
}

/** Makes the look-up of the table; the result throws `ADMIN_NOT_FOUND` for a path that no route has. */
export function compileMatcher(routes: readonly AdminRoute[]): (method: string, path: string) => MatchResult {
  const bySize = new Map<number, CompiledRoute[]>();
  for (const route of routes) {
    const segments = route.path.split('/');
    const list = bySize.get(segments.length) ?? [];
    list.push({ route, segments });
    bySize.set(segments.length, list);
  }
  return (method, path) => {
    const given = path.split('/');
    const candidates = (bySize.get(given.length) ?? []).filter(({ segments }) =>
      segments.every((segment, i) => fits(segment, given[i] ?? '')),
    );
    const best = candidates.find(({ route }) => route.method === method);
    if (best !== undefined) return { found: { route: best.route, params: toParams(best.segments, given) } };
    if (candidates.length === 0)
      throw new SekishoError('ADMIN_NOT_FOUND', `The admin API has no path ${path.slice(0, 200)}; /openapi.json lists all.`);
    return { allow: [...new Set(candidates.map(({ route }) => route.method))].toSorted() };
  };
}

function fits(segment: string, given: string): boolean {
  return segment.startsWith('{') ? given !== '' : segment === given;
}

function toParams(segments: readonly string[], given: readonly string[]): Readonly<Record<string, string>> {
  const params: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    if (!segment.startsWith('{')) continue;
    try {
      params[segment.slice(1, -1)] = decodeURIComponent(given[i] ?? '');
    } catch {
      throw new SekishoError('ADMIN_BAD_REQUEST', `${segment} of the path is not UTF-8 in percent-encoding`);
    }
  }
  return params;
}
