import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SekishoError } from '../lib/errors.ts';
import { parseEntity } from './parse-entity.ts';
import { parsePathPattern, toPathShape } from './path-pattern.ts';
import { applyChanges, type EntityGraph, emptyGraph } from './references.ts';
import type { Change, EntityKind, Route } from './types.ts';

function put(kind: EntityKind, input: object): Change {
  return { op: 'put', kind, entity: parseEntity(kind, input, { defaultNamespace: 'n' }) } as Change;
}
const route = (name: string, extra: object = {}) => put('route', { name, paths: [`/${name}`], methods: ['GET'], ...extra });
const remove = (kind: EntityKind, name: string, namespace = 'n'): Change => ({ op: 'delete', kind, namespace, name });

function outcome(graph: EntityGraph, ...changes: readonly Change[]): string {
  try {
    applyChanges(graph, changes);
    return 'ok';
  } catch (error) {
    assert.ok(error instanceof SekishoError);
    return `${error.code} ${error.message}`;
  }
}

const ground = applyChanges(emptyGraph(), [
  put('namespace', { name: 'n' }),
  put('namespace', { name: 'o' }),
  put('service', { name: 's', urls: ['http://x'] }),
  put('module', { name: 'm', payload: 'YQ==' }),
]);

test('what is named has to be there, in the same namespace', () => {
  assert.equal(outcome(ground, put('secret', { name: 'x', data: 'd', namespace: 'p' })), 'ENTITY_REFERENCE namespace not found: p');
  assert.equal(outcome(ground, route('r', { service: 'zz' })), 'ENTITY_REFERENCE service not found: zz');
  assert.equal(outcome(ground, route('r', { service: 's', namespace: 'o' })), 'ENTITY_REFERENCE service not found: s');
  assert.equal(outcome(ground, route('r', { modules: ['m', 'zz'] })), 'ENTITY_REFERENCE module not found: zz');
  assert.equal(outcome(ground, route('r', { service: 's', modules: ['m'] })), 'ok');
  assert.equal(outcome(ground, remove('domain', 'zz')), 'ENTITY_NOT_FOUND domain not found: zz');
});

test('what is used stays', () => {
  const graph = applyChanges(ground, [
    route('r1', { service: 's', modules: ['m'] }),
    route('r2', { service: 's' }),
    put('secret', { name: 'x', data: 'd', namespace: 'o' }),
  ]);
  assert.equal(outcome(graph, remove('service', 's')), 'ENTITY_IN_USE cannot delete service: s: routes still linked (r1, r2)');
  assert.equal(outcome(graph, remove('module', 'm')), 'ENTITY_IN_USE cannot delete module: m: routes still linked (r1)');
  assert.equal(outcome(graph, remove('namespace', 'n')), 'ENTITY_IN_USE cannot delete namespace: n: routes still linked (r1, r2)');
  assert.equal(outcome(graph, remove('namespace', 'o')), 'ENTITY_IN_USE cannot delete namespace: o: secrets still linked (x)');
  const detached = applyChanges(graph, [route('r1'), route('r2')]);
  assert.equal(outcome(detached, remove('service', 's'), remove('module', 'm')), 'ok');
});

test('a list is applied together, in whatever order', () => {
  assert.equal(
    outcome(emptyGraph(), route('r', { service: 's' }), put('service', { name: 's', urls: ['http://x'] }), put('namespace', { name: 'n' })),
    'ok',
  );
  assert.equal(outcome(ground, remove('namespace', 'n'), remove('service', 's'), remove('module', 'm')), 'ok');
  const graph = applyChanges(ground, [route('a'), route('b')]);
  const swapped = applyChanges(graph, [route('a', { paths: ['/b'] }), route('b', { paths: ['/a'] })]);
  assert.equal(outcome(swapped, route('c', { paths: ['/a'] })).slice(0, 15), 'ENTITY_CONFLICT');
  assert.equal(outcome(swapped, remove('route', 'b'), route('c', { paths: ['/a'] })), 'ok');
});

test('two routes of a namespace never have the same path and method', () => {
  const graph = applyChanges(ground, [route('r', { paths: ['/x/{id}'], methods: ['GET', 'PUT'] })]);
  assert.equal(
    outcome(graph, route('q', { paths: ['/x/{name}'] })),
    'ENTITY_CONFLICT route "q": multiple handlers for GET at /x/{name}; the route "r" has it already as /x/{id}',
  );
  assert.match(outcome(graph, route('q', { paths: ['/x/{name}'], methods: ['*'] })), /multiple handlers for GET, PUT at/);
  assert.equal(outcome(graph, route('q', { paths: ['/x/{name}'], methods: ['POST'] })), 'ok');
  assert.equal(outcome(graph, route('q', { paths: ['/x/{name:.+}'] })), 'ok');
  assert.equal(outcome(graph, route('q', { paths: ['/x/{id}'], namespace: 'o' })), 'ok');
  assert.equal(outcome(graph, route('r', { paths: ['/x/{id}'] })), 'ok');
  assert.match(outcome(ground, route('q', { paths: ['/y', '/{a}', '/{b}'] })), /the path \/\{b\} is there twice as \/\{a\}/);
});

