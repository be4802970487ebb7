import { authorNames } from './author-place.ts';
import type { Bundler } from './bundler.ts';
import type { ExtensionCode } from './types.ts';
import type { ThreadCode } from './wire.ts';

/**
 * An extension as threads take it: a module as its bundle, a script as it is. `number` makes the names of scripts differ. Rejects with
 * EXTENSION_COMPILE, whose `errors` have `file:line:column`.
 */
export async function compileExtension(extension: ExtensionCode, number: number, bundler: Bundler): Promise<ThreadCode> {
  const { id, style, code, file } = extension;
  const names = authorNames(extension);
  const script = `sekisho-extension-${number}.js`;
  if (style === 'gohan') return { id, style, code, sourceMap: undefined, script, file, names };
  return { id, style, ...(await bundler.bundle(extension)), script, file, names };
}
