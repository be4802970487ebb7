import { availableParallelism } from 'node:os';
import { SekishoError } from '../../lib/errors.ts';
import { findTests, type TestType } from './find-tests.ts';
import { runGohanTests, type TestFileOutcome, type TestOutcome } from './gohan-test-file.ts';
import { runNodeTests } from './node-tests.ts';
import { readTestSettings } from './test-settings.ts';

export interface RunTestsOptions {
  /** Files and folders; none is the working folder. */
  readonly paths: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly configPath?: string;
  /** Tell of tests that pass, and what they log. */
  readonly isVerbose: boolean;
  /** Only tests whose name it fits. */
  readonly only?: RegExp;
  /** Test files that run at a time; default the processors. */
  readonly parallel?: number;
  readonly types: readonly TestType[];
  out(text: string): void;
  err(text: string): void;
}

/** `sekisho test`: runs tests of extensions and prints how they ended. Resolves to whether all passed. Rejects with CONFIG_*, or CONFIG_NOT_FOUND when there are no tests. */
export async function runTests(options: RunTestsOptions): Promise<boolean> {
  const { paths, cwd, env, types, out } = options;
  const parallel = options.parallel ?? availableParallelism();
  const found = findTests(paths.length === 0 ? ['.'] : paths, cwd);
  const scripts = types.includes('js') ? found.js : [];
  const modules = types.includes('ts') ? found.ts : [];
  if (scripts.length + modules.length === 0)
    throw new SekishoError('CONFIG_NOT_FOUND', `no tests in ${paths.join(', ') || cwd}: they are files named test_*.js or *.test.ts`);
  const outcomes = scripts.length === 0 ? [] : await runScripts(scripts, parallel, options);
  const isNodeFine = modules.length === 0 || (await runNodeTests(modules, { ...options, env, parallel, only: options.only }));
  const isFine = isNodeFine && outcomes.every((outcome) => failuresOf(outcome) === 0);
  for (const outcome of outcomes) if (failuresOf(outcome) > 0) out(`FAIL ${outcome.file}: ${summaryOf(outcome)}\n`);
  if (isFine) out('All tests have passed.\n');
  return isFine;
}

async function runScripts(files: readonly string[], parallel: number, options: RunTestsOptions): Promise<readonly TestFileOutcome[]> {
  const { cwd, env, configPath, isVerbose, only, out } = options;
  const settings = readTestSettings(configPath, cwd, env);
  const onTest = (file: string, outcome: TestOutcome): void => {
    if (isVerbose || outcome.failure !== undefined) out(toText(file, outcome));
  };
  const outcomes: TestFileOutcome[] = [];
  const queue = [...files.entries()];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [at, file] = next;
      const outcome = await runGohanTests(file, { settings, cwd, only, onTest });
      if (outcome.error !== undefined) out(`ERROR ${file}: ${indented(outcome.error)}\n`);
      outcomes[at] = outcome;
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(parallel, files.length)) }, work));
  const count = outcomes.reduce((sum, { tests }) => sum + tests.length, 0);
  out(`Run ${count} tests of ${files.length} ${files.length === 1 ? 'file' : 'files'}.\n`);
  return outcomes;
}

function toText(file: string, { name, failure, log, durationMs }: TestOutcome): string {
  const head = `${failure === undefined ? 'PASS' : 'FAIL'} ${file}: ${name} (${durationMs.toFixed(0)} ms)`;
  const lines = log.map((line) => `     | ${indented(line)}`);
  return [head, ...(failure === undefined ? [] : [`     ${indented(failure)}`]), ...lines, ''].join('\n');
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n     ');
}

function failuresOf({ tests, error }: TestFileOutcome): number {
  return tests.filter(({ failure }) => failure !== undefined).length + (error === undefined ? 0 : 1);
}

function summaryOf({ tests, error }: TestFileOutcome): string {
  if (error !== undefined) return 'its tests could not run';
  return `${tests.filter(({ failure }) => failure !== undefined).length}/${tests.length} tests failed`;
}
