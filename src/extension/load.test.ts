import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { environment, loadExtensions, moduleCode, runEvent, script } from '../../test/support/extension-runtime.ts';
import { createTempFolder, type TempFolder } from '../../test/support/temp.ts';
import { subscribe } from '../lib/event.ts';
import { loadSchemas } from '../schema/load-schemas.ts';
import { toEnvironments } from './to-environments.ts';
import type { ExtensionCode, Extensions } from './types.ts';

const opened: Extensions[] = [];
const folders: TempFolder[] = [];
after(async () => {
  await Promise.all(opened.map((one) => one.close()));
  for (const folder of folders) folder.remove();
});

function newFolder(): TempFolder {
  const folder = createTempFolder();
  folders.push(folder);
  return folder;
}

async function load(extension: ExtensionCode, npmPath?: string): Promise<Extensions> {
  const loaded = await loadExtensions(
    [environment('network', extension)],
    { timeoutMs: 3000, syncTimeoutMs: 2000 },
    npmPath === undefined ? {} : { npmPath },
  );
  opened.push(loaded);
  return loaded;
}

const FAILING: readonly (readonly [string, ExtensionCode, { code: string; pointer: string; message: RegExp }])[] = [
  [
    'a syntax error of a script',
    script('var a = 1;\nfunction ( {', 'broken'),
    { code: 'EXTENSION_COMPILE', pointer: 'broken.js:2:1', message: /SyntaxError/ },
  ],
  [
    'a script that ends too early',
    script('var a = 1;\na(function () {', 'broken'),
    { code: 'EXTENSION_COMPILE', pointer: 'broken.js:2:16', message: /SyntaxError: Unexpected end of input/ },
  ],
  [
    'a syntax error of a module',
    moduleCode('const a = 1;\nexport const = 2;', 'broken'),
    { code: 'EXTENSION_COMPILE', pointer: 'broken.ts:2:14', message: /broken.*s\.yaml:1:1.*Expected identifier/ },
  ],
  [
    'an import that is not there',
    moduleCode('import "./nope.ts"'),
    { code: 'EXTENSION_COMPILE', pointer: 'module.ts:1:8', message: /"\.\/nope\.ts" not found.*built-ins/ },
  ],
  [
    'an import of node',
    moduleCode('import fs from "node:fs"; fs'),
    { code: 'EXTENSION_COMPILE', pointer: 'module.ts:1:16', message: /"node:fs" not found/ },
  ],
  ['a script that throws', script('var a;\na.b();'), { code: 'EXTENSION_LOAD', pointer: 'script.js:2:3', message: /TypeError/ }],
  [
    'a module that throws',
    moduleCode('interface A {}\n\nthrow new Error("at load")'),
    { code: 'EXTENSION_LOAD', pointer: 'module.ts:3:7', message: /at load/ },
  ],
  [
    'a handler that is no function',
    moduleCode('export const preCreate = 5'),
    { code: 'EXTENSION_LOAD', pointer: '', message: /preCreate is of type number/ },
  ],
  [
    'two handlers of one event',
    moduleCode('export const preCreate = () => {}; export const pre_create = () => {}'),
    { code: 'EXTENSION_LOAD', pointer: '', message: /preCreate and pre_create|pre_create and preCreate/ },
  ],
  ['a script that never ends', script('for (;;) {}'), { code: 'EXTENSION_LOAD', pointer: '', message: /network.*blocked/ }],
  ['a module that never ends', moduleCode('for (;;) {}'), { code: 'EXTENSION_LOAD', pointer: '', message: /network.*blocked/ }],
];
for (const [name, extension, { code, pointer, message }] of FAILING)
  test(`${name} is refused with its place`, async () => {
    await assert.rejects(load(extension), (error: { code: string; message: string; errors: readonly { pointer: string }[] }) => {
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.equal(error.errors[0]?.pointer ?? '', pointer);
      return true;
    });
  });

test('modules import files relative to their own, packages of npm_path, and built-ins; stacks name the files', async () => {
  const folder = newFolder();
  const npm = join(folder.path, 'packages');
  folder.write('packages/node_modules/answer/package.json', '{"name": "answer", "main": "main.js"}');
  folder.write('packages/node_modules/answer/main.js', 'module.exports = 42;');
  folder.write('lib/shared.ts', 'export const shared: string = "s";\n\nexport const fail = () => { throw new Error("in shared") };');
  const file = join(folder.path, 'hooks.ts');
  const code = `import answer from 'answer'; import { shared, fail } from './lib/shared.ts'; import { createHash } from 'node:crypto';
    export const preCreate = (context: any) => { context.response = { answer, shared, hash: createHash('md5').update('').digest('hex').length } };
    export const preDelete = () => fail();`;
  const extensions = await load({ id: 'hooks', style: 'module', code, file, place: `${folder.path}/s.yaml:1:1` }, npm);
  assert.deepEqual((await runEvent(extensions, 'network', 'pre_create')).response, { answer: 42, shared: 's', hash: 32 });
  await assert.rejects(runEvent(extensions, 'network', 'pre_delete'), { code: 'EXTENSION_FAILED' });
});

