import { createHash } from 'node:crypto';
import { type BuildFailure, build, type Message, stop } from 'esbuild';
import { type FieldError, SekishoError } from '../lib/errors.ts';
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

const IDLE_STOP_MS = 10_000;
const CACHE_ENTRIES = 200;
const cache = new Map<string, CompiledProgram>();
let running = 0;
let idleTimer: NodeJS.Timeout | undefined;

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
  try {
    const result = await withEsbuild(() =>
      build({
        entryPoints: [entry.name],
        outfile: 'program.js',
        absWorkingDir: npmPath ?? '/',
        bundle: true,
        write: false,
        format: 'cjs',
        target: 'es2024',
        platform: 'neutral',
        mainFields: ['module', 'main'],
        ...(npmPath !== undefined && { nodePaths: [npmPath] }),
        sourcemap: 'external',
        sourcesContent: false,
        banner: { js: '"use strict";' },
        logLevel: 'silent',
        tsconfigRaw: {},
        plugins: [resolverPlugin(source, npmPath, contents)],
      }),
    );
    const text = (suffix: string): string => result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? '';
    const compiled = { key, code: text('.js'), sourceMap: nameSources(text('.js.map'), files), entry: fileName(entry) };
    if (cache.size >= CACHE_ENTRIES) cache.delete(cache.keys().next().value ?? '');
    cache.set(key, compiled);
    return compiled;
  } catch (error) {
    throw isBuildFailure(error) ? compileError(error.errors, files) : error;
  }
}

/** Runs work that needs esbuild's service process, which is stopped when it was idle for a while. */
export async function withEsbuild<T>(work: () => Promise<T>): Promise<T> {
  clearTimeout(idleTimer);
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    if (running === 0) idleTimer = setTimeout(stopEsbuild, IDLE_STOP_MS).unref();
  }
}

/** Stops esbuild's service process now, if nobody uses it; the next compilation starts it again. */
export function stopEsbuild(): void {
  clearTimeout(idleTimer);
  if (running === 0) void stop();
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

function nameSources(sourceMap: string, files: ReadonlyMap<string, string>): string {
  const map = JSON.parse(sourceMap) as { sources: string[] };
  map.sources = map.sources.map((path) => displayName(path, files));
  return JSON.stringify(map);
}

function displayName(path: string, files: ReadonlyMap<string, string>): string {
  if (!path.startsWith(`${MODULE_NAMESPACE}:`)) return path;
  const name = path.slice(MODULE_NAMESPACE.length + 1);
  return files.get(name) ?? name;
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}

function compileError(messages: readonly Message[], files: ReadonlyMap<string, string>): SekishoError {
  const errors: FieldError[] = messages.map((message) => {
    const at = message.location;
    const detail = message.text.startsWith('Top-level await') ? 'await is only possible inside functions of a module' : message.text;
    return { pointer: at ? `${displayName(at.file, files)}:${at.line}:${at.column + 1}` : '', detail };
  });
  const detail = errors.map((error) => (error.pointer ? `${error.pointer}: ${error.detail}` : error.detail)).join('\n');
  return new SekishoError('MODULE_COMPILE', detail, { errors });
}
