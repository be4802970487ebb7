import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ENTITY_KINDS } from '../entity/entity-key.ts';
import { parseEntity } from '../entity/parse-entity.ts';
import { applyChanges, type EntityGraph, emptyGraph } from '../entity/references.ts';
import type { Change, EntityKind } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import type { ModuleRuntime, Program } from '../runtime/types.ts';
import { matchPath } from './path-tree.ts';
import { buildSnapshot, type Snapshot, type SnapshotOptions } from './snapshot.ts';

/** A runtime of which only loading and releasing is asked. */
function countingRuntime(): { readonly runtime: ModuleRuntime; readonly live: Set<Program> } {
  const live = new Set<Program>();
  const load = async (): Promise<Program> => {
    const program = { release: () => live.delete(program) } as unknown as Program;
    live.add(program);
    return program;
  };
  return { runtime: { load } as unknown as ModuleRuntime, live };
}

function optionsWith(runtime: ModuleRuntime): SnapshotOptions {
  return {
    runtime,
    serviceDefaults: { connectTimeoutMs: 1000, responseHeaderTimeoutMs: 1000, forceHttp2: false },
    serverTags: ['eu'],
    useDefaultNamespace: true,
    allowsHost: () => true,
  };
}

function put(kind: EntityKind, input: object): Change {
  return { op: 'put', kind, entity: parseEntity(kind, input, { defaultNamespace: 'n' }) } as Change;
}

const name = fc.constantFrom('a', 'b', 'c');
const namespace = fc.constantFrom('n', 'o');
const tags = fc.constantFrom([], [], ['label'], ['#eu'], ['!eu']);
const path = fc.constantFrom('/x', '/xy', '/{a}', '/{a}/z', '/{a:\\d}', '/*');
const put1 = fc.record({ name, namespace, tags });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ name: namespace, tags }).map((input) => put('namespace', input)),
  put1.map((input) => put('service', { ...input, urls: ['http://x'] })),
  put1.map((input) => put('module', { ...input, payload: 'YQ==' })),
  put1.map((input) => put('domain', { ...input, patterns: [`${input.name}.example`] })),
  {
    weight: 4,
    arbitrary: fc
      .record({
        name: fc.integer({ min: 0, max: 60 }).map((number) => `r${number}`),
        namespace,
        tags,
        service: fc.option(name),
        modules: fc.uniqueArray(name, { maxLength: 2 }),
        paths: fc.uniqueArray(path, { maxLength: 2 }),
        methods: fc.constantFrom(['GET'], ['*'], ['PUT', 'GET']),
      })
      .map((input) => put('route', input)),
  },
  fc.integer({ min: 0, max: 60 }).map((number) => put('route', { name: `r${number}`, paths: [`/many/${number}`], methods: ['GET'] })),
  fc
    .tuple(fc.constantFrom('service', 'module', 'domain', 'route'), fc.oneof(name, fc.constantFrom('r1', 'r2', 'r3')), namespace)
    .map(([kind, value, owner]): Change => ({ op: 'delete', kind: kind as EntityKind, namespace: owner, name: value })),
);

const GROUND = [
  ...['n', 'o'].map((value) => put('namespace', { name: value })),
  ...['a', 'b'].flatMap((value) =>
    ['n', 'o'].flatMap((owner) => [
      put('service', { name: value, namespace: owner, urls: ['http://x'] }),
      put('module', { name: value, namespace: owner, payload: 'YQ==' }),
    ]),
  ),
];

/** The graph after `step`; the same one when it is refused. */
function tryChange(graph: EntityGraph, step: Change): EntityGraph {
  try {
    return applyChanges(graph, [step]);
  } catch (error) {
    assert.ok(error instanceof SekishoError);
    return graph;
  }
}

/** All that a snapshot says, free of the order in which it came about. */
function view({ entities, leftOut, routes, services, namespaces, users, resolver }: Snapshot): unknown {
  const paths = ['/x', '/xy', '/q', '/q/z', '/7', '/many/3', '/many/44', '/'];
  const find = (owner: string, method: string, asked: string): unknown => {
    const tree = namespaces.get(owner)?.tree;
    if (tree === undefined) return undefined;
    const { endpoint, values } = matchPath(tree, method, asked);
    return (
      endpoint && [
        endpoint.value.route.route,
        endpoint.pattern,
        values,
        endpoint.value.route === routes.get(`${owner}/${endpoint.value.route.route.name}`),
      ]
    );
  };
  return {
    entities: ENTITY_KINDS.map((kind) => new Map<string, unknown>(entities[kind])),
    leftOut: new Set(leftOut),
    routes: new Map(
      [...routes].map(([key, { route, namespace: owner, service, program }]) => [
        key,
        [route, owner, service?.service, program !== undefined],
      ]),
    ),
    services: new Map([...services].map(([key, { service }]) => [key, service])),
    users: new Map([...users].map(([key, some]) => [key, new Set(some.keys())])),
    hosts: ['a.example', 'b.example', 'other'].map((host) => resolver.resolve(host)),
    matches: ['n', 'o'].flatMap((owner) => paths.flatMap((asked) => ['GET', 'PUT'].map((method) => find(owner, method, asked)))),
  };
}

test('any changes: a snapshot that is built of the one before is the one that is built of nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(change, { minLength: 1, maxLength: 8 }), { maxLength: 25 }), async (lists) => {
      const { runtime, live } = countingRuntime();
      let graph = applyChanges(emptyGraph(), GROUND);
      let snapshot: Snapshot | undefined;
      for (const list of lists) {
        graph = list.reduce(tryChange, graph);
        const before = snapshot;
        const built = await buildSnapshot(graph.entities, before, optionsWith(runtime));
        snapshot = built.snapshot;
        for (const program of built.dropped) program.release();
        const programs = new Set([...snapshot.routes.values()].flatMap(({ program }) => program ?? []));
        assert.deepEqual(programs.size, live.size, 'every program that no route has any more is dropped');
        // Another object with the same entities, so that nothing is known of it.
        const scratch = await buildSnapshot({ ...graph.entities }, undefined, optionsWith(countingRuntime().runtime));
        assert.deepEqual(view(snapshot), view(scratch.snapshot));
        for (const [key, { route, service, namespace: owner, program }] of snapshot.routes) {
          const old = before?.routes.get(key);
          if (program !== undefined || old?.route !== route || old.service !== service || old.namespace !== owner) continue;
          assert.equal(snapshot.routes.get(key), old, 'what did not change is not compiled anew');
        }
      }
    }),
    { numRuns: 150 },
  );
});
