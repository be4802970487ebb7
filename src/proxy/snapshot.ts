import { EntityError } from '../entity/entity-error.ts';
import { emptyEntities } from '../entity/entity-key.ts';
import { type LeftOut, toNodeEntities } from '../entity/node-entities.ts';
import { type RouteUsers, replaceUsers, usersOf } from '../entity/route-users.ts';
import type { Domain, Entities, EntityKind, EntityTypes, Namespace, Route } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { diffKeys, type MapEdit, SharedMap } from '../lib/shared-map.ts';
import type { ModuleRuntime, Program } from '../runtime/types.ts';
import { type CertificateLookup, compileCertificates } from './certificates.ts';
import { type CompiledPath, type CompiledRoute, compileRoute, loadProgram } from './compiled-route.ts';
import { type CompiledService, compileService, type ServiceDefaults } from './compiled-service.ts';
import { compileResolver, type NamespaceResolver } from './namespace-resolver.ts';
import { emptyTree, type PathNode, withoutPattern, withPattern } from './path-tree.ts';

/** The compiled form of all entities of one revision. Immutable but for the counters of round robin; a change makes a new one that shares what did not change. */
export interface Snapshot {
  /** What it was built of. */
  readonly all: Entities;
  /** Those that this node serves. */
  readonly entities: Entities;
  readonly leftOut: readonly LeftOut[];
  readonly resolver: NamespaceResolver;
  readonly namespaces: SharedMap<CompiledNamespace>;
  readonly services: SharedMap<CompiledService>;
  readonly routes: SharedMap<CompiledRoute>;
  readonly users: RouteUsers;
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

/**
 * Compiles the next snapshot of what this node serves of `all`, re-using every part of `previous` whose entities are the same objects: what it costs is what
 * differs. Rejects with the problem of the first route that does not build; nothing stays loaded then.
 */
export async function buildSnapshot(all: Entities, previous: Snapshot | undefined, options: SnapshotOptions): Promise<SnapshotBuild> {
  const startedAt = performance.now();
  const { entities, leftOut } = toNodeEntities(all, options.serverTags, previous?.all);
  const before = previous?.entities ?? emptyEntities();
  const services = compileServices(before, entities, previous, options.serviceDefaults);
  const stale = staleRoutes(before, entities, previous);
  const programs = await loadPrograms(stale.built, entities, options.runtime);
  const routes = compileRoutes(stale.built, entities, services, programs, options);
  const trees = editTrees(previous, stale.dropped, routes.values());
  const built = {
    all,
    entities,
    leftOut,
    services,
    routes: (previous?.routes ?? new SharedMap<CompiledRoute>()).with(
      [...stale.dropped.keys(), ...routes.keys()].map((key) => [key, routes.get(key)]),
    ),
    users: replaceUsers(
      previous?.users ?? new SharedMap(),
      [...stale.dropped.values()].map(({ route }) => route),
      stale.built.values(),
    ),
    namespaces: compileNamespaces(before, entities, previous, trees),
  };
  return {
    snapshot: { ...built, ...compileHosts(entities, previous, options) },
    loaded: [...programs.values()],
    dropped: [...stale.dropped.values()].flatMap(({ program }) => program ?? []),
    buildMs: performance.now() - startedAt,
  };
}

function methodsOf(route: Route): readonly string[] {
  return route.methods[0] === '*' ? METHODS : route.methods;
}

function compileServices(
  before: Entities,
  { service: services }: Entities,
  previous: Snapshot | undefined,
  defaults: ServiceDefaults,
): SharedMap<CompiledService> {
  const edits = [...diffKeys(before.service, services)].map((key): MapEdit<CompiledService> => {
    const service = services.get(key);
    return [key, service && compileService(service, defaults)];
  });
  return (previous?.services ?? new SharedMap<CompiledService>()).with(edits);
}

/** Routes that are compiled anew because they, their namespace, their service or a module changed, and the compiled ones that they replace or that are gone. */
function staleRoutes(
  before: Entities,
  entities: Entities,
  previous: Snapshot | undefined,
): { readonly built: ReadonlyMap<string, Route>; readonly dropped: ReadonlyMap<string, CompiledRoute> } {
  const keys = new Set(diffKeys(before.route, entities.route));
  if (previous !== undefined)
    for (const kind of ['namespace', 'service', 'module'] as const)
      for (const used of diffKeys<EntityTypes[EntityKind]>(before[kind], entities[kind]))
        for (const key of usersOf(previous.users, kind, used).keys()) keys.add(key);
  return { built: pick(entities.route, keys), dropped: pick(previous?.routes ?? new Map(), keys) };
}

function pick<T>(map: ReadonlyMap<string, T>, keys: Iterable<string>): ReadonlyMap<string, T> {
  const picked = new Map<string, T>();
  for (const key of keys) {
    const value = map.get(key);
    if (value !== undefined) picked.set(key, value);
  }
  return picked;
}

function compileRoutes(
  routes: ReadonlyMap<string, Route>,
  entities: Entities,
  services: ReadonlyMap<string, CompiledService>,
  programs: ReadonlyMap<string, Program>,
  { serverTags }: SnapshotOptions,
): ReadonlyMap<string, CompiledRoute> {
  const compiled = new Map<string, CompiledRoute>();
  for (const [key, route] of routes) {
    const namespace = entities.namespace.get(route.namespace) as Namespace;
    const service = services.get(`${route.namespace}/${route.service ?? ''}`);
    compiled.set(key, compileRoute({ route, namespace, service, program: programs.get(key), serverTags }));
  }
  return compiled;
}

type Trees = ReadonlyMap<string, PathNode<CompiledPath>>;

/** The trees of the namespaces whose routes change. */
function editTrees(previous: Snapshot | undefined, dropped: ReadonlyMap<string, CompiledRoute>, built: Iterable<CompiledRoute>): Trees {
  const trees = new Map<string, PathNode<CompiledPath>>();
  const treeOf = (namespace: string): PathNode<CompiledPath> =>
    trees.get(namespace) ?? previous?.namespaces.get(namespace)?.tree ?? emptyTree();
  // All removals come first: a path may move from one route to another in the same change.
  for (const { route, paths } of dropped.values()) {
    let tree = treeOf(route.namespace);
    for (const { tokens } of paths) tree = withoutPattern(tree, tokens, methodsOf(route));
    trees.set(route.namespace, tree);
  }
  for (const { route, paths } of built) {
    let tree = treeOf(route.namespace);
    for (const path of paths)
      tree = withPattern(tree, path.tokens, methodsOf(route), { value: path, pattern: path.pattern, names: path.names });
    trees.set(route.namespace, tree);
  }
  return trees;
}

function compileNamespaces(
  before: Entities,
  entities: Entities,
  previous: Snapshot | undefined,
  trees: Trees,
): SharedMap<CompiledNamespace> {
  const known = previous?.namespaces ?? new SharedMap<CompiledNamespace>();
  const names = new Set([...trees.keys(), ...diffKeys(before.namespace, entities.namespace)]);
  return known.with(
    [...names].map((name) => {
      const namespace = entities.namespace.get(name);
      return [name, namespace && { namespace, tree: trees.get(name) ?? known.get(name)?.tree ?? emptyTree() }];
    }),
  );
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
