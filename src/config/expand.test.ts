import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compileExpander, type ExpandOptions } from './expand.ts';

const env = { A: 'a', EMPTY: '', DOLLAR: '${A}', PATH: process.env['PATH'] };
const expander = (options: Partial<ExpandOptions> = {}) => compileExpander({ env, cwd: '/', shell: 'refuse', variables: true, ...options });
const expand = (text: string, options?: Partial<ExpandOptions>): string => expander(options)(text).text;

test('variables', () => {
  for (const [text, expected] of [
    ['${A}', 'a'],
    ['x${A}y${A}', 'xaya'],
    ['${NONE}', ''],
    ['${EMPTY:-d}', 'd'],
    ['${NONE:-}', ''],
    ['${NONE:-a b:-c}', 'a b:-c'],
    ['${A:-d}', 'a'],
    ['${DOLLAR}', '${A}'],
    ['$A', '$A'],
    ['${A:x}', '${A:x}'],
    ['${A-d}', '${A-d}'],
    ['${}', '${}'],
    ['${A', '${A'],
    ['$', '$'],
  ] as const) {
    assert.equal(expand(text), expected, text);
  }
  assert.deepEqual(expander()('${NONE}${A}${EMPTY}${OTHER:-}').unset, ['NONE']);
});

test('commands', () => {
  assert.equal(expand('$(echo "(a)") $(printf b)', { shell: 'run' }), '(a) b');
  assert.equal(expand("$(echo '${A}')", { shell: 'run' }), 'a', 'the output is expanded in turn');
  assert.equal(expand('$(echo', { shell: 'run' }), '$(echo');
  assert.equal(expand('$(echo ${A})', { shell: 'keep' }), '$(echo a)');
  assert.match(expander()('$(ls)').problem ?? '', /`\$\(ls\)`.*allow_shell: true/);
  assert.match(expander({ shell: 'run' })('$(exit 3)').problem ?? '', /command `exit 3` failed: exit status 3$/);
  assert.match(expander({ shell: 'run', env: { SHELL: '/no/shell' } })('$(ls)').problem ?? '', /ENOENT/);
});

test('a text without $ never changes', () => {
  for (const shell of ['run', 'refuse', 'keep'] as const) {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).map((text) => text.replaceAll('$', '')),
        (text) => {
          assert.deepEqual(expander({ shell })(text), { text, unset: [] });
        },
      ),
    );
  }
});

test('what is no expansion stays, and expanding twice is expanding once', () => {
  const piece = fc.constantFrom('$', '{', '}', '${', '$A', 'A', ':-', 'x', '${A}', '${NONE:-x}');
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
      (text) => {
        const once = expand(text);
        if (!/\$\{[A-Za-z0-9_]+(:-[^}]*)?\}/.test(text)) assert.equal(once, text);
        if (!/\$\{[A-Za-z0-9_]+(:-[^}]*)?\}/.test(once)) assert.equal(expand(once), once);
      },
    ),
  );
});
