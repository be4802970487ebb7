import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTarget } from './target.ts';

const target = (options: Partial<Parameters<typeof compileTarget>[0]>, path: string, query = ''): string =>
  compileTarget({ pattern: '/test/*', stripPath: false, basePath: '', baseQuery: '', dropClientQuery: false, ...options })(path, query);

test('without stripPath the path follows the base', () => {
  assert.equal(target({}, '/test/a'), '/test/a');
  assert.equal(target({ basePath: '/' }, '/test/a'), '/test/a');
  assert.equal(target({ basePath: '/base' }, '/test/a'), '/base/test/a');
  assert.equal(target({ basePath: '/base/' }, '/test/a/'), '/base/test/a/');
  assert.equal(target({ basePath: '/base' }, '/'), '/base');
});

test('stripPath with a wildcard keeps what follows the literal text', () => {
  const strip = { stripPath: true };
  assert.equal(target(strip, '/test/test/ing'), '/test/ing');
  assert.equal(target(strip, '/test/'), '/');
  assert.equal(target({ ...strip, basePath: '/base' }, '/test/x'), '/base/x');
  assert.equal(target({ ...strip, basePath: '/base' }, '/test/'), '/base');
  assert.equal(target({ ...strip, pattern: '/a/{id}/*' }, '/a/1/x'), '/a/1/x', 'params in the pattern: nothing is removed');
});

test('stripPath without a wildcard sends the base alone', () => {
  assert.equal(target({ stripPath: true, pattern: '/x/{id}' }, '/x/1'), '/');
  assert.equal(target({ stripPath: true, pattern: '/x', basePath: '/a/b' }, '/x'), '/a/b');
});

test('queries of the service and of the client are joined', () => {
  assert.equal(target({}, '/test/a', 'q=1'), '/test/a?q=1');
  assert.equal(target({ baseQuery: 's=2' }, '/test/a', 'q=1'), '/test/a?s=2&q=1');
  assert.equal(target({ baseQuery: 's=2' }, '/test/a'), '/test/a?s=2');
  assert.equal(target({ dropClientQuery: true }, '/test/a', 'q=1'), '/test/a');
  assert.equal(target({ dropClientQuery: true, baseQuery: 's=2' }, '/test/a', 'q=1'), '/test/a?s=2');
});
