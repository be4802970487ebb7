import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { SEKISHO_BIN } from '../support/gateway.ts';
import { REPOSITORY } from '../support/source-files.ts';
import { createTempFolder } from '../support/temp.ts';

const folder = createTempFolder();
after(() => folder[Symbol.dispose]());

/** `sekisho test …` in the folder of these tests, or in another one. */
function sekishoTest(
  args: readonly string[],
  cwd = folder.path,
): { readonly status: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(SEKISHO_BIN, ['test', ...args], { cwd, encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

const THINGS = `schemas:
- {id: thing, singular: thing, plural: things, title: t, description: t, prefix: /v1, schema: {type: object, properties: {
    id: {type: string, title: i, description: i, permission: [create]}, name: {type: string, title: n, description: n, permission: [create]}}}}
extensions:
- {id: thing, path: ^/v1/things$, code_type: typescript, url: thing.ts}
`;
folder.write(
  'good/test_good.js',
  'var SCHEMAS = ["../things.yaml"]; var PATH = "/none";\nfunction testGood() { gohan_log_info("hello"); }\n',
);
folder.write(
  'bad/test_bad.js',
  'var SCHEMAS = ["../things.yaml"]; var PATH = "/none";\nfunction testBad() { Fail("bad"); }\nfunction testFine() {}\n',
);
folder.write('broken/test_broken.js', 'function (');
folder.write('things.yaml', THINGS);
folder.write(
  'thing.ts',
  `import { ResponseError } from 'sekisho/extension';
export const preCreate = (context: { resource: { name: string } }): void => {
  if (context.resource.name === 'bad') throw new ResponseError(422, 'a bad name');
};\n`,
);
const typescript = (name: string, status: number): string => `
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseError } from 'sekisho/extension';
import { startModels } from 'sekisho/testing';
import { preCreate } from '../thing.ts';

test('${name}', async () => {
  await using models = await startModels({ schemas: '../things.yaml', folder: import.meta.dirname });
  assert.equal((await models.request('POST', '/v1/things', { body: { name: 'bad' } })).status, ${status});
  assert.throws(() => preCreate({ resource: { name: 'bad' } }), ResponseError);
});
`;
folder.write('good/thing.test.ts', typescript('names are checked', 422));
folder.write('wrong/thing.test.ts', typescript('names are not checked', 201));
folder.write('good/node_modules/x/test_x.js', 'function (');

test('tests that pass: exit code 0, and both kinds are run where nothing but the package is there', () => {
  const { status, out, err } = sekishoTest(['good']);
  assert.equal(status, 0, out + err);
  assert.match(out, /^Run 1 tests of 1 file\.$/m);
  assert.match(out, /✔ names are checked/);
  assert.match(out, /All tests have passed\.\n$/);
  assert.doesNotMatch(out, /testGood/);
});

test('--verbose and -v tell of what passes, and its log', () => {
  for (const flag of ['--verbose', '-v']) {
    const { out } = sekishoTest([flag, '--type', 'js', 'good']);
    assert.match(out, /^PASS good\/test_good\.js: testGood \(\d+ ms\)\n {5}\| INFO gohan\.extension\.test_good\.\w+: hello$/m);
  }
});

test('tests that fail: exit code 1, each with its reason', () => {
  const scripts = sekishoTest(['bad']);
  assert.equal(scripts.status, 1);
  assert.match(scripts.out, /^FAIL bad\/test_bad\.js: testBad \(\d+ ms\)\n {5}bad\n/m);
  assert.match(scripts.out, /^FAIL bad\/test_bad\.js: 1\/2 tests failed$/m);
  assert.doesNotMatch(scripts.out, /All tests have passed/);
  const modules = sekishoTest(['wrong/thing.test.ts']);
  assert.equal(modules.status, 1);
  assert.match(modules.out, /422 !== 201/);
  const broken = sekishoTest(['broken', '-p', '1']);
  assert.equal(broken.status, 1);
  assert.match(broken.out, /^ERROR broken\/test_broken\.js: .*test_broken\.js:1:1$/m);
});

test('--run-test chooses tests by name, --type their kind', () => {
  assert.equal(sekishoTest(['-r', 'Fine', 'bad']).status, 0);
  assert.equal(sekishoTest(['--type', 'js', 'good', 'wrong']).status, 0);
  assert.equal(sekishoTest(['-t', 'ts', 'good', 'bad']).status, 0);
});

test('what cannot run: exit code 2', () => {
  for (const [args, text] of [
    [['none'], /none: there is no such file or folder/],
    [['thing.ts'], /no tests in thing\.ts: they are files named test_\*\.js or \*\.test\.ts/],
    [['-r', '(', 'good'], /--run-test: found '\(', which is no regular expression/],
    [['-p', '0', 'good'], /--parallel: found '0', allowed is a count from 1/],
    [['-t', 'so', 'good'], /-t: found 'so', allowed are js, ts/],
    [['-c', 'none.yaml', 'good'], /none\.yaml: there is no such file/],
  ] as const) {
    const { status, err } = sekishoTest(args);
    assert.deepEqual([status, text.test(err)], [2, true], `${args.join(' ')}: ${err}`);
  }
});

test("the tests of the examples pass, also under Gohan's name of the command", () => {
  const { status, stdout, stderr } = spawnSync(SEKISHO_BIN, ['test_extensions', '-v', 'examples'], { cwd: REPOSITORY, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /PASS examples\/gohan-extensions\/test_network\.js: testGapsAreFilled/);
  assert.match(stdout, /✔ an order reserves its pet/);
});
