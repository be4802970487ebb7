import type { Action, ResourceType } from '../schema/types.ts';

/** An own action of a schema with its path below the URL of the collection, compiled. */
interface ActionRoute {
  readonly action: Action;
  /** `:id` is a parameter, anything else stands as it is. */
  readonly segments: readonly string[];
  readonly isLiteral: boolean;
}

/** The actions whose path fits: all methods of it, and what its parameters are. */
export interface ActionMatch {
  readonly actions: ReadonlyMap<string, Action>;
  /** No parameter was needed: the path names the action rather than a resource of that id. */
  readonly isLiteral: boolean;
  readonly params: Readonly<Record<string, string>>;
  /** As the path is written in the schema, `{id}` for `:id`. */
  readonly pattern: string;
}

/** The own actions of one type. */
export interface ActionRoutes {
  /** Of the longest path. */
  readonly maxSegments: number;
  /** `rest` are the decoded segments behind the URL of the collection. */
  match(rest: readonly string[]): ActionMatch | undefined;
}

/** Undefined for types without actions. Of two actions with one method and path the first counts. */
export function compileActions({ actions }: ResourceType): ActionRoutes | undefined {
  if (actions.size === 0) return undefined;
  const routes = [...actions.values()].map(toRoute);
  return {
    maxSegments: Math.max(...routes.map(({ segments }) => segments.length)),
    match(rest) {
      const fitting = routes.filter(({ segments }) => fits(segments, rest)).toSorted((a, b) => Number(b.isLiteral) - Number(a.isLiteral));
      const [first] = fitting;
      if (first === undefined) return undefined;
      const found = new Map<string, Action>();
      for (const { action, segments } of fitting) {
        if (segments.join('/') !== first.segments.join('/')) continue;
        const method = action.method.toUpperCase();
        if (!found.has(method)) found.set(method, action);
      }
      return { actions: found, isLiteral: first.isLiteral, params: paramsOf(first.segments, rest), pattern: patternOf(first.segments) };
    },
  };
}

function toRoute(action: Action): ActionRoute {
  const segments = action.path.split('/').filter((segment) => segment !== '');
  return { action, segments, isLiteral: !segments.some((segment) => segment.startsWith(':')) };
}

function fits(segments: readonly string[], rest: readonly string[]): boolean {
  return segments.length === rest.length && segments.every((segment, at) => segment.startsWith(':') || segment === rest[at]);
}

function paramsOf(segments: readonly string[], rest: readonly string[]): Record<string, string> {
  return Object.fromEntries(segments.flatMap((segment, at) => (segment.startsWith(':') ? [[segment.slice(1), rest[at] ?? '']] : [])));
}

function patternOf(segments: readonly string[]): string {
  return segments.map((segment) => (segment.startsWith(':') ? `/{${segment.slice(1)}}` : `/${segment}`)).join('');
}