test('code of a schema file and of a file together: each has its own lines, in stacks and in what is refused', async () => {
  const folder = newFolder();
  const loadOne = async (url: string, ahead: string, code: string): Promise<Extensions> => {
    folder.write(url, code);
    const lines = ahead.split('\n').map((line) => `    ${line}\n`);
    const file = folder.write('all.yaml', `extensions:\n- id: both\n  path: ^x$\n  url: ./${url}\n  code: |\n${lines.join('')}`);
    const schemas = loadSchemas([file], { cwd: folder.path, legacyTableNames: false });
    const loaded = await loadExtensions(toEnvironments(schemas, { others: ['x'], defaultType: 'javascript' }));
    opened.push(loaded);
    return loaded;
  };
  const stackOf = async (extensions: Extensions, event: string): Promise<string> => {
    const texts: string[] = [];
    const unsubscribe = subscribe((seen) => void (seen.type === 'extension.failed' && texts.push(seen.text)));
    await assert.rejects(runEvent(extensions, 'x', event));
    unsubscribe();
    return texts.join();
  };
  const fail = (event: string): string => `gohan_register_handler("${event}", function () {\n  throw new Error("failed");\n});`;
  const scripts = await loadOne('a.js', fail('ahead'), `\n${fail('behind')}`);
  assert.match(await stackOf(scripts, 'ahead'), /both\.js:2:9/);
  assert.match(await stackOf(scripts, 'behind'), new RegExp(`${folder.path}/a\\.js:3:9`));
  const modules = await loadOne(
    'a.ts',
    'export const ahead = () => {\n  throw new Error("a"); };',
    '\nexport const behind = () => ahead();',
  );
  assert.match(await stackOf(modules, 'behind'), new RegExp(`both\\.ts:2:9[^]*${folder.path}/a\\.ts:2:`));
  for (const url of ['b.js', 'b.ts']) {
    const here = loadOne(url, 'var first;', '\n\nvar = 2;');
    await assert.rejects(here, { code: 'EXTENSION_COMPILE', message: new RegExp(`${folder.path}/${url}:3:5`) });
    const there = loadOne(url, 'var = 1;', 'var second;');
    await assert.rejects(there, { code: 'EXTENSION_COMPILE', message: new RegExp(`both\\.${url.slice(2)}:1:5`) });
  }
});

test('extensions belong to the schemas in whose URL their path is found, in load order; cron jobs and watched keys by their name', async () => {
  const folder = newFolder();
  const schema = (id: string, prefix: string): string =>
    `- {id: ${id}, singular: ${id}, plural: ${id}s, title: T, description: D, prefix: ${prefix}, schema: {type: object, properties: {id: {type: string, title: T, description: D}}}}`;
  folder.write('hooks.ts', 'export const preCreate = () => {}');
  const file = folder.write(
    'all.yaml',
    `schemas:
${schema('network', '/v2.0')}
${schema('subnet', '/v2.0')}
${schema('other', '/v1.0')}
extensions:
- {id: all_v2, path: /v2.0/, code: 'var a;'}
- {id: networks, path: 'networks$', code_type: javascript, code: "import x from 'x';\\nexport const preCreate = x;"}
- {id: comment, path: '(?i)^/V2.0/(?P<kind>networks)$', code: "// one may\\n// export const a\\nvar a;"}
- {id: from_file, path: subnets, url: ./hooks.ts}
- {id: timer, path: '^cron://nightly$', code: 'var a;'}
`,
  );
  const schemas = loadSchemas([file], { cwd: folder.path, legacyTableNames: false });
  const environments = toEnvironments(schemas, { others: ['cron://nightly', 'sync://nothing'], defaultType: 'javascript' });
  assert.deepEqual(
    environments.map(({ name, url, extensions }) => [name, url, extensions.map(({ id, style }) => `${id} ${style}`)]),
    [
      ['network', '/v2.0/networks', ['all_v2 gohan', 'networks module', 'comment gohan']],
      ['subnet', '/v2.0/subnets', ['all_v2 gohan', 'from_file module']],
      ['cron://nightly', 'cron://nightly', ['timer gohan']],
    ],
  );
  const [, subnet] = environments;
  assert.equal(subnet?.extensions[1]?.file, join(folder.path, 'hooks.ts'));
  assert.throws(() => toEnvironments(schemas, { others: [], defaultType: 'goext' }), {
    code: 'EXTENSION_COMPILE',
    message: /all_v2 is of code_type goext.*Port it/,
  });
});
