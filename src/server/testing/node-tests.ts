import { spawn } from 'node:child_process';

export interface NodeTestsOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly parallel: number;
  readonly only: RegExp | undefined;
  out(text: string): void;
  err(text: string): void;
}

/** Runs tests on `node:test` by Node's own runner. Resolves to whether all of them passed. */
export function runNodeTests(files: readonly string[], options: NodeTestsOptions): Promise<boolean> {
  const { cwd, parallel, only, out, err } = options;
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const hook = new URL(`./resolve-hook.${extension}`, import.meta.url).href;
  const args = [
    '--disable-warning=ExperimentalWarning',
    `--import=${hook}`,
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${parallel}`,
    ...(only === undefined ? [] : [`--test-name-pattern=${only.source}`]),
    ...files,
  ];
  // Set in tests that run under Node's runner: it would make this one report to that.
  const { NODE_TEST_CONTEXT: _, ...env } = options.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', out);
    child.stderr.setEncoding('utf8').on('data', err);
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });
}
