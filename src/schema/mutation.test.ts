import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { SekishoError } from '../lib/errors.ts';
import { loadSchemas } from './load-schemas.ts';
import { toOpenApi } from './openapi.ts';
import { schemaViews } from './schema-view.ts';
import { toTypeScript } from './typescript.ts';
import { createValidator, updateValidator } from './validator.ts';
import { FULL_ACCESS } from './visible-type.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-mutation-'));
after(() => rmSync(folder, { recursive: true }));
const STORE: unknown = parse(readFileSync(join(import.meta.dirname, 'testdata', 'store', 'store.yaml'), 'utf8'));

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return [path, ...keys.flatMap((key) => pathsOf((value as Record<string | number, unknown>)[key], [...path, key]))];
}

const PATHS = pathsOf(STORE).filter(({ length }) => length > 0);
const odd = fc.oneof(
  fc.constantFrom(
    null,
    '',
    0,
    -1,
    1.5,
    true,
    false,
    [],
    {},
    [null],
    [[]],
    [{}],
    { '': null },
    'base',
    'book',
    'event',
    'array',
    '#',
    '__proto__',
    'constructor',
    'toString',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

function replaced(path: Path, value: unknown): unknown {
  const copy = structuredClone(STORE) as Record<string | number, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as typeof at;
  at[path.at(-1) as string | number] = value;
  return copy;
}

test('a file with any one value replaced is refused with its place, or everything that is made from it works', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PATHS), odd, (path, value) => {
      writeFileSync(join(folder, 'store.json'), JSON.stringify(replaced(path, value)));
      try {
        const set = loadSchemas(['store.json'], { cwd: folder, legacyTableNames: true });
        const types = [...set.resources.values()];
        toOpenApi(types, { title: 'x', version: '1' });
        toTypeScript(types);
        schemaViews(set, FULL_ACCESS);
        for (const type of types) {
          createValidator(type)({});
          updateValidator(type)({});
        }
      } catch (error) {
        assert.ok(error instanceof SekishoError, String((error as Error).stack));
        assert.equal(error.code, 'SCHEMA_INVALID');
        for (const { pointer } of error.errors) assert.match(pointer, /^store\.json:\d+:\d+/);
      }
    }),
    { numRuns: 300 },
  );
});
