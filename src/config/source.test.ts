import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ConfigSource, findSource } from './source.ts';

const cwd = mkdtempSync(join(tmpdir(), 'sekisho-source-'));
after(() => rmSync(cwd, { recursive: true }));

const write = (name: string, text = name): void => writeFileSync(join(cwd, name), text);
const find = (env: NodeJS.ProcessEnv = {}, path?: string): ConfigSource => findSource({ env, cwd, ...(path !== undefined && { path }) });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('the sources are asked in their order', () => {
  assert.throws(() => find(), {
    code: 'CONFIG_NOT_FOUND',
    message: /none of \.\/sekisho\.yaml, .*\.\/config\.dgate\.json is there; name one with -c FILE/,
  });
  write('config.dgate.toml');
  assert.throws(() => find(), { code: 'CONFIG_SYNTAX', message: /TOML is not read/ });
  for (const name of ['config.dgate.json', 'config.dgate.yml', 'config.dgate.yaml', 'sekisho.json', 'sekisho.yml', 'sekisho.yaml']) {
    write(name);
    assert.deepEqual(find(), { text: name, name, path: join(cwd, name) });
  }
  const env: NodeJS.ProcessEnv = { DG_CONFIG_DATA: base64('dg data'), DG_CONFIG_TYPE: 'yaml' };
  assert.deepEqual(find(env), { text: 'dg data', name: '$DG_CONFIG_DATA' });
  env['SEKISHO_CONFIG_DATA'] = base64('own data');
  assert.equal(find(env).text, 'own data');
  write('dg.yaml');
  env['DG_CONFIG_PATH'] = 'dg.yaml';
  assert.equal(find(env).text, 'dg.yaml');
  write('own.yaml');
  env['SEKISHO_CONFIG'] = join(cwd, 'own.yaml');
  assert.equal(find(env).text, 'own.yaml');
  write('named.yaml');
  assert.deepEqual(find(env, './named.yaml'), { text: 'named.yaml', name: './named.yaml', path: join(cwd, 'named.yaml') });
});

test('the type is told by the environment or the extension', () => {
  write('plain', 'text');
  assert.throws(() => find({}, 'plain'), {
    code: 'CONFIG_SYNTAX',
    message: /plain has no extension .* SEKISHO_CONFIG_TYPE \(or DG_CONFIG_TYPE\) to yaml or json/,
  });
  assert.equal(find({ DG_CONFIG_TYPE: 'YML' }, 'plain').text, 'text');
  assert.equal(find({ SEKISHO_CONFIG_TYPE: 'json' }, 'plain').text, 'text');
  assert.throws(() => find({ DG_CONFIG_TYPE: 'ini' }, 'plain'), {
    code: 'CONFIG_SYNTAX',
    message: /unknown configuration type "ini", expected yaml, yml or json/,
  });
  assert.throws(() => find({}, 'x.toml'), { code: 'CONFIG_SYNTAX', message: /TOML is not read/ });
  assert.throws(() => find({ DG_CONFIG_DATA: 'YQ==' }), { code: 'CONFIG_SYNTAX', message: /\$DG_CONFIG_DATA has no extension/ });
  assert.throws(() => find({ DG_CONFIG_DATA: 'a: b', DG_CONFIG_TYPE: 'yaml' }), {
    code: 'CONFIG_SYNTAX',
    message: /\$DG_CONFIG_DATA is not base64/,
  });
});

test('a file that cannot be read is not found', () => {
  mkdirSync(join(cwd, 'folder.yaml'));
  assert.throws(() => find({}, 'none.yaml'), { code: 'CONFIG_NOT_FOUND', message: 'none.yaml: there is no such file' });
  assert.throws(() => find({}, 'folder.yaml'), { code: 'CONFIG_NOT_FOUND', message: 'folder.yaml: it is a folder' });
});
