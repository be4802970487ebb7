import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { toJsonSchema } from './json-schema.ts';
import { configurationReference } from './reference.ts';
import { SETTINGS } from './settings-table.ts';
import { settingPaths } from './unknown-key.ts';

const REFERENCE = join(import.meta.dirname, '../../docs/reference');
const TESTDATA = join(import.meta.dirname, 'testdata');

test('docs/reference/configuration.md is what the table says', () => {
  assert.ok(readFileSync(join(REFERENCE, 'configuration.md'), 'utf8').endsWith(configurationReference()), 'run `npm run docs`');
});

test('docs/reference/sekisho.schema.json is what the table says', () => {
  assert.deepEqual(JSON.parse(readFileSync(join(REFERENCE, 'sekisho.schema.json'), 'utf8')), toJsonSchema(), 'run `npm run docs`');
});

test('every setting is on the page', () => {
  const page = configurationReference();
  for (const [path] of settingPaths()) assert.ok(page.includes(`| \`${path.split('.').at(-1)}\``), path);
  for (const key of Object.keys(SETTINGS)) assert.ok(page.includes(`| \`${key}\``), key);
});

test('the JSON Schema accepts what is accepted, and sees unknown, missing and wrong keys', () => {
  const validate = new Ajv({ allowUnionTypes: true }).compile(toJsonSchema());
  const isValid = (file: string): boolean => validate(parse(readFileSync(join(TESTDATA, file), 'utf8'), { merge: true }));
  for (const file of ['unknown-keys.yaml', 'missing.yaml', 'wrong-types.yaml', 'admin-method.yaml']) assert.ok(!isValid(file), file);
  for (const file of readdirSync(TESTDATA).filter((name) => name.endsWith('.txt'))) {
    if (!readFileSync(join(TESTDATA, file), 'utf8').startsWith('accepted')) continue;
    // Gohan's map under `version` is the one thing that is accepted without being advertised.
    if (file !== 'everything-accepted.txt')
      assert.ok(isValid(file.replace('.txt', '.yaml')), `${file}: ${JSON.stringify(validate.errors)}`);
  }
});
