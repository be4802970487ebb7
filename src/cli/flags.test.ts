import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Failure } from './failure.ts';
import { parseFlags } from './flags.ts';

const parse = (line: string, env: NodeJS.ProcessEnv = {}) => parseFlags(line.split(' '), env);

function problem(line: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    parse(line, env);
  } catch (error) {
    assert.ok(error instanceof Failure && error.exit === 2);
    return error.message;
  }
  throw new Error(`no failure of: ${line}`);
}

test('a letter of one command and of all is that of the command where it has it', () => {
  assert.deepEqual(Object.keys(parseFlags(['-v'], {}).flags), ['version']);
  assert.deepEqual(Object.keys(parseFlags(['-v', 'status'], {}).flags), ['version']);
  assert.deepEqual(Object.keys(parseFlags(['-v', 'test'], {}).flags), ['passed']);
});

test('flags stand before, between and after the words', () => {
  for (const line of ['-a u:p --verbose svc ls', 'svc -a u:p ls --verbose', 'svc ls --auth=u:p -V', 'svc ls -Vau:p']) {
    const { words, flags } = parse(line);
    assert.deepEqual(words, ['svc', 'ls'], line);
    assert.deepEqual(flags, { auth: 'u:p', verbose: true }, line);
  }
});

test('short switches are bundled, -- ends the flags, = takes a switch back', () => {
  assert.deepEqual(parse('-Vf ns ls').flags, { verbose: true, follow: true });
  assert.deepEqual(parse('-V ns rm -- -f').words, ['ns', 'rm', '-f']);
  assert.deepEqual(parse('--follow=false ns ls', { DGATE_FOLLOW_REDIRECTS: '1' }).flags, {});
});

test('the environment counts where no flag is given, the new name before the old', () => {
  const env = {
    SEKISHO_ADMIN_API: 'http://new',
    DGATE_ADMIN_API: 'http://old',
    DGATE_ADMIN_AUTH: 'u:p',
    SEKISHO_ADMIN_AUTH: '',
    DGATE_FOLLOW_REDIRECTS: 'true',
  };
  assert.deepEqual(parse('ns ls', env).flags, { admin: 'http://new', auth: 'u:p', follow: true });
  assert.equal(parse('--admin x ns ls', env).flags.admin, 'x');
  assert.deepEqual([...parse('--admin x ns ls', env).given], ['admin']);
});

test('unknown and incomplete flags are told with the nearest one', () => {
  assert.match(problem('ns ls --verbos'), /unknown flag --verbos; did you mean --verbose\?/);
  assert.match(problem('ns ls -Vx'), /unknown flag -x in -Vx/);
  assert.match(problem('ns ls --auth'), /--auth needs a value: --auth USER/);
  assert.match(problem('ns ls --auth -V'), /found the flag -V; .*--auth=-V/);
  assert.match(problem('ns ls -o xml'), /found 'xml', allowed are json, table, yaml/);
  assert.match(problem('ns ls --follow=maybe'), /found 'maybe', allowed are true and false/);
  assert.match(problem('ns ls', { SEKISHO_FOLLOW_REDIRECTS: 'maybe' }), /SEKISHO_FOLLOW_REDIRECTS/);
});

test('no words make it fail otherwise than by a usage failure', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('-', 'a', 'V', 'f', 'o', '=', '\u0000', 'ü', ' ') })), (argv) => {
      try {
        parseFlags(argv, {});
      } catch (error) {
        assert.ok(error instanceof Failure && error.exit === 2, String(error));
      }
    }),
  );
});

test('other names of a flag, and lists that are given in parts', () => {
  assert.equal(parseFlags(['start', '--config-file', 'gohan.yaml'], {}).flags.config, 'gohan.yaml');
  assert.ok(parseFlags(['start', '--config-file=x'], {}).given.has('config'));
  assert.equal(parseFlags(['openapi', '--scope', 'tenant', '--scope=domain'], {}).flags.scope, 'tenant,domain');
});

test('a letter that commands share is the flag that the command knows', () => {
  const commandOf = (word: string): string => (word === 'idb' ? 'init-db' : word);
  assert.deepEqual(parseFlags(['idb', '-t', 'mysql', '-d', 'c', '-s', 's.yaml'], {}, commandOf).flags, {
    'database-type': 'mysql',
    database: 'c',
    schema: 's.yaml',
  });
  assert.deepEqual(parseFlags(['-t', 'page.txt', 'template'], {}, commandOf).flags, { template: 'page.txt' });
  assert.deepEqual(parseFlags(['validate', '-d', 'a.yaml'], {}, commandOf).flags, { document: 'a.yaml' });
});
