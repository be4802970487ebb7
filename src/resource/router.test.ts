import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceType, SchemaSet } from '../schema/types.ts';
import { compileRouter } from './router.ts';

const type = (id: string, url: string, longUrl = url): ResourceType =>
  ({ id, url, longUrl, actions: new Map() }) as unknown as ResourceType;
const types = [
  type('shop', '/v1/shops'),
  type('shelf', '/v1/shelves', '/v1/shops/{shop}/shelves'),
  type('slot', '/v1/slots', '/v1/shops/{shop}/shelves/{shelf}/slots'),
  type('nil', '/v1/Nil%20Tests'),
  type('schema', '/gohan/v0.1/schemas'),
];
const schemas = {
  resources: new Map(types.map((each) => [each.id, each])),
  groups: [
    { id: 'g', parent: undefined, fullPrefix: '/g', prefix: 'g' },
    { id: 'g1', parent: 'g', fullPrefix: '/g/v1', prefix: 'v1' },
  ],
} as unknown as SchemaSet;
const router = compileRouter(schemas);

const matched = (path: string, method?: string): unknown => {
  const target = router.match(path, method);
  if (target === undefined) return undefined;
  return target.kind === 'meta' ? [target.name, target.id] : [target.type.id, target.id, ...target.ancestorIds];
};

test('short and long paths, with and without a slash at the end', () => {
  assert.deepEqual(matched('/v1/shops'), ['shop', undefined]);
  assert.deepEqual(matched('/v1/shops/'), ['shop', undefined]);
  assert.deepEqual(matched('/v1/shops/a'), ['shop', 'a']);
  assert.deepEqual(matched('/v1/shops/a/'), ['shop', 'a']);
  assert.deepEqual(matched('/v1/shops/a/shelves'), ['shelf', undefined, 'a']);
  assert.deepEqual(matched('/v1/shops/a/shelves/b'), ['shelf', 'b', 'a']);
  assert.deepEqual(matched('/v1/shops/a/shelves/b/slots/'), ['slot', undefined, 'a', 'b']);
  assert.deepEqual(matched('/v1/shops/a/shelves/b/slots/c'), ['slot', 'c', 'a', 'b']);
  assert.deepEqual(matched('/v1/slots/c'), ['slot', 'c']);
});

test('ids are decoded; a badly encoded one names nothing', () => {
  assert.deepEqual(matched('/v1/shops/a%20b%2Fc'), ['shop', 'a b/c']);
  assert.deepEqual(matched('/v1/Nil%20Tests/x'), ['nil', 'x']);
  assert.equal(matched('/v1/shops/%ff'), undefined);
  assert.equal(matched('/v1/shops/%ff/shelves'), undefined);
});

test('.json at the end is left out, except from paths of the gateway itself', () => {
  assert.deepEqual(matched('/v1/shops.json'), ['shop', undefined]);
  assert.deepEqual(matched('/v1/shops/a.json'), ['shop', 'a']);
  assert.deepEqual(matched('/openapi.json'), ['openapi', undefined]);
  assert.deepEqual(matched('/gohan/v0.1/schemas/a.json'), ['schema', 'a.json']);
});

test('what is read from memory is written as a table', () => {
  assert.deepEqual(matched('/gohan/v0.1/schemas', 'GET'), ['schemas', undefined]);
  assert.deepEqual(matched('/gohan/v0.1/schemas', 'POST'), ['schema', undefined]);
  assert.deepEqual(matched('/gohan/v0.1/schemas/x', 'HEAD'), ['schema', 'x']);
  assert.deepEqual(matched('/gohan/v0.1/schemas/x', 'DELETE'), ['schema', 'x']);
});

test('schema groups', () => {
  assert.deepEqual(matched('/g/'), ['group', 'g']);
  assert.deepEqual(matched('/g/v1'), ['group', 'g1']);
});

test('other paths are nobody’s', () => {
  for (const path of ['/', '/v1', '/v1/none', '/v1/shops/a/b', '/v1/shops/a/shelves/b/c', '/v1/shops//shelves', '/v2/shops', '/g/v1/x'])
    assert.equal(matched(path), undefined, path);
});
