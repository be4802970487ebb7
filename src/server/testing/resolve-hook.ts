import { registerHooks } from 'node:module';

/*
 * Loaded before TypeScript tests (`node --import`): they find what they import of this package wherever it is installed, also when it is not among the packages
 * of their own folder.
 */

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

const FILES: ReadonlyMap<string, string> = new Map([
  ['sekisho/testing', new URL(`./start-models.${extension}`, import.meta.url).href],
  ['sekisho/extension', new URL(`../../extension/thread/author-module.${extension}`, import.meta.url).href],
]);

registerHooks({
  resolve(specifier, context, next) {
    const url = FILES.get(specifier);
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
  },
});
