import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { RealmValues } from './gohan-realm.ts';
import type { GohanThread } from './types.ts';

interface Module {
  exports: unknown;
}

/** Finds modules by name, as `require` of scripts does: built-in ones, then CommonJS packages below `extension.npm_path`. */
export type Require = (name: string) => unknown;

/** `builtins` makes the modules that need no package. Packages are read when they are first asked for, once per environment. */
export function createScriptRequire(thread: GohanThread, realm: RealmValues, builtins: Readonly<Record<string, () => unknown>>): Require {
  const made = new Map<string, unknown>();
  const loaded = new Map<string, Module>();
  const root = thread.npmPath === undefined ? undefined : resolve(thread.npmPath, 'node_modules');

  const load = (file: string): unknown => {
    const known = loaded.get(file);
    if (known !== undefined) return known.exports;
    const text = readFileSync(file, 'utf8');
    const module: Module = { exports: realm.copy({}) };
    // Before it runs: packages may require one another in circles.
    loaded.set(file, module);
    try {
      if (file.endsWith('.json')) module.exports = realm.copy(JSON.parse(text));
      else run(file, text, module);
    } catch (error) {
      loaded.delete(file);
      throw error;
    }
    return module.exports;
  };
  const run = (file: string, text: string, module: Module): void => {
    const code = thread.compileFunction(text.replace(/^#!.*/, ''), file, ['exports', 'require', 'module', '__filename', '__dirname']);
    code.call(module.exports, module.exports, (name: unknown) => find(String(name), dirname(file)), module, file, dirname(file));
  };
  const builtin = (name: string): unknown => {
    if (!made.has(name)) made.set(name, builtins[name]?.());
    return made.get(name);
  };
  const find = (name: string, from: string): unknown => {
    const plain = name.replace(/^node:/, '');
    if (Object.hasOwn(builtins, plain)) return builtin(plain);
    const file = root === undefined ? undefined : resolvePackage(root, name, from);
    if (file === undefined) throw realm.error(notFound(name, root));
    return load(file);
  };
  return (name) => find(name, root ?? '/');
}

function notFound(name: string, root: string | undefined): string {
  return `Cannot find module '${name}': ${root === undefined ? 'extension.npm_path is not set' : `not in ${root}`}`;
}

/** The file of a name that is required from a folder; undefined when there is none below the root. */
function resolvePackage(root: string, name: string, from: string): string | undefined {
  if (isAbsolute(name)) return undefined;
  if (/^\.{1,2}(\/|$)/.test(name)) return inRoot(root, resolveFile(join(from, name)));
  for (let folder = from; isInside(root, folder); folder = dirname(folder)) {
    const found = resolveFile(join(folder, 'node_modules', name));
    if (found !== undefined) return inRoot(root, found);
  }
  return inRoot(root, resolveFile(join(root, name)));
}

/** As Node looks for CommonJS: the file, with `.js` or `.json`, the folder's `main` or its `index.js`. */
function resolveFile(path: string): string | undefined {
  const file = [path, `${path}.js`, `${path}.json`].find(isFile);
  if (file !== undefined) return file;
  const main = mainOf(path);
  const candidates = main === undefined ? [] : [join(path, main), `${join(path, main)}.js`, join(path, main, 'index.js')];
  return [...candidates, join(path, 'index.js'), join(path, 'index.json')].find(isFile);
}

function mainOf(folder: string): string | undefined {
  try {
    const { main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly main?: unknown };
    return typeof main === 'string' && main !== '' ? main : undefined;
  } catch {
    return undefined;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Links that lead out of the folder of packages are not followed. */
function inRoot(root: string, file: string | undefined): string | undefined {
  return file !== undefined && isInside(realpathSync(root), realpathSync(file)) ? file : undefined;
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (!way.startsWith('..') && !isAbsolute(way));
}
