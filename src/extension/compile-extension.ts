import { dirname, relative, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { SekishoError } from '../lib/errors.ts';
import { bundleScript } from '../runtime/bundle.ts';
import type { ExtensionCode } from './types.ts';
import type { ThreadCode } from './wire.ts';

/** Modules that the thread provides. */
const BUILT_INS: ReadonlySet<string> = new Set(
  'sekisho/extension sekisho/http sekisho/util sekisho/crypto url buffer console util crypto'.split(' '),
);

/**
 * An extension as threads take it: a module bundled with what it imports (files relative to its own, npm packages, built-ins), a script as it
 * is. `number` makes the names of scripts differ. Rejects with EXTENSION_COMPILE, whose `errors` have `file:line:column`.
 */
export async function compileExtension(extension: ExtensionCode, number: number, npmPath: string | undefined): Promise<ThreadCode> {
  const { id, style, code, file } = extension;
  const name = displayName(extension);
  if (style === 'gohan') return { id, style, code, sourceMap: undefined, script: name, file };
  const folder = file === undefined ? dirname(extension.place.replace(/(:\d+)+$/, '')) : dirname(file);
  try {
    const bundled = await bundleScript({
      code: 'EXTENSION_COMPILE',
      input: { stdin: { contents: code, sourcefile: file ?? `${id}.ts`, resolveDir: folder, loader: loaderOf(file) } },
      npmPath,
      plugin: resolverPlugin(npmPath),
      displayName(path) {
        const absolute = resolve(npmPath ?? '/', path);
        if (absolute === file || path.endsWith('<stdin>') || path.endsWith(`${id}.ts`)) return name;
        return relative(folder, absolute);
      },
    });
    return { id, style, code: bundled.code, sourceMap: bundled.sourceMap, script: `sekisho-extension-${number}.js`, file };
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error;
    throw new SekishoError(error.code, `Extension ${id} (${extension.place}): ${error.message}`, { errors: error.errors, cause: error });
  }
}

/** The extension's file as messages and stacks name it. */
function displayName({ id, style, file }: ExtensionCode): string {
  return file ?? `${id}.${style === 'module' ? 'ts' : 'js'}`;
}

function loaderOf(file: string | undefined): 'js' | 'ts' {
  return file !== undefined && /\.[cm]?js$/.test(file) ? 'js' : 'ts';
}

function resolverPlugin(npmPath: string | undefined): Plugin {
  return {
    name: 'sekisho-extension-resolver',
    setup(build) {
      build.onResolve({ filter: /.*/ }, async ({ path, kind, resolveDir, importer, pluginData }) => {
        if (pluginData === 'resolving' || kind === 'entry-point') return undefined;
        const bare = path.startsWith('node:') ? path.slice(5) : path;
        if (BUILT_INS.has(bare)) return { path: bare, external: true };
        const folders = npmPath === undefined || /^[./]/.test(path) ? [resolveDir] : [resolveDir, npmPath];
        for (const from of folders) {
          const found = await build.resolve(path, { kind, resolveDir: from, importer, pluginData: 'resolving' });
          if (found.errors.length === 0) return { path: found.path, namespace: found.namespace, external: found.external };
        }
        const packages =
          npmPath === undefined ? 'npm packages beside it or of the setting extension.npm_path' : `npm packages of ${npmPath}`;
        const text = `${JSON.stringify(path)} not found. An extension may import files relative to its own; the built-ins ${[...BUILT_INS].join(', ')}; ${packages}.`;
        return { errors: [{ text }] };
      });
    },
  };
}
