import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SekishoError } from '../lib/errors.ts';
import { type PathToken, parsePathPattern, toPathShape } from './path-pattern.ts';

const text = (value: string): PathToken => ({ kind: 'static', text: value });
const param = (name: string, tail = '/'): PathToken => ({ kind: 'param', name, tail });
const regex = (name: string, source: string, tail = '/'): PathToken => ({ kind: 'regex', name, source, tail });
const wildcard: PathToken = { kind: 'wildcard' };

const good: readonly (readonly [string, readonly PathToken[]])[] = [
  ['/', [text('/')]],
  ['/a/b/', [text('/a/b/')]],
  ['/*', [text('/'), wildcard]],
  ['/a*', [text('/a'), wildcard]],
  ['/{}', [text('/'), param('')]],
  ['/{id}', [text('/'), param('id')]],
  ['/u/{id}/posts', [text('/u/'), param('id'), text('/posts')]],
  ['/{m}-{y}', [text('/'), param('m', '-'), text('-'), param('y')]],
  ['/{id:[0-9]{2,3}}/x/*', [text('/'), regex('id', '[0-9]{2,3}'), text('/x/'), wildcard]],
  ['/{id:^\\d+$}.json', [text('/'), regex('id', '\\d+', '.'), text('.json')]],
  ['/{x:a|b}', [text('/'), regex('x', 'a|b')]],
  ['/{x:.*}', [text('/'), regex('x', '.*')]],
  ['/{x:}', [text('/'), regex('x', '.*')]],
  ['/{d:[[:digit:]]+}', [text('/'), regex('d', '[0-9]+')]],
  ['/größe', [text('/gr%C3%B6%C3%9Fe')]],
  ['/a b%2f%7e%41', [text('/a%20b%2F~A')]],
];

for (const [path, tokens] of good) test(`parses ${path}`, () => assert.deepEqual(parsePathPattern(path), tokens));

const bad: readonly (readonly [string, number, RegExp])[] = [
  ['', 1, /begins with \//],
  ['x', 1, /begins with \//],
  ['*', 1, /begins with \//],
  ['/a*b', 3, /last character/],
  ['/*/{x}', 2, /last character/],
  ['/{x', 2, /not closed/],
  ['/{x:{1}', 2, /not closed/],
  ['/{a}{b}', 5, /text between/],
  ['/{a}*', 5, /text between/],
  ['/{a}/{a}', 6, /twice/],
  ['/{a:(}', 5, /does not compile/],
  ['/{a:(?=x)}', 5, /lookaround/],
  ['/{a:(x)\\1}', 5, /backreference/],
  ['/a?b=1', 3, /query/],
  ['/a\n', 3, /control/],
];

for (const [path, column, rule] of bad) {
  test(`refuses ${JSON.stringify(path)}`, () => {
    assert.throws(
      () => parsePathPattern(path),
      (error) => {
        assert.ok(error instanceof SekishoError && error.code === 'ENTITY_INVALID');
        assert.match(error.message, rule);
        assert.match(error.message, new RegExp(`column ${column}:`));
        return true;
      },
    );
  });
}

test('the shape leaves out the names, and nothing else', () => {
  const shape = (path: string) => toPathShape(parsePathPattern(path));
  assert.equal(shape('/{id}/x'), shape('/{name}/x'));
  assert.equal(shape('/{id:\\d+}'), shape('/{n:^\\d+$}'));
  assert.equal(shape('/%c3%bc'), shape('/ü'));
  const different = ['/', '/x', '/x/', '/{a}', '/{a}/', '/{a:x}', '/{a:y}', '/*', '/x*', '/{a}-{b}', '/{a}.{b}'];
  assert.equal(new Set(different.map(shape)).size, different.length);
});
