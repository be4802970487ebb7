import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSourceFiles } from '../support/source-files.ts';

const MAX_LINES = 500;
const MAX_P90 = 300;

const all = readSourceFiles(['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', 'sdk/**/*.ts', 'examples/**/*.ts']);
const source = all.filter((file) => file.path.startsWith('src/') && !file.path.endsWith('.test.ts'));
const lines = (text: string): number => text.split('\n').length - 1;

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const long = all.filter((file) => lines(file.text) > MAX_LINES).map((file) => `${file.path}: ${lines(file.text)}`);
  assert.deepEqual(long, [], 'a file that long holds two subjects: split it');
});

test(`nine of ten source files have at most ${MAX_P90} lines`, () => {
  const sizes = source.map((file) => lines(file.text)).toSorted((a, b) => a - b);
  const p90 = sizes[Math.floor(sizes.length * 0.9)] ?? 0;
  assert.ok(p90 <= MAX_P90, `p90 is ${p90}`);
});

test('file names are nouns in kebab-case', () => {
  const odd = all.map((file) => file.path).filter((path) => !/^([a-z0-9-]+\/)*[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/.test(path));
  assert.deepEqual(odd, []);
  const vague = all.map((file) => file.path).filter((path) => /(^|[/-])(utils?|helpers?|manager|misc|common)\b/.test(path));
  assert.deepEqual(vague, [], 'name the file for what is in it');
});

// `any` and `!` are left to oxlint, which knows the types.
test('nothing is hidden from the type checker', () => {
  assert.deepEqual(
    source.filter((file) => /@ts-(ignore|nocheck)/.test(file.text)).map((file) => file.path),
    [],
  );
});

test('no test is skipped, focused or left to do', () => {
  const marked = all.filter((file) => file.path.endsWith('.test.ts') && /\b(test|it|describe|suite)\.(only|todo|skip)\(/.test(file.text));
  assert.deepEqual(
    marked.map((file) => file.path),
    [],
  );
});
