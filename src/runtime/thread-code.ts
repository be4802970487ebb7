import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { withEsbuild } from './esbuild.ts';

const bundles = new Map<string, Promise<string>>();

/**
 * The script of a thread as one file, bundled once per process: a thread then starts in about 25 ms, without a
 * TypeScript loader (and its memory) in each of them. `entry` is the URL of its source, without `.ts` or `.js`.
 */
export function threadCode(entry: URL): Promise<string> {
  let bundled = bundles.get(entry.href);
  if (bundled === undefined) {
    bundled = bundle(entry);
    bundles.set(entry.href, bundled);
  }
  return bundled;
}

/** An IIFE: at the top level of the thread's script every name would be a global that module code sees. */
async function bundle(entry: URL): Promise<string> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const file = new URL(`${entry.href}.${extension}`);
  const result = await withEsbuild(() =>
    build({
      entryPoints: [fileURLToPath(file)],
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'node',
      target: 'node24',
      legalComments: 'none',
      logLevel: 'silent',
      tsconfigRaw: {},
      // What has no place of its own any more finds packages from where its source is.
      define: { 'import.meta.url': JSON.stringify(file.href) },
      banner: { js: '"use strict";' },
    }),
  );
  return result.outputFiles[0]?.text ?? '';
}
