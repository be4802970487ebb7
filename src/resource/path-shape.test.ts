import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PolicySource, ResourceType } from '../schema/types.ts';
import { isIdFree, policyPath } from './path-shape.ts';

const PETS = { url: '/v1/pets' } as ResourceType;
const policy = (path: string): PolicySource => ({ path }) as PolicySource;

test('expressions that judge all ids alike', () => {
  for (const path of [
    '.*',
    '',
    '^/v1/pets.*',
    '^/v1/pets/?$',
    '^/v1/pets',
    '/v1/pets',
    'pets',
    '^/v1/p',
    '^/v1/petsitters/x',
    '/v1/cats/7',
    '^/v1/pets(/.*)?$',
    '^/v.\\/pets',
  ])
    assert.ok(isIdFree(PETS, [policy(path)]), path);
});

test('expressions that may tell ids apart', () => {
  for (const path of ['^/v1/pets/a', '/pets/a.*', 'a', '^/v1/pets/[a-c]', '(cats|pets)', '^/v1/pets/x$', '/x', '^/v./pets/x', 'pets$'])
    assert.ok(!isIdFree(PETS, [policy(path)]), path);
});

test('what counts as free of ids never tells two ids apart', () => {
  const piece = fc.constantFrom('^', '/', 'v1', '/v1/pets', 'pets', 'p', '.', '.*', '/?', '$', '\\.', 'a', '-', '(/.*)?', 'v.');
  const id = fc.stringMatching(/^[a-z./-]{1,8}$/);
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), id, id, (pieces, one, other) => {
      const path = pieces.join('');
      let expression: RegExp;
      try {
        expression = new RegExp(path);
      } catch {
        return;
      }
      if (!isIdFree(PETS, [policy(path)])) return;
      assert.equal(expression.test(policyPath(PETS, one)), expression.test(policyPath(PETS, other)), path);
    }),
    { numRuns: 5000 },
  );
});