test('the graph before a change stays as it is', () => {
  const before = JSON.stringify([...ground.entities.route]);
  const next = applyChanges(ground, [route('r')]);
  assert.equal(JSON.stringify([...ground.entities.route]), before);
  assert.equal(outcome(ground, route('other', { paths: ['/r'] })), 'ok', 'its claims do not know of the change');
  assert.equal(next.entities.service, ground.entities.service, 'kinds that are not touched are shared');
});

const name = fc.constantFrom('a', 'b');
const namespace = fc.constantFrom('n', 'o');
const path = fc.constantFrom('/x', '/{a}', '/{b}', '/{a:\\d}', '/*');
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom('n', 'o').map((value) => put('namespace', { name: value })),
  fc.tuple(name, namespace).map(([value, owner]) => put('service', { name: value, namespace: owner, urls: ['http://x'] })),
  fc.tuple(name, namespace).map(([value, owner]) => put('module', { name: value, namespace: owner, payload: 'YQ==' })),
  fc.tuple(name, namespace).map(([value, owner]) => put('secret', { name: value, namespace: owner, data: 'd' })),
  fc
    .record({
      name,
      namespace,
      service: fc.option(name),
      modules: fc.uniqueArray(name),
      paths: fc.uniqueArray(path, { maxLength: 2 }),
      methods: fc.constantFrom(['GET'], ['*'], ['PUT', 'GET']),
    })
    .map((input) => put('route', input)),
  fc
    .tuple(fc.constantFrom('service', 'module', 'secret', 'route'), name, namespace)
    .map(([kind, value, owner]) => remove(kind as EntityKind, value, owner)),
  fc.constantFrom('n', 'o').map((value) => remove('namespace', value, '')),
);

/** The naive rules: the final state alone decides. */
function isSound(entities: EntityGraph['entities']): boolean {
  const claimed = new Set<string>();
  const owned = [entities.route, entities.service, entities.module, entities.secret].flatMap((map) => [...map.values()]);
  if (owned.some((entity) => !entities.namespace.has(entity.namespace))) return false;
  for (const { namespace: owner, service, modules = [], paths, methods } of entities.route.values() as Iterable<Route>) {
    if (service !== undefined && !entities.service.has(`${owner}/${service}`)) return false;
    if (modules.some((module) => !entities.module.has(`${owner}/${module}`))) return false;
    const all = methods[0] === '*' ? ['GET', 'PUT', 'POST'] : methods;
    for (const key of paths.flatMap((pattern) => all.map((method) => `${owner} ${method} ${toPathShape(parsePathPattern(pattern))}`))) {
      if (claimed.has(key)) return false;
      claimed.add(key);
    }
  }
  return true;
}

test('any changes: accepted exactly when the naive rules hold, and no state ever dangles', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 30 }), (lists) => {
      let graph = emptyGraph();
      for (const list of lists) {
        const model = new Map<string, Change>();
        for (const kind of ['namespace', 'service', 'module', 'secret', 'route'] as const) {
          for (const [key, entity] of graph.entities[kind]) model.set(`${kind} ${key}`, { op: 'put', kind, entity } as Change);
        }
        let isFound = true;
        for (const step of list) {
          const { kind, name: value } = step.op === 'put' ? { kind: step.kind, name: step.entity.name } : step;
          const owner = step.op === 'put' ? ('namespace' in step.entity ? step.entity.namespace : '') : step.namespace;
          const key = `${kind} ${kind === 'namespace' ? value : `${owner}/${value}`}`;
          if (step.op === 'put') model.set(key, step);
          else isFound = model.delete(key) && isFound;
        }
        const expected = emptyGraph().entities;
        for (const [key, step] of model)
          if (step.op === 'put') (expected[step.kind] as Map<string, unknown>).set(key.slice(step.kind.length + 1), step.entity);
        const isAccepted = isFound && isSound(expected);
        const result = outcome(graph, ...list);
        assert.equal(result === 'ok', isAccepted, result);
        if (!isAccepted) continue;
        graph = applyChanges(graph, list);
        assert.deepEqual(new Set(graph.entities.route.keys()), new Set(expected.route.keys()));
        assert.ok(isSound(graph.entities));
      }
    }),
    { numRuns: 500 },
  );
});
