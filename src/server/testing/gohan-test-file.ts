import { resolve } from 'node:path';
import type { Settings } from '../../config/settings.ts';
import { SekishoError } from '../../lib/errors.ts';
import { type Event, subscribe } from '../../lib/event.ts';
import type { SchemaSet } from '../../schema/types.ts';
import { TEST_EVENTS, type TestDescription, type TestSubject, toDescribing, toSubject } from './gohan-test-script.ts';
import { openTestLife, withExtensions } from './test-life.ts';
import { openTestModels } from './test-models.ts';

/** How one test ended. */
export interface TestOutcome {
  readonly name: string;
  /** Undefined: it passed. */
  readonly failure: string | undefined;
  /** What scripts wrote into the log meanwhile, a line each. */
  readonly log: readonly string[];
  readonly durationMs: number;
}

/** How the tests of one file ended; `error` when none of them could run. */
export interface TestFileOutcome {
  readonly file: string;
  readonly tests: readonly TestOutcome[];
  readonly error?: string;
}

export interface TestFileOptions {
  readonly settings: Settings;
  readonly cwd: string;
  /** Only tests whose name it fits. */
  readonly only: RegExp | undefined;
  /** Called when a test has ended. */
  onTest(file: string, outcome: TestOutcome): void;
}

/** Runs a `test_*.js` of Gohan's kind: each test in scripts that are loaded anew, on an empty database. Never rejects. */
export async function runGohanTests(file: string, options: TestFileOptions): Promise<TestFileOutcome> {
  const { settings, cwd, only, onTest } = options;
  const path = resolve(cwd, file);
  const tests: TestOutcome[] = [];
  try {
    const description = await describe(path, options);
    const names = description.tests.filter((name) => only === undefined || only.test(name));
    const subject = toSubject(path, description, {
      legacyTableNames: settings.database?.legacy ?? true,
      defaultType: settings.extension.default,
    });
    for (const name of names) {
      const outcome = await runTest(subject, name, options);
      tests.push(outcome);
      onTest(file, outcome);
    }
    return { file, tests };
  } catch (error) {
    return { file, tests, error: toText(error) };
  }
}

const NO_SCHEMAS: SchemaSet = { resources: new Map(), groups: [], policies: [], extensions: [], files: [] };

/** Loads the script alone, and asks it what it tests. */
async function describe(path: string, { settings, cwd }: TestFileOptions): Promise<TestDescription> {
  const environment = toDescribing(path);
  const models = withExtensions(
    await openTestModels({ schemas: NO_SCHEMAS, settings, environments: [environment], folder: cwd, answer: refuseOutside }),
  );
  const life = openTestLife(models, NO_SCHEMAS, environment.name, 'describe');
  try {
    return (await life.run(TEST_EVENTS.describe, {})) as TestDescription;
  } finally {
    await life.end();
    await models.close();
  }
}

async function runTest({ schemas, environment }: TestSubject, name: string, { settings, cwd }: TestFileOptions): Promise<TestOutcome> {
  const startedAt = performance.now();
  const requestId = `${environment.name}:${name}`;
  const log: string[] = [];
  const unsubscribe = subscribe((event) => noteLine(event, requestId, log));
  let failure: string | undefined;
  try {
    const models = withExtensions(
      await openTestModels({ schemas, settings, environments: [environment], folder: cwd, answer: refuseOutside }),
    );
    const life = openTestLife(models, schemas, environment.name, requestId);
    try {
      failure = toFailure(await life.run(TEST_EVENTS.run, { test: name }));
    } finally {
      await life.end();
      await models.close();
    }
  } catch (error) {
    failure = toText(error);
  } finally {
    unsubscribe();
  }
  return { name, failure, log, durationMs: performance.now() - startedAt };
}

/** Calls of scripts are mocked where they are made: what comes here is one of a module. */
function refuseOutside(name: string): Promise<unknown> | undefined {
  if (name !== 'http.request' && name !== 'exec.run') return undefined;
  return Promise.reject(
    new SekishoError(
      'EXTENSION_NOT_ENABLED',
      'In tests of scripts modules call no other services: test them in a *.test.ts, where startModels answers.',
    ),
  );
}

function noteLine(event: Event, requestId: string, log: string[]): void {
  if (event.type === 'extension.console' && event.requestId === requestId)
    log.push(`${event.level.toUpperCase()} ${event.module}: ${event.text}`);
  if (event.type === 'extension.failed' && event.requestId === requestId) log.push(`ERROR ${event.event}: ${event.text}`);
}

/** What the script's own runner found: the text, and the places in scripts that led there. */
function toFailure(result: unknown): string | undefined {
  const { failure } = result as { readonly failure?: { readonly text: string; readonly stack: string } };
  if (failure === undefined) return undefined;
  const places = failure.stack.split('\n').filter((line) => /^\s+at /.test(line) && !/\bnode:|extension-thread|\[worker eval\]/.test(line));
  return [failure.text, ...places.map((line) => `  ${line.trim()}`)].join('\n');
}

function toText(error: unknown): string {
  if (!(error instanceof SekishoError)) return error instanceof Error ? error.message : String(error);
  const { message, errors } = error;
  return errors.length <= 1 ? message : [message, ...errors.map(({ pointer, detail }) => `  ${pointer}: ${detail}`)].join('\n');
}
