import { type BuildFailure, type BuildOptions, build, type Message, type Plugin } from 'esbuild';
import { type ErrorCode, type FieldError, SekishoError } from '../lib/errors.ts';
import { withEsbuild } from './esbuild.ts';

/** What is bundled, and how its errors are told. */
export interface BundleOptions {
  /** Of the error that it rejects with. */
  readonly code: Extract<ErrorCode, 'MODULE_COMPILE' | 'EXTENSION_COMPILE'>;
  readonly input: Pick<BuildOptions, 'entryPoints' | 'stdin'>;
  /** Folder of npm packages. */
  readonly npmPath: string | undefined;
  readonly plugin: Plugin;
  /** The name of a source file, as authors know it. */
  displayName(path: string): string;
  /** `file:line` of a line of what `displayName` gave; absent: just that. */
  toPlace?(name: string, line: number): string;
}

/** User code and what it imports as one CommonJS script with its source map. Rejects with `code`, whose `errors` have `file:line:column`. */
export async function bundleScript(options: BundleOptions): Promise<{ readonly code: string; readonly sourceMap: string }> {
  const { npmPath, displayName } = options;
  try {
    const result = await withEsbuild(() =>
      build({
        ...options.input,
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
        plugins: [options.plugin],
      }),
    );
    const text = (suffix: string): string => result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? '';
    return { code: text('.js'), sourceMap: nameSources(text('.js.map'), displayName) };
  } catch (error) {
    throw isBuildFailure(error) ? compileError(options, error.errors) : error;
  }
}

function nameSources(sourceMap: string, displayName: (path: string) => string): string {
  const map = JSON.parse(sourceMap) as { sources: string[] };
  map.sources = map.sources.map(displayName);
  return JSON.stringify(map);
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors);
}

function compileError(
  { code, displayName, toPlace = (name, line) => `${name}:${line}` }: BundleOptions,
  messages: readonly Message[],
): SekishoError {
  const errors: FieldError[] = messages.map((message) => {
    const at = message.location;
    const detail = message.text.startsWith('Top-level await') ? 'await is only possible inside functions of a module' : message.text;
    return { pointer: at ? `${toPlace(displayName(at.file), at.line)}:${at.column + 1}` : '', detail };
  });
  const detail = errors.map((error) => (error.pointer ? `${error.pointer}: ${error.detail}` : error.detail)).join('\n');
  return new SekishoError(code, detail, { errors });
}
