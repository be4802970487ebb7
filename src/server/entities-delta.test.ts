import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntity } from '../entity/parse-entity.ts';
import { applyChanges, emptyGraph } from '../entity/references.ts';
import type { Change, Entities } from '../entity/types.ts';
import { applyDelta, diffEntities, hasCode } from './entities-delta.ts';

const put = (kind: 'namespace' | 'service' | 'route' | 'module', fields: Readonly<Record<string, unknown>>): Change =>
  ({ op: 'put', kind, entity: parseEntity(kind, fields) }) as Change;

const graph = applyChanges(emptyGraph(), [
  put('namespace', { name: 'default' }),
  put('service', { name: 'a', namespace: 'default', urls: ['http://a'] }),
  put('service', { name: 'b', namespace: 'default', urls: ['http://b'] }),
  put('route', { name: 'r', namespace: 'default', paths: ['/r'], methods: ['GET'], service: 'a' }),
]);

/** What another process gets. */
const sent = (from: Entities | undefined, to: Entities) => structuredClone(diffEntities(from, to));

test('a difference leads from one state to the other, and leaves what did not change as it is', () => {
  const { entities } = applyChanges(graph, [
    put('service', { name: 'a', namespace: 'default', urls: ['http://other'] }),
    { op: 'delete', kind: 'service', namespace: 'default', name: 'b' },
    put('namespace', { name: 'second' }),
  ]);
  const delta = sent(graph.entities, entities);
  assert.deepEqual(Object.keys(delta), ['namespace', 'service']);
  assert.deepEqual(delta.service?.deletions, ['default/b']);
  const next = applyDelta(graph.entities, delta);
  assert.deepEqual(next, entities);
  assert.equal(next.route, graph.entities.route);
  assert.equal(next.namespace.get('default'), graph.entities.namespace.get('default'));
});

test('the first difference is the whole state; there is none between equal states', () => {
  const whole = sent(undefined, graph.entities);
  assert.deepEqual(applyDelta(emptyGraph().entities, whole), graph.entities);
  assert.deepEqual(diffEntities(graph.entities, graph.entities), {});
});

test('code is in modules and in routes that have some, not in deletions', () => {
  assert.equal(hasCode(diffEntities(undefined, graph.entities)), false);
  const module = put('module', { name: 'm', namespace: 'default', moduleType: 'javascript', payload: 'eA==' });
  const withModule = applyChanges(graph, [module]);
  assert.equal(hasCode(diffEntities(graph.entities, withModule.entities)), true);
  assert.equal(hasCode(diffEntities(withModule.entities, graph.entities)), false);
});
