import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Domain } from '../entity/types.ts';
import { compileResolver } from './namespace-resolver.ts';

const domain = (name: string, namespace: string, patterns: readonly string[], priority = 0): Domain => ({
  name,
  namespace,
  patterns,
  priority,
});

test('without domains the only namespace serves every host', () => {
  assert.equal(compileResolver({ domains: [], namespaces: ['a'], useDefault: false }).resolve('x.com'), 'a');
});

test('without domains and with several namespaces only default serves', () => {
  assert.equal(compileResolver({ domains: [], namespaces: ['a', 'default'], useDefault: true }).resolve('x.com'), 'default');
  assert.equal(compileResolver({ domains: [], namespaces: ['a', 'default'], useDefault: false }).resolve('x.com'), undefined);
  assert.equal(compileResolver({ domains: [], namespaces: ['a', 'b'], useDefault: true }).resolve('x.com'), undefined);
});

test('priority decides, then the name, both descending', () => {
  const domains = [domain('a', 'low', ['*x.com']), domain('b', 'same', ['*x.com']), domain('c', 'high', ['api.x.com'], 5)];
  const resolver = compileResolver({ domains, namespaces: ['low', 'same', 'high', 'default'], useDefault: true });
  assert.equal(resolver.resolve('api.x.com'), 'high');
  assert.equal(resolver.resolve('www.x.com'), 'same');
  assert.equal(resolver.resolve('y.com'), 'default');
});

test('default gets no leftovers when it has domains of its own', () => {
  const resolver = compileResolver({ domains: [domain('d', 'default', ['d.com'])], namespaces: ['default', 'a'], useDefault: true });
  assert.equal(resolver.resolve('d.com'), 'default');
  assert.equal(resolver.resolve('other.com'), undefined);
});

test('answers for unknown hosts are remembered within bounds', () => {
  const resolver = compileResolver({ domains: [domain('d', 'a', ['/^h[0-9]+$/'])], namespaces: ['a'], useDefault: false });
  for (let i = 0; i < 5000; i += 1) assert.equal(resolver.resolve(`h${i}`), 'a');
  assert.equal(resolver.resolve('nope'), undefined);
  assert.equal(resolver.resolve('nope'), undefined);
});

test('explains which domain won and which did not match', () => {
  const resolver = compileResolver({
    domains: [domain('d', 'a', ['a.com'], 1), domain('e', 'b', ['*.com'])],
    namespaces: ['a', 'b'],
    useDefault: false,
  });
  assert.deepEqual(resolver.explain('b.com'), {
    verdicts: [
      { domain: 'd', namespace: 'a', priority: 1, pattern: undefined },
      { domain: 'e', namespace: 'b', priority: 0, pattern: '*.com' },
    ],
    reason: 'domain "e" matches by *.com',
  });
});
