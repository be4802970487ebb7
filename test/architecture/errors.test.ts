import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS } from '../../src/lib/error-table.ts';
import { readSourceFiles } from '../support/source-files.ts';

const codes = Object.keys(ERRORS);
const source = readSourceFiles(['src/**/*.ts']).filter((file) => !file.path.endsWith('.test.ts') && !file.path.endsWith('error-table.ts'));

test('codes are named AREA_WHAT', () => {
  assert.deepEqual(
    codes.filter((code) => code !== 'INTERNAL' && !/^[A-Z]+(_[A-Z]+)+$/.test(code) && code !== 'OVERLOADED'),
    [],
  );
});

test('every code has a status, a title and help that is a sentence', () => {
  for (const [code, row] of Object.entries(ERRORS)) {
    assert.ok(row.status >= 400 && row.status < 600, `${code}: status ${row.status}`);
    assert.match(row.title, /^[A-Z][^.]*$/, code);
    assert.match(row.help, /^\S.*\.$/, code);
  }
});

test('every code is thrown or answered somewhere', () => {
  const unused = codes.filter((code) => !source.some((file) => file.text.includes(`'${code}'`)));
  assert.deepEqual(unused, [], 'remove the row, or use it');
});

test('docs/reference/errors.md lists exactly these codes', () => {
  const [page] = readSourceFiles(['docs/reference/errors.md']);
  assert.ok(page, 'docs/reference/errors.md is missing: npm run docs');
  const documented = [...page.text.matchAll(/^\| `([A-Z_]+)` /gm)].map((match) => match[1] ?? '');
  assert.deepEqual(documented.toSorted(), codes.toSorted(), 'npm run docs');
});
