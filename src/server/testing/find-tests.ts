import { globSync, statSync } from 'node:fs';
import { basename, join, normalize, resolve } from 'node:path';
import { SekishoError } from '../../lib/errors.ts';

/** `js`: scripts of Gohan's kind, `test_*.js`. `ts`: tests on `node:test`, `*.test.ts` and `*.test.mts`. */
export type TestType = 'js' | 'ts';

const NAMES: Readonly<Record<TestType, RegExp>> = { js: /^test_.*\.js$/, ts: /\.test\.m?ts$/ };

/** The test files that are named, or lie in folders that are, each once; packages and hidden folders are left out. CONFIG_NOT_FOUND for a path that is not there. */
export function findTests(paths: readonly string[], cwd: string): Readonly<Record<TestType, readonly string[]>> {
  const files = new Set(paths.flatMap((path) => filesIn(path, cwd)));
  const of = (type: TestType): readonly string[] => [...files].filter((file) => NAMES[type].test(basename(file)));
  return { js: of('js'), ts: of('ts') };
}

function filesIn(path: string, cwd: string): readonly string[] {
  const folder = resolve(cwd, path);
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) throw new SekishoError('CONFIG_NOT_FOUND', `${path}: there is no such file or folder`);
  if (!found.isDirectory()) return [normalize(path)];
  const isLeftOut = (name: string): boolean => name === 'node_modules' || (name.startsWith('.') && name.length > 1);
  return globSync('**/*.{js,ts,mts}', { cwd: folder, exclude: (name) => isLeftOut(basename(name)) })
    .toSorted()
    .map((file) => join(path, file));
}
