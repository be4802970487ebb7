import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePathPattern } from '../entity/path-pattern.ts';
import { decodeParam, emptyTree, matchPath, type PathNode, withoutPattern, withPattern } from './path-tree.ts';

function treeOf(patterns: readonly (string | readonly [string, readonly string[]])[]): PathNode<string> {
  let tree = emptyTree<string>();
  for (const entry of patterns) {
    const [pattern, methods] = typeof entry === 'string' ? [entry, ['GET']] : entry;
    tree = add(tree, pattern, methods);
  }
  return tree;
}

function add(tree: PathNode<string>, pattern: string, methods: readonly string[] = ['GET']): PathNode<string> {
  const tokens = parsePathPattern(pattern);
  const names = tokens.flatMap((token) => (token.kind === 'static' ? [] : token.kind === 'wildcard' ? ['*'] : [token.name]));
  return withPattern(tree, tokens, methods, { value: pattern, pattern, names });
}

const found = (tree: PathNode<string>, path: string, method = 'GET'): string | undefined => matchPath(tree, method, path).endpoint?.pattern;

test('static wins over regex, regex over param, param over wildcard, with backtracking', () => {
  const tree = treeOf(['/users/me', '/users/{id:[0-9]+}', '/users/{name}', '/users/*', '/users/me/{x}/deep', '/{any}/fallback']);
  assert.equal(found(tree, '/users/me'), '/users/me');
  assert.equal(found(tree, '/users/42'), '/users/{id:[0-9]+}');
  assert.equal(found(tree, '/users/ann'), '/users/{name}');
  assert.equal(found(tree, '/users/a/b'), '/users/*');
  assert.equal(found(tree, '/users/'), '/users/*');
  assert.equal(found(tree, '/users/me/1/deep'), '/users/me/{x}/deep');
  assert.equal(found(tree, '/users/me/1/other'), '/users/*');
  assert.equal(found(tree, '/other/fallback'), '/{any}/fallback');
  assert.equal(found(tree, '/users'), undefined);
});

test('a trailing slash matters', () => {
  const tree = treeOf(['/a', '/b/*']);
  assert.equal(found(tree, '/a'), '/a');
  assert.equal(found(tree, '/a/'), undefined);
  assert.equal(found(tree, '/b'), undefined);
  assert.equal(found(tree, '/b/'), '/b/*');
});

test('several params in a segment, and params are never empty', () => {
  const tree = treeOf(['/d/{month}-{year}', '/d/{word}']);
  const { endpoint, values } = matchPath(tree, 'GET', '/d/nov-2026');
  assert.equal(endpoint?.pattern, '/d/{month}-{year}');
  assert.deepEqual(values, ['nov', '2026']);
  assert.equal(found(tree, '/d/nov'), '/d/{word}');
  assert.equal(found(tree, '/d/'), undefined);
});

test('values belong to the names of the endpoint that matched', () => {
  const tree = treeOf([
    ['/x/{a}/one', ['GET']],
    ['/x/{b}/two', ['GET']],
    ['/x/{c}', ['POST']],
  ]);
  const match = matchPath(tree, 'GET', '/x/7/two');
  assert.deepEqual([match.endpoint?.names, match.values], [['b'], ['7']]);
  assert.deepEqual(matchPath(tree, 'GET', '/x/7').allowed, ['POST']);
});

test('methods of all matching leaves are told when none fits', () => {
  const tree = treeOf([
    ['/a', ['GET', 'PUT']],
    ['/{x}', ['POST']],
  ]);
  assert.equal(found(tree, '/a', 'POST'), '/{x}');
  assert.deepEqual(matchPath(tree, 'DELETE', '/a').allowed, ['GET', 'PUT', 'POST']);
  assert.deepEqual(matchPath(tree, 'DELETE', '/a/b').allowed, []);
});

test('regex params see decoded text and keep an encoded slash', () => {
  const tree = treeOf(['/n/{name:[a-zü]+}']);
  assert.equal(found(tree, '/n/%C3%BC'), '/n/{name:[a-zü]+}');
  assert.equal(decodeParam('a%20b'), 'a b');
  assert.equal(decodeParam('a%2Fb'), 'a%2Fb');
  assert.equal(decodeParam('%ff'), '%ff');
});

test('an old tree is untouched by changes', () => {
  const before = treeOf(['/users/me']);
  const after = add(before, '/users/{id}');
  assert.equal(found(before, '/users/1'), undefined);
  assert.equal(found(after, '/users/1'), '/users/{id}');
  assert.equal(found(withoutPattern(after, parsePathPattern('/users/me'), ['GET']), '/users/me'), '/users/{id}');
});

/** What the tree must do, said without a tree: try every pattern, rank the matches piece by piece. */
function oracle(patterns: readonly string[], path: string): string | undefined {
  const matching = patterns.filter((pattern) => toRegExp(pattern).test(path));
  return matching.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))[0];
}
const toRegExp = (pattern: string): RegExp => new RegExp(`^${pattern.replace(/\{[^}]+\}/g, '[^/]+').replace(/\*$/, '.*')}$`);
const rank = (pattern: string): string =>
  pattern
    .replace(/\{[^}]+\}/g, '1')
    .replace(/\*$/, '2')
    .replace(/[a-z]/g, '0');

const segment = fc.constantFrom('a', 'b', 'ab', 'abc', '{x}');
const patternArbitrary = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([segments, wild]) => `/${segments.map((text, i) => (text === '{x}' ? `{p${i}}` : text)).join('/')}${wild ? '/*' : ''}`);

test('matches as trying every pattern would, and removal leaves no trace', () => {
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'abc', 'q'), { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(
      fc.uniqueArray(patternArbitrary, { maxLength: 12 }),
      fc.uniqueArray(patternArbitrary, { maxLength: 4 }),
      fc.array(path, { minLength: 1, maxLength: 8 }),
      (kept, extra, paths) => {
        const gone = extra.filter((pattern) => !kept.includes(pattern));
        let tree = treeOf([...gone, ...kept]);
        for (const pattern of gone) tree = withoutPattern(tree, parsePathPattern(pattern), ['GET']);
        for (const at of paths) assert.equal(found(tree, at), oracle(kept, at), `${at} among ${kept.join(' ')}`);
        for (const pattern of kept) tree = withoutPattern(tree, parsePathPattern(pattern), ['GET']);
        assert.deepEqual(tree, emptyTree());
      },
    ),
    { numRuns: 2000 },
  );
});
