import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { withEsbuild } from './compile.ts';

let code: Promise<string> | undefined;

/**
 * The script of a module thread as one file, bundled once per process: a thread then starts in about 25 ms, without a
 * TypeScript loader (and its memory) in each of them.
 */
export function threadCode(): Promise<string> {
  code ??= bundle();
  return code;
}

/** An IIFE: at the top level of the thread's script every name would be a global that module code sees. */
async function bundle(): Promise<string> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = fileURLToPath(new URL(`./thread.${extension}`, import.meta.url));
  const result = await withEsbuild(() =>
    build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'node',
      target: 'node24',
      legalComments: 'none',
      logLevel: 'silent',
      tsconfigRaw: {},
      banner: { js: '"use strict";' },
    }),
  );
  return result.outputFiles[0]?.text ?? '';
}
