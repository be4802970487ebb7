import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toNodeEntities } from './node-entities.ts';
import { parseEntity } from './parse-entity.ts';
import { applyChanges, emptyGraph } from './references.ts';
import type { Change, Entities, EntityKind } from './types.ts';

function put(kind: EntityKind, fields: Readonly<Record<string, unknown>>): Change {
  return { op: 'put', kind, entity: parseEntity(kind, fields, { defaultNamespace: 'shop' }) } as unknown as Change;
}

function build(...changes: readonly Change[]): Entities {
  return applyChanges(emptyGraph(), [put('namespace', { name: 'shop' }), ...changes]).entities;
}

const SERVICE = { name: 'users', urls: ['http://127.0.0.1:1'] };
const ROUTE = { name: 'r', paths: ['/a'], methods: ['GET'] };

test('without conditions the maps are the same', () => {
  const entities = build(put('service', { ...SERVICE, tags: ['label'] }), put('route', { ...ROUTE, service: 'users' }));
  assert.equal(toNodeEntities(entities, []).entities, entities);
});

test('what refers to something that is left out is left out too, and told why', () => {
  const entities = build(
    put('service', { ...SERVICE, tags: ['#canary'] }),
    put('module', { name: 'm', payload: 'YQ==', tags: ['!canary'] }),
    put('route', { ...ROUTE, service: 'users' }),
    put('route', { name: 'other', paths: ['/b'], methods: ['GET'], modules: ['m'] }),
  );
  const plain = toNodeEntities(entities, []);
  assert.deepEqual([...plain.entities.route.keys()], ['shop/other']);
  assert.deepEqual(
    plain.leftOut.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`),
    ['service users: it is for nodes with the tag canary', 'route r: its service users is not served by this node'],
  );
  const canary = toNodeEntities(entities, ['canary']);
  assert.deepEqual([...canary.entities.route.keys()], ['shop/r']);
  assert.equal(canary.entities.domain, entities.domain);
  assert.equal(canary.leftOut.at(-1)?.reason, 'its module m is not served by this node');
});

test('a namespace takes everything with it', () => {
  const namespace = put('namespace', { name: 'shop', tags: ['#eu'] });
  const entities = build(namespace, put('service', SERVICE), put('secret', { name: 's', data: 'x' }), put('domain', { name: 'd' }));
  const { entities: left, leftOut } = toNodeEntities(entities, ['us']);
  assert.deepEqual([left.namespace.size, left.service.size, left.secret.size, left.domain.size], [0, 0, 0, 0]);
  assert.equal(leftOut.length, 4);
});

test('two routes for different nodes may have the same path', () => {
  const stable = put('route', { ...ROUTE, tags: ['!canary'] });
  build(stable, put('route', { ...ROUTE, name: 'next', tags: ['#canary'] }));
  assert.throws(() => build(stable, put('route', { ...ROUTE, name: 'next', tags: ['#eu'] })), /multiple handlers/);
});
