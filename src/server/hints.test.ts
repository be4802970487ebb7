import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '../entity/types.ts';
import { toHints } from './hints.ts';

const route = (path: string, method = 'GET'): Route => ({
  name: path,
  namespace: 'default',
  paths: [path],
  methods: [method],
  preserveHost: false,
  stripPath: false,
});

test('hints fill in what a path leaves open', () => {
  const routes = [route('/only', 'POST'), route('/{a:[0-9]+}'), route('/echo/*', '*'), route('/hello/{name}'), route('/third')];
  assert.deepEqual(toHints({ proxyUrl: 'http://p', adminUrl: 'http://a', routes }), [
    'curl -i http://p/echo/hello',
    'curl -i http://p/hello/ann',
    'curl http://a/api/v1/route',
  ]);
  assert.deepEqual(toHints({ proxyUrl: 'http://p', adminUrl: undefined, routes: [] }), []);
  for (const [isOpen, token] of [
    [true, ''],
    [false, " -H 'X-Auth-Token: admin_token'"],
  ] as const)
    assert.deepEqual(toHints({ proxyUrl: 'http://p', adminUrl: undefined, routes: [], collection: { path: '/v1/pets', isOpen } }), [
      `curl http://p/v1/pets${token}`,
    ]);
});
