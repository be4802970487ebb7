import { dirname, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { SekishoError } from '../lib/errors.ts';
import { bundleScript } from '../runtime/bundle.ts';
import { authorNames, toAuthorPlace } from './author-place.ts';
import type { Bundle } from './bundler.ts';
import type { ExtensionCode } from './types.ts';

/** Modules that the thread provides. */
const BUILT_INS: ReadonlySet<string> = new Set(
  'sekisho/extension sekisho/http sekisho/util sekisho/crypto url buffer console util crypto'.split(' '),
);

/**
 * A module with what it imports: files relative to its own, npm packages, built-ins. `onImport` gets the files that it names, absolute, also those
 * that are not there. Rejects with EXTENSION_COMPILE, whose `errors` have `file:line:column`.
 */
export async function bundleExtension(
  extension: ExtensionCode,
  npmPath: string | undefined,
  onImport: (path: string) => void,
): Promise<Bundle> {
  const { id, code, file } = extension;
  const names = authorNames(extension);
  try {
    return await bundleScript({
      code: 'EXTENSION_COMPILE',
      input: { stdin: { contents: code, sourcefile: file ?? `${id}.ts`, resolveDir: folderOf(extension), loader: loaderOf(file) } },
      npmPath,
      plugin: resolverPlugin(npmPath, onImport),
      displayName(path) {
        const absolute = resolve(npmPath ?? '/', path);
        return absolute === file || path.endsWith('<stdin>') || path.endsWith(`${id}.ts`) ? names.file : absolute;
      },
      toPlace: (name, line) => toAuthorPlace(names, name, line),
    });
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error;
    throw new SekishoError(error.code, `Extension ${id} (${extension.place}): ${error.message}`, { errors: error.errors, cause: error });
  }
}

/** Where imports of an extension are relative to: the folder of its file, or of the schema file that it stands in. */
export function folderOf({ file, place }: ExtensionCode): string {
  return dirname(file ?? place.replace(/(:\d+)+$/, ''));
}

function loaderOf(file: string | undefined): 'js' | 'ts' {
  return file !== undefined && /\.[cm]?js$/.test(file) ? 'js' : 'ts';
}

function resolverPlugin(npmPath: string | undefined, onImport: (path: string) => void): Plugin {
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
          if (found.errors.length > 0) continue;
          if (found.namespace === 'file' && !found.external && !/[\\/]node_modules[\\/]/.test(found.path)) onImport(found.path);
          return { path: found.path, namespace: found.namespace, external: found.external };
        }
        if (path.startsWith('.')) onImport(resolve(resolveDir, path));
        const packages =
          npmPath === undefined ? 'npm packages beside it or of the setting extension.npm_path' : `npm packages of ${npmPath}`;
        const text = `${JSON.stringify(path)} not found. An extension may import files relative to its own; the built-ins ${[...BUILT_INS].join(', ')}; ${packages}.`;
        return { errors: [{ text }] };
      });
    },
  };
}
