import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkKeys } from './check-keys.ts';
import { type Cursor, placeText, textAt } from './cursor.ts';
import { EXTENSION_KEYS } from './schema-keys.ts';
import type { ExtensionSource } from './types.ts';

/** An extension whose `url`, if it has one, was read: that code comes behind its own. Undefined when it is wrong, which is reported. `file` is the schema file. */
export function toExtension(
  cursor: Cursor,
  file: string,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): ExtensionSource | undefined {
  if (!checkKeys(cursor, EXTENSION_KEYS, { closed: true, what: 'an extension' })) return undefined;
  const url = textAt(cursor, 'url');
  const own = textAt(cursor, 'code');
  const read = url === '' ? '' : readCode(cursor.at('url'), url, file, readFile);
  return {
    id: textAt(cursor, 'id'),
    path: textAt(cursor, 'path'),
    codeType: textAt(cursor, 'code_type'),
    code: own !== '' && read !== '' ? `${own}\n${read}` : own + read,
    linesAhead: own !== '' && read !== '' ? own.split('\n').length : 0,
    file: url === '' ? undefined : toPath(url, dirname(file)),
    place: placeText(cursor),
  };
}

function readCode(cursor: Cursor, url: string, file: string, readFile: (path: string) => string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(url)?.[1];
  if (scheme !== undefined && scheme !== 'file') {
    cursor.report(`code is not fetched over ${scheme}; put the file beside the schema file and name it here`);
    return '';
  }
  const path = toPath(url, dirname(file));
  try {
    return readFile(path);
  } catch (error) {
    cursor.report(`${path} can not be read (${(error as NodeJS.ErrnoException).code ?? 'it is no file'})`);
    return '';
  }
}

/** `file:///absolute`, `file://relative` (Gohan's) or a plain path, relative to `folder`. */
export function toPath(location: string, folder: string): string {
  if (!location.startsWith('file://')) return resolve(folder, location);
  return location.startsWith('file:///') ? fileURLToPath(location) : resolve(folder, location.slice('file://'.length));
}
