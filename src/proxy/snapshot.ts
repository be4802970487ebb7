import { EntityError } from '../entity/entity-error.ts';
import { type LeftOut, toNodeEntities } from '../entity/node-entities.ts';
import type { Domain, Entities, Namespace, Route } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { ModuleRuntime, Program } from '../runtime/types.ts';
import { type CertificateLookup, compileCertificates } from './certificates.ts';
import { type CompiledPath, type CompiledRoute, compileRoute, loadProgram } from './compiled-route.ts';
import { type CompiledService, compileService, type ServiceDefaults } from './compiled-service.ts';
import { compileResolver, type NamespaceResolver } from './namespace-resolver.ts';
import { emptyTree, type PathNode, withoutPattern, withPattern } from './path-tree.ts';

/** The compiled form of all entities of one revision. Immutable but for the counters of round robin; a change makes a new one that shares what did not change. */
export interface Snapshot {
  /** Those that this node serves. */
  readonly entities: Entities;
  readonly leftOut: readonly LeftOut[];
  readonly resolver: NamespaceResolver;
  readonly namespaces: ReadonlyMap<string, CompiledNamespace>;
  readonly services: ReadonlyMap<string, CompiledService>;
  readonly routes: ReadonlyMap<string, CompiledRoute>;
  readonly certificates: CertificateLookup;
}

export interface CompiledNamespace {
  readonly namespace: Namespace;
  readonly tree: PathNode<CompiledPath>;
}

/** A snapshot that is ready to serve, with the programs that it loaded and those that its predecessor alone used. */
export interface SnapshotBuild {
  readonly snapshot: Snapshot;
  readonly loaded: readonly Program[];
  readonly dropped: readonly Program[];
  readonly buildMs: number;
}

export interface SnapshotOptions {
  readonly runtime: ModuleRuntime;
  readonly serviceDefaults: ServiceDefaults;
  readonly serverTags: readonly string[];
  readonly useDefaultNamespace: boolean;
  readonly allowsHost: (host: string) => boolean;
}

/** Several programs are compiled and started at a time: enough to use the cores, few enough to keep a large start in bounds. */
const LOADS_AT_ONCE = 8;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'CONNECT', 'TRACE'] as const;

/** Compiles the next snapshot of what this node serves of `all`, re-using every part of `previous` whose entities are the same objects. Rejects with the problem of the first route that does not build; nothing stays loaded then. */
export async function buildSnapshot(all: Entities, previous: Snapshot | undefined, options: SnapshotOptions): Promise<SnapshotBuild> {
  const startedAt = performance.now();
  const { entities, leftOut } = toNodeEntities(all, options.serverTags);
  const services = compileServices(entities, previous, options.serviceDefaults);
  const stale = staleRoutes(entities, services, previous);
  const programs = await loadPrograms(stale.changed, entities, options.runtime);
  const routes = new Map(previous?.routes);
  const trees = new Map<string, PathNode<CompiledPath>>();
  const treeOf = (namespace: string): PathNode<CompiledPath> =>
    trees.get(namespace) ?? previous?.namespaces.get(namespace)?.tree ?? emptyTree();
  const dropped: Program[] = [];
  const remove = (key: string): void => {
    const old = routes.get(key);
    if (old === undefined) return;
    routes.delete(key);
    if (old.program !== undefined) dropped.push(old.program);
    let tree = treeOf(old.route.namespace);
    for (const { tokens } of old.paths) tree = withoutPattern(tree, tokens, methodsOf(old.route));
    trees.set(old.route.namespace, tree);
  };
  // All removals come first: a path may move from one route to another in the same change.
  for (const key of stale.removed) remove(key);
  for (const [key] of stale.changed) remove(key);
  for (const [key, route] of stale.changed) {
    const namespace = entities.namespace.get(route.namespace) as Namespace;
    const compiled = compileRoute({
      route,
      namespace,
      service: services.get(`${route.namespace}/${route.service ?? ''}`),
      program: programs.get(key),
      serverTags: options.serverTags,
    });
    routes.set(key, compiled);
    let tree = treeOf(route.namespace);
    for (const path of compiled.paths)
      tree = withPattern(tree, path.tokens, methodsOf(route), { value: path, pattern: path.pattern, names: path.names });
    trees.set(route.namespace, tree);
  }
  const namespaces = new Map([...entities.namespace].map(([name, namespace]) => [name, { namespace, tree: treeOf(name) }]));
  return {
    snapshot: { entities, leftOut, services, routes, namespaces, ...compileHosts(entities, previous, options) },
    loaded: [...programs.values()],
    dropped,
    buildMs: performance.now() - startedAt,
  };
}

