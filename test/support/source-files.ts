import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder, without a slash at the end. */
export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** A text file of the repository. */
export interface SourceFile {
  /** Path from the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** One import or re-export of a file. */
export interface SourceImport {
  /** `node:fs`, `yaml`, or, when relative, the imported file's path from the root. */
  readonly target: string;
  readonly isRelative: boolean;
  /** Gone at run time: `import type …` and `import('…')` in a type. */
  readonly isTypeOnly: boolean;
  /** What stands between `import` and `from`. */
  readonly clause: string;
}

/** The files that match the glob patterns, sorted by path. */
export function readSourceFiles(patterns: readonly string[]): SourceFile[] {
  const paths = globSync([...patterns], { cwd: REPOSITORY, exclude: (name) => name === 'node_modules' || name === 'dist' });
  return paths.toSorted().map((path) => ({ path, text: readFileSync(join(REPOSITORY, path), 'utf8') }));
}

const STATIC = /^(?:import|export)\s+(type\s)?([^'";]*?from\s+)?'([^']+)';/gm;
const DYNAMIC = /(:\s*|<|\|\s*|as\s+|typeof\s+)?\bimport\('([^']+)'\)/g;

/** Every import of a file: static, re-exported and dynamic with a literal path. */
export function parseImports(file: SourceFile): SourceImport[] {
  const found: SourceImport[] = [];
  const add = (specifier: string, isTypeOnly: boolean, clause: string): void => {
    const isRelative = specifier.startsWith('.');
    const target = isRelative ? relative(REPOSITORY, join(REPOSITORY, dirname(file.path), specifier)) : specifier;
    found.push({ target, isRelative, isTypeOnly, clause });
  };
  for (const [, type, clause = '', specifier = ''] of file.text.matchAll(STATIC)) add(specifier, type !== undefined, clause);
  for (const [, before, specifier = ''] of file.text.matchAll(DYNAMIC)) add(specifier, before !== undefined, '');
  return found;
}
