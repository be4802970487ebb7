import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { GohanThread } from './types.ts';

const require = createRequire(import.meta.url);
let source: string | undefined;

/** The library `underscore` of an environment, made of its own realm: the global `_`. */
export function loadUnderscore(thread: GohanThread): unknown {
  source ??= readFileSync(require.resolve('underscore/underscore-umd-min.js'), 'utf8');
  const module: { exports: unknown } = { exports: {} };
  thread.compileFunction(source, 'underscore.js', ['module', 'exports']).call(thread.global, module, module.exports);
  return module.exports;
}
