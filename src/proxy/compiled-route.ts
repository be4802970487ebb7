import { type PathToken, parsePathPattern } from '../entity/path-pattern.ts';
import type { Module, Namespace, Route } from '../entity/types.ts';
import type { Upstream } from '../http/upstream.ts';
import type { ModuleRuntime, Program, ProgramSource } from '../runtime/types.ts';
import type { CompiledService, ServiceTarget } from './compiled-service.ts';
import { toFieldText } from './field-text.ts';
import { compileTarget, type TargetWriter } from './target.ts';

/** Everything about a route that a request needs, worked out once per revision. */
export interface CompiledRoute {
  readonly route: Route;
  readonly namespace: Namespace;
  readonly service: CompiledService | undefined;
  readonly program: Program | undefined;
  readonly paths: readonly CompiledPath[];
  /** Fields that tell the upstream where the request came through; empty when the service hides them. */
  readonly upstreamFields: readonly string[];
  readonly hidesGateway: boolean;
}

/** One path of a route: its tokens, and how targets are written for each URL of the service. */
export interface CompiledPath {
  readonly pattern: string;
  readonly tokens: readonly PathToken[];
  /** Names of the params in order, `*` for the wildcard. */
  readonly names: readonly string[];
  readonly route: CompiledRoute;
  readonly destinations: readonly Destination[];
}

/** Where one URL of the service sends the requests of one path. */
export interface Destination {
  readonly target: ServiceTarget;
  readonly write: TargetWriter;
  /** Looked up when first used; pools live outside of snapshots. */
  upstream: Upstream | undefined;
}

export interface RouteParts {
  readonly route: Route;
  readonly namespace: Namespace;
  readonly service: CompiledService | undefined;
  readonly program: Program | undefined;
  readonly serverTags: readonly string[];
}

export function compileRoute(parts: RouteParts): CompiledRoute {
  const { route, namespace, service, program } = parts;
  const hidesGateway = service?.service.hideDGateHeaders ?? false;
  const paths: CompiledPath[] = [];
  const compiled: CompiledRoute = {
    route,
    namespace,
    service,
    program,
    paths,
    hidesGateway,
    upstreamFields: hidesGateway ? [] : gatewayFields(parts),
  };
  for (const pattern of route.paths) {
    const tokens = parsePathPattern(pattern);
    paths.push({
      pattern,
      tokens,
      names: tokens.flatMap((token) => (token.kind === 'static' ? [] : token.kind === 'wildcard' ? ['*'] : [token.name])),
      route: compiled,
      destinations: service?.targets.map((target) => toDestination(target, pattern, route, service)) ?? [],
    });
  }
  return compiled;
}

/** How requests of `pattern` are written for `target`, which is one of the service's or one that a module chose. */
export function toDestination(target: ServiceTarget, pattern: string, route: Route, service: CompiledService): Destination {
  const { basePath, baseQuery } = target;
  const write = compileTarget({
    pattern,
    stripPath: route.stripPath,
    basePath,
    baseQuery,
    dropClientQuery: service.service.disableQueryParams,
  });
  return { target, write, upstream: undefined };
}

function gatewayFields({ route, service, namespace, serverTags }: RouteParts): string[] {
  const fields = service === undefined ? [] : ['X-DGate-Service', toFieldText(service.service.name)];
  fields.push('X-DGate-Route', toFieldText(route.name), 'X-DGate-Namespace', toFieldText(namespace.name));
  for (const tag of serverTags) fields.push('X-DGate-Tags', toFieldText(tag));
  return fields;
}

/** The program of a route: its modules in the order listed, the first being the entry. */
export function loadProgram(runtime: ModuleRuntime, route: Route, modules: ReadonlyMap<string, Module>): Promise<Program> {
  const source: ProgramSource = {
    namespace: route.namespace,
    modules: (route.modules ?? []).map((name) => {
      const module = modules.get(`${route.namespace}/${name}`) as Module;
      return { name, type: module.moduleType, source: Buffer.from(module.payload, 'base64').toString('utf8') };
    }),
  };
  return runtime.load(source);
}
