import type { Route } from '../entity/types.ts';

/** Writes the target that goes upstream from the canonical path and query of a request. */
export type TargetWriter = (path: string, query: string) => string;

/** What a target is written from: the path that matched (`pattern`), the route's `stripPath`, and the base of the service URL. */
export interface TargetOptions {
  readonly pattern: string;
  readonly stripPath: Route['stripPath'];
  /** Path of the service URL, `/` or empty when it has none. */
  readonly basePath: string;
  /** Query of the service URL, without `?`. */
  readonly baseQuery: string;
  readonly dropClientQuery: boolean;
}

/**
 * Compiles the rule of a route's path for one service URL:
 * without `stripPath` the path is appended to the base; with it the base alone is sent, or, for a pattern that ends in `*`,
 * the base and what follows the pattern's literal text. The result always starts with `/`.
 */
export function compileTarget(options: TargetOptions): TargetWriter {
  const { pattern, stripPath, baseQuery, dropClientQuery } = options;
  const base = options.basePath === '/' ? '' : options.basePath;
  const appended = base.endsWith('/') ? base.slice(0, -1) : base;
  const literal = pattern.endsWith('*') ? pattern.slice(0, -1) : undefined;
  const addQuery = queryWriter(baseQuery, dropClientQuery);
  if (!stripPath) {
    if (appended === '') return (path, query) => addQuery(path, query);
    return (path, query) => addQuery(path === '/' ? base : appended + path, query);
  }
  if (literal === undefined) {
    const whole = base === '' ? '/' : base;
    return (_path, query) => addQuery(whole, query);
  }
  return (path, query) => {
    const rest = path.startsWith(literal) ? path.slice(literal.length) : path;
    if (rest === '') return addQuery(base === '' ? '/' : base, query);
    return addQuery(rest.startsWith('/') ? appended + rest : `${appended}/${rest}`, query);
  };
}

function queryWriter(baseQuery: string, dropClientQuery: boolean): (path: string, query: string) => string {
  if (dropClientQuery) return baseQuery === '' ? (path) => path : (path) => `${path}?${baseQuery}`;
  if (baseQuery === '') return (path, query) => (query === '' ? path : `${path}?${query}`);
  return (path, query) => (query === '' ? `${path}?${baseQuery}` : `${path}?${baseQuery}&${query}`);
}
