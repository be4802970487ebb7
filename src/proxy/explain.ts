import type { LeftOut } from '../entity/node-entities.ts';
import type { Gate } from './gate.ts';
import type { DomainVerdict } from './namespace-resolver.ts';
import { emptyTree, matchPath, withPattern } from './path-tree.ts';
import type { Fallback, FallbackVerdict } from './proxy-options.ts';
import type { CompiledNamespace, Snapshot } from './snapshot.ts';

/** Why a request would be served as it is: for the explain endpoint of the admin API. */
export interface Explanation {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly domains: readonly DomainVerdict[];
  readonly namespace: string | undefined;
  readonly namespaceReason: string;
  readonly allowedDomain: boolean;
  /** What the client gets: a route, an operation of a schema, or the status without one. */
  readonly outcome: string;
  readonly route:
    | {
        readonly name: string;
        readonly pattern: string;
        readonly params: Readonly<Record<string, string>>;
        readonly service: string | undefined;
        readonly modules: readonly string[];
      }
    | undefined;
  /** What the schemas have at this path, and whether it serves the request: routes come first. */
  readonly schema: (Omit<FallbackVerdict, 'outcome'> & { readonly reason: string }) | undefined;
  /** The other routes of the namespace, and why each does not serve this request; at most `MAX_VERDICTS`. */
  readonly others: readonly { readonly route: string; readonly pattern: string; readonly reason: string }[];
  /** What this node does not serve because of conditional tags: namespaces, domains, and routes of the namespace; at most `MAX_VERDICTS`. */
  readonly leftOut: readonly LeftOut[];
}

const MAX_VERDICTS = 100;

/** What a request is judged by. */
interface Sources {
  readonly snapshot: Snapshot | undefined;
  readonly gate: Gate;
  readonly fallback: Fallback | undefined;
}

export function explainRequest(
  { snapshot, gate, fallback }: Sources,
  { host, method, path }: Pick<Explanation, 'host' | 'method' | 'path'>,
): Explanation {
  const base = { host, method, path, allowedDomain: gate.allows(host), route: undefined, schema: undefined, others: [], leftOut: [] };
  if (snapshot === undefined)
    return { ...base, domains: [], namespace: undefined, namespaceReason: 'no configuration is loaded yet', outcome: '503 NOT_READY' };
  const { verdicts, reason } = snapshot.resolver.explain(host);
  const name = snapshot.resolver.resolve(host);
  const namespace = name === undefined ? undefined : snapshot.namespaces.get(name);
  const leftOut = snapshot.leftOut.filter((entity) => isAbout(entity, name)).slice(0, MAX_VERDICTS);
  const found = { ...base, domains: verdicts, namespace: name, namespaceReason: reason, leftOut };
  if (namespace === undefined) return { ...found, outcome: '404 NAMESPACE_NOT_FOUND' };
  if (!base.allowedDomain) return { ...found, outcome: '403 DOMAIN_NOT_ALLOWED' };
  const verdict = fallback?.explain(namespace.namespace.name, method, path);
  return { ...found, ...explainRoute(snapshot, namespace, method, path, verdict) };
}

function isAbout({ kind, namespace }: LeftOut, resolved: string | undefined): boolean {
  return kind === 'namespace' || kind === 'domain' || (kind === 'route' && (namespace === resolved || resolved === undefined));
}

function explainRoute(
  snapshot: Snapshot,
  namespace: CompiledNamespace,
  method: string,
  path: string,
  verdict: FallbackVerdict | undefined,
): Pick<Explanation, 'outcome' | 'route' | 'schema' | 'others'> {
  const { endpoint, values, allowed } = matchPath(namespace.tree, method, path);
  const others = otherRoutes(snapshot, namespace.namespace.name, method, path, endpoint?.value.route.route.name);
  if (endpoint === undefined) {
    const isServed = allowed.length === 0 && verdict !== undefined;
    const refused = allowed.length === 0 ? '404 ROUTE_NOT_FOUND' : `405 ROUTE_METHOD (allowed: ${allowed.join(', ')})`;
    const reason = isServed ? 'no route has the path' : 'a route has the path, though not the method, and routes come first';
    return { outcome: isServed ? verdict.outcome : refused, route: undefined, schema: toSchema(verdict, reason), others };
  }
  const { route, service } = endpoint.value.route;
  const params = Object.fromEntries(endpoint.names.map((name, i) => [name, values[i] ?? '']));
  return {
    outcome: `route "${route.name}"`,
    route: { name: route.name, pattern: endpoint.pattern, params, service: service?.service.name, modules: route.modules ?? [] },
    schema: toSchema(verdict, `the route "${route.name}" has the path too, and routes come first`),
    others,
  };
}

function toSchema(verdict: FallbackVerdict | undefined, reason: string): Explanation['schema'] {
  if (verdict === undefined) return undefined;
  const { outcome: _, ...rest } = verdict;
  return { ...rest, reason };
}

function otherRoutes(
  snapshot: Snapshot,
  namespace: string,
  method: string,
  path: string,
  winner: string | undefined,
): Explanation['others'] {
  const others: { route: string; pattern: string; reason: string }[] = [];
  for (const { route, paths } of snapshot.routes.values()) {
    if (route.namespace !== namespace || route.name === winner) continue;
    if (paths.length === 0) others.push({ route: route.name, pattern: '', reason: 'it has no paths' });
    for (const compiled of paths) {
      const alone = withPattern(emptyTree<true>(), compiled.tokens, route.methods, {
        value: true,
        pattern: compiled.pattern,
        names: compiled.names,
      });
      const { endpoint, allowed } = matchPath(alone, route.methods[0] === '*' ? '*' : method, path);
      const reason =
        endpoint !== undefined
          ? 'it matches too, but a more specific path wins'
          : allowed.length > 0
            ? `the path matches, but its methods are ${route.methods.join(', ')}`
            : 'its path does not match';
      others.push({ route: route.name, pattern: compiled.pattern, reason });
      if (others.length >= MAX_VERDICTS) return others;
    }
  }
  return others.toSorted((a, b) => rank(a.reason) - rank(b.reason));
}

/** Near misses first. */
function rank(reason: string): number {
  return reason.startsWith('it matches') ? 0 : reason.startsWith('the path') ? 1 : 2;
}
