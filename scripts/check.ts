/**
 * `npm run check`: everything that must hold before a commit. The tools run side by side first and report one line each, the output of those
 * that fail below it; then come the unit tests (layers, sizes and error codes among them), whose summary is the last thing printed.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

interface Result {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly output: string;
}

const TOOLS = ['types', 'lint', 'dead', 'docs:check', 'format:check'];

const failed: string[] = [];
const queue = [...TOOLS];
await Promise.all(Array.from({ length: Math.min(availableParallelism(), TOOLS.length) }, runQueue));
if (failed.length > 0) console.error(`check failed: ${failed.join(', ')}`);
const unitTestsPass = await runUnitTests();
process.exitCode = unitTestsPass && failed.length === 0 ? 0 : 1;

async function runQueue(): Promise<void> {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const result = await runScript(name);
    console.log(`${result.ok ? '✔' : '✖'} ${name} (${result.seconds.toFixed(1)} s)`);
    if (!result.ok) {
      failed.push(name);
      console.log(result.output.trimEnd());
    }
  }
}

function runScript(name: string): Promise<Result> {
  const start = performance.now();
  let output = '';
  return new Promise((resolve, reject) => {
    const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ name, ok: code === 0, seconds: (performance.now() - start) / 1000, output }));
  });
}

function runUnitTests(): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['scripts/test.ts', 'unit'], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });
}
