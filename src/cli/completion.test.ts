import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { zshCompletion } from './completion-zsh.ts';

const hasShell = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

/** What bash offers for a line: words as bash splits them, `=` apart. */
function complete(...words: string[]): readonly string[] {
  const script = `${bashCompletion()}
compopt() { :; }
COMP_WORDS=("$@")
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_sekisho
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', 'sekisho', ...words], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter((line) => line !== '');
}

test('the scripts are good syntax of their shells', { skip: !hasShell('bash') }, () => {
  const scripts: Readonly<Record<string, string>> = { bash: bashCompletion(), zsh: zshCompletion(), fish: fishCompletion() };
  for (const [shell, input] of Object.entries(scripts)) {
    if (!hasShell(shell)) continue;
    const { status, stderr } = spawnSync(shell, ['-n'], { input, encoding: 'utf8' });
    assert.equal(status, 0, `${shell}: ${stderr}`);
  }
});

test('zsh is close enough to bash that bash can check its syntax too', { skip: !hasShell('bash') }, () => {
  // `${=name}` splits words in zsh and is unknown to bash.
  const { status, stderr } = spawnSync('bash', ['-n'], { input: zshCompletion().replaceAll('${=', '${'), encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('bash offers commands, verbs, keys and flags', { skip: !hasShell('bash') }, () => {
  assert.deepEqual(complete('st'), ['start', 'status', 'store']);
  assert.deepEqual(complete('svc', ''), ['create', 'delete', 'list', 'get']);
  assert.deepEqual(complete('-a', 'svc', 'route', 'mk', 'p'), ['paths=', 'preserveHost=']);
  assert.deepEqual(complete('-V', 'service', 'ls', 'n'), ['namespace=']);
  assert.deepEqual(complete('svc', 'ls', '--ver'), ['--verbose', '--version']);
  assert.deepEqual(complete('svc', 'ls', '-o', ''), ['json', 'table', 'yaml']);
  assert.deepEqual(complete('completion', 'b'), ['bash']);
  assert.deepEqual(complete('help', 'dom'), ['domain']);
  assert.deepEqual(complete('mod', 'mk', 'payload@', '='), []);
  assert.deepEqual(complete('mod', 'mk', 'payload@', '=', 'n'), []);
});

test('fish quotes what its texts hold', () => {
  for (const line of fishCompletion().split('\n')) {
    const quotes = line.replace(/\\[\\']/g, '').split("'").length - 1;
    assert.equal(line.startsWith('#') ? 0 : quotes % 2, 0, line);
  }
});
