import { createHash } from 'node:crypto';
import { SekishoError } from '../lib/errors.ts';
import { bundleScript } from './bundle.ts';
import { fileName, MODULE_NAMESPACE, resolverPlugin } from './resolver.ts';
import { HOOKS, type ProgramSource } from './types.ts';

/** A program as one CommonJS script with its source map, ready for a thread. */
export interface CompiledProgram {
  readonly key: string;
  readonly code: string;
  readonly sourceMap: string;
  /** File name of the entry module. */
  readonly entry: string;
}

/** Names under which hooks are looked up; the second is DGate 2's name of the first. */
export const HOOK_NAMES = [...HOOKS, 'fetchUpstreamUrl'] as const;

const CACHE_ENTRIES = 200;
const cache = new Map<string, CompiledProgram>();

/** Identity of a program: equal namespaces and sources have equal keys. */
export function programKey(source: ProgramSource): string {
  return createHash('sha256')
    .update(JSON.stringify([source.namespace, source.modules]))
    .digest('hex')
    .slice(0, 32);
}

/** Bundles the modules of a route into one script; rejects with MODULE_COMPILE, whose `errors` have `file:line:column`. */
export async function compileProgram(source: ProgramSource, npmPath: string | undefined): Promise<CompiledProgram> {
  const key = programKey(source);
  const known = cache.get(key);
  if (known) return known;
  const entry = source.modules[0];
  if (!entry) throw new SekishoError('MODULE_COMPILE', 'A program needs at least one module.');
  const sources = new Map(source.modules.map((module) => [module.name, module.source]));
  const files = new Map(source.modules.map((module) => [module.name, fileName(module)]));
  const contents = (name: string): string => (name === entry.name ? withHooks(entry.source) : (sources.get(name) ?? ''));
  const bundled = await bundleScript({
    code: 'MODULE_COMPILE',
    input: { entryPoints: [entry.name] },
    npmPath,
    plugin: resolverPlugin(source, npmPath, contents),
    displayName: (path) => displayName(path, files),
  });
  const compiled = { key, ...bundled, entry: fileName(entry) };
  if (cache.size >= CACHE_ENTRIES) cache.delete(cache.keys().next().value ?? '');
  cache.set(key, compiled);
  return compiled;
}

/**
 * Hands the entry's top-level functions to the thread: hooks need not be exported. Appended behind the last line, so that line
 * numbers stay. A name that is only imported is no hook, hence left out.
 */
function withHooks(source: string): string {
  const own = HOOK_NAMES.filter((name) => !isImported(source, name));
  const pairs = own.map((name) => `${name}:typeof ${name}==='undefined'?undefined:${name}`);
  return `${source}\n;__sekisho_hooks({${pairs.join(',')}});`;
}

const IMPORT_CLAUSE = /\bimport\s+(?:type\s+)?([^;'"()]*?)\bfrom\b/g;

/** True when an import binds the name: as default, by `* as name`, `{ name }` or `{ other as name }`. */
function isImported(source: string, name: string): boolean {
  for (const [, clause = ''] of source.matchAll(IMPORT_CLAUSE)) {
    const bound = clause.replace(/(?:\w+|\*)\s+as\s+/g, '').split(/[\s,{}]+/);
    if (bound.includes(name)) return true;
  }
  return false;
}

function displayName(path: string, files: ReadonlyMap<string, string>): string {
  if (!path.startsWith(`${MODULE_NAMESPACE}:`)) return path;
  const name = path.slice(MODULE_NAMESPACE.length + 1);
  return files.get(name) ?? name;
}
