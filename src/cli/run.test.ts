import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInProcess, startAdminStub } from '../../test/support/admin-stub.ts';
import { VERSION } from '../lib/version.ts';
import { COMMANDS, VERBS } from './command-table.ts';
import { KINDS } from './kinds.ts';
import { cliReference } from './reference.ts';

const run = (line: string) => runInProcess(line.split(' ').filter((word) => word !== ''));

test('help: without words, by word and by flag, for every command, kind and verb', async () => {
  const general = await run('');
  assert.equal(general.exit, 0);
  for (const { usage } of COMMANDS) assert.ok(general.out.includes(usage), usage);
  for (const { word } of KINDS) assert.ok(general.out.includes(word), word);
  for (const line of ['help', 'h', '-h', '--help', 'help help -h']) assert.equal((await run(line)).exit, 0, line);
  assert.equal((await run('--help')).out, general.out);
  for (const { name, example } of COMMANDS) {
    for (const line of [`${name} --help`, `help ${name}`]) {
      const { exit, out } = await run(line);
      assert.equal(exit, 0, line);
      assert.ok(out.includes(example), `${line}: ${out}`);
    }
  }
});

test('help of a kind lists required and optional keys with types, and an example', async () => {
  for (const line of ['svc', 'service', 'svc help', 'help svc']) assert.equal((await run(line)).out, (await run('svc')).out, line);
  const { out } = await run('service create --help');
  assert.match(out, /required keys\n {2}name +text +.*\n {2}urls +list +.*\n/);
  assert.match(out, /optional keys\n {2}namespace/);
  assert.match(out, /retryTimeout +time +Pause between two attempts/);
  assert.match(out, /example: sekisho service create name=users urls=http:/);
  assert.match((await run('doc rm -h')).out, /--all/);
  assert.doesNotMatch((await run('svc rm -h')).out, /--all/);
  assert.doesNotMatch((await run('doc mk -h')).out, /createdAt/);
});

test('the examples of the help are lines that work', async () => {
  await using stub = await startAdminStub();
  for (const kind of KINDS) {
    for (const verb of VERBS) {
      const { out } = await run(`${kind.word} ${verb.name} --help`);
      const [, words = ''] = /example: sekisho (.*)/.exec(out) ?? [];
      // As a shell would split it; what needs a file on disk is tried by the black-box tests.
      const argv = words.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1'));
      if (words.includes('@=')) continue;
      const { exit, err } = await runInProcess(['--admin', stub.url, ...argv]);
      assert.equal(exit, 0, `${words}: ${err}`);
    }
  }
});

test('version', async () => {
  for (const line of ['version', '-v', '--version'])
    assert.deepEqual(await run(line), { exit: 0, out: `sekisho version ${VERSION}\n`, err: '' });
});

test('what is unknown is exit code 2, with the nearest known word', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['servce ls', /unknown command 'servce'; did you mean service\?/],
    ['strat', /did you mean start\?/],
    ['frobnicate', /unknown command 'frobnicate'\n/],
    ['svc lst', /unknown command 'service lst'; did you mean service list\?/],
    ['help servce', /no help for 'servce'; did you mean service\?/],
    ['svc ls --namespce x', /did you mean --namespace\?/],
    ['svc ls -c x', /--config is a flag of start, validate, .* and [\w-]+, not of service list/],
    ['status now', /too many words: now/],
    ['completion tcsh', /found 'tcsh', allowed is one of bash, zsh, fish/],
    ['explain pth=/x', /unknown key 'pth'; did you mean path\?/],
    ['validate', /allowed is config/],
    ['openapi3 --title T --version 2', /--api-version TEXT/],
  ];
  for (const [line, want] of cases) {
    const { exit, out, err } = await run(line);
    assert.equal(exit, 2, line);
    assert.equal(out, '', line);
    assert.match(err, want);
  }
});

test('the reference page has every flag, command and key', () => {
  const page = cliReference();
  for (const { name } of COMMANDS) assert.ok(page.includes(`### ${name}\n`), name);
  for (const { word, fields } of KINDS) {
    assert.ok(page.includes(`### ${word}\n`), word);
    for (const field of fields) assert.ok(page.includes(`| \`${field.name}\` |`), field.name);
  }
});