function methodsOf(route: Route): readonly string[] {
  return route.methods[0] === '*' ? METHODS : route.methods;
}

function compileServices(
  entities: Entities,
  previous: Snapshot | undefined,
  defaults: ServiceDefaults,
): ReadonlyMap<string, CompiledService> {
  if (previous !== undefined && previous.entities.service === entities.service) return previous.services;
  const services = new Map<string, CompiledService>();
  for (const [key, service] of entities.service) {
    const known = previous?.services.get(key);
    services.set(key, known?.service === service ? known : compileService(service, defaults));
  }
  return services;
}

/** Routes that must be compiled anew because they, their service, a module or their namespace changed, and keys of those that are gone. */
function staleRoutes(
  entities: Entities,
  services: ReadonlyMap<string, CompiledService>,
  previous: Snapshot | undefined,
): { changed: ReadonlyMap<string, Route>; removed: readonly string[] } {
  if (previous === undefined) return { changed: entities.route, removed: [] };
  const changed = new Map<string, Route>();
  const sameServices = services === previous.services;
  const sameModules = entities.module === previous.entities.module;
  const sameNamespaces = entities.namespace === previous.entities.namespace;
  if (sameServices && sameModules && sameNamespaces && entities.route === previous.entities.route) return { changed, removed: [] };
  const isStale = (key: string, route: Route): boolean => {
    const old = previous.routes.get(key);
    if (old === undefined || old.route !== route) return true;
    if (!sameServices && route.service !== undefined && services.get(`${route.namespace}/${route.service}`) !== old.service) return true;
    if (!sameNamespaces && entities.namespace.get(route.namespace) !== old.namespace) return true;
    return (
      !sameModules &&
      (route.modules ?? []).some(
        (name) => entities.module.get(`${route.namespace}/${name}`) !== previous.entities.module.get(`${route.namespace}/${name}`),
      )
    );
  };
  for (const [key, route] of entities.route) if (isStale(key, route)) changed.set(key, route);
  const removed =
    previous.routes.size + changed.size === entities.route.size
      ? []
      : [...previous.routes.keys()].filter((key) => !entities.route.has(key));
  return { changed, removed };
}

async function loadPrograms(
  routes: ReadonlyMap<string, Route>,
  entities: Entities,
  runtime: ModuleRuntime,
): Promise<ReadonlyMap<string, Program>> {
  const programs = new Map<string, Program>();
  const waiting = [...routes].filter(([, route]) => (route.modules ?? []).length > 0);
  try {
    for (let i = 0; i < waiting.length; i += LOADS_AT_ONCE) {
      const batch = waiting.slice(i, i + LOADS_AT_ONCE).map(async ([key, route]) => {
        try {
          programs.set(key, await loadProgram(runtime, route, entities.module));
        } catch (error) {
          throw toRouteError(route, error);
        }
      });
      for (const outcome of await Promise.allSettled(batch)) if (outcome.status === 'rejected') throw outcome.reason;
    }
  } catch (error) {
    for (const program of programs.values()) program.release();
    throw error;
  }
  return programs;
}

/** Names the route whose modules do not load, so that a caller can keep just this route out. */
function toRouteError({ namespace, name }: Route, error: unknown): unknown {
  if (!(error instanceof SekishoError)) return error;
  return new EntityError(error.code, { kind: 'route', namespace, name }, `route "${name}": ${error.message}`, {
    errors: error.errors,
    cause: error,
  });
}

function compileHosts(
  entities: Entities,
  previous: Snapshot | undefined,
  options: SnapshotOptions,
): Pick<Snapshot, 'resolver' | 'certificates'> {
  const { domain, namespace } = entities;
  if (previous !== undefined && previous.entities.domain === domain && previous.entities.namespace === namespace) {
    return { resolver: previous.resolver, certificates: previous.certificates };
  }
  const domains: readonly Domain[] = [...domain.values()];
  return {
    resolver: compileResolver({ domains, namespaces: [...namespace.keys()], useDefault: options.useDefaultNamespace }),
    certificates: compileCertificates(domains, options.allowsHost),
  };
}
