import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { createFakeThread } from '../../../test/support/gohan-thread.ts';
import { createTempFolder } from '../../../test/support/temp.ts';

const FILES = {
  'node_modules/plain/package.json': '{"main": "lib/entry"}',
  'node_modules/plain/lib/entry.js':
    "exports.name = 'plain'; exports.part = require('./part').value; exports.other = require('other'); exports.paths = [__filename, __dirname].length; exports.self = this === module.exports",
  'node_modules/plain/lib/part.js': "exports.value = require('../data.json').n; exports.circle = require('./entry').name",
  'node_modules/plain/data.json': '{"n": 5}',
  'node_modules/other/index.js': "module.exports = function (x) { return [x, typeof require('nested')] }",
  'node_modules/other/node_modules/nested.js': 'module.exports = function () {}',
  'node_modules/@scope/pkg/index.js': "module.exports = 'scoped'",
  'node_modules/broken/index.js': 'throw new Error("broken on load")',
  'outside.js': "module.exports = 'outside'",
};

const temp = createTempFolder();
after(() => temp[Symbol.dispose]());
let count = 0;

function packages(): string {
  const folder = join(temp.path, String((count += 1)));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  symlinkSync(join(folder, 'outside.js'), join(folder, 'node_modules/link.js'));
  return folder;
}

test('packages are CommonJS of the realm of the scripts', () => {
  const thread = createFakeThread({}, { npmPath: packages() });
  assert.deepEqual(
    thread.run("var p = require('plain'); [p.name, p.part, p.other(1), p.paths, p.self, require('plain') === p, require('@scope/pkg')]"),
    ['plain', 5, [1, 'function'], 2, true, true, 'scoped'],
  );
  assert.equal(thread.run("require('other')(1) instanceof Array"), true);
});

test('what is not found, fails or lies outside', () => {
  const folder = packages();
  const thread = createFakeThread({}, { npmPath: folder });
  assert.equal(thread.messageOf("require('nope')"), `Cannot find module 'nope': not in ${join(folder, 'node_modules')}`);
  assert.equal(createFakeThread().messageOf("require('nope')"), "Cannot find module 'nope': extension.npm_path is not set");
  assert.equal(thread.messageOf("require('broken')"), 'broken on load');
  for (const name of ['link', '../outside', './../outside.js', join(folder, 'outside.js')])
    assert.match(String(thread.messageOf(`require(${JSON.stringify(name)})`)), /^Cannot find module/, name);
});

test('built-in modules', () => {
  const thread = createFakeThread({
    'file.read': 'text',
    'file.list': ['a'],
    'file.stat': (path: string) => (path === 'there' ? { isDirectory: false } : undefined),
  });
  assert.deepEqual(
    thread.run(`var c = require('crypto'), fs = require('fs'), vm = require('vm');
      [c.createHash().update('a').update('b').digest('hex'), c.createHash('sha256').update('ab').digest('base64'),
       fs.readFileSync('f'), fs.existsSync('there'), fs.existsSync('no'), fs.readdirSync('d'), vm.runInThisContext('1 + 1', 'x.js'), vm.createScript('x') === undefined,
       require('os'), require('assert'), require('glob'), require('underscore') === _]`),
    [
      createHash('md5').update('ab').digest('hex'),
      createHash('sha256').update('ab').digest('base64'),
      'text',
      true,
      false,
      ['a'],
      2,
      true,
      {},
      {},
      {},
      true,
    ],
  );
  assert.equal(thread.messageOf("require('crypto').createHash('nope')"), "Unsupported hash algorithm: 'nope'");
  assert.equal(thread.messageOf("require('crypto').createHash('md5').digest('x')"), "Unsupported hash encoding: 'x'");
  assert.equal(thread.messageOf("require('fs').readFileSync(5)"), "Filename: Argument '5' should be of type 'string'");
  thread.run("require('fs').writeFileSync('w', 'content'); require('fs').mkdirSync('m')");
  assert.deepEqual(thread.calls.slice(-2), [
    ['file.write', 'w', 'content'],
    ['file.makeDirectory', 'm'],
  ]);
});

test('underscore is of the realm; what a handler sets it to is forgotten with its request', () => {
  const thread = createFakeThread();
  assert.deepEqual(
    thread.run('[_.map([1, 2], function (n) { return n * 2 }), _.map([1], String) instanceof Array, _.isEqual({a: [1]}, {a: [1]})]'),
    [[2, 4], true, true],
  );
  thread.requestId = 'r1';
  assert.equal(thread.run('_ = 5; _'), 5);
  thread.requestId = 'r2';
  assert.equal(thread.run('typeof _.map'), 'function');
});
