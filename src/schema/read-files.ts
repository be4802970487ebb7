import { dirname, extname, isAbsolute, relative, resolve } from 'node:path';
import { suggestion } from './check-keys.ts';
import { type Cursor, createCursor, describe, isMap, type Reading } from './cursor.ts';
import { toPath } from './extension.ts';
import { parseSource } from './parse-source.ts';
import { FILE_KEYS } from './schema-keys.ts';

/** The entries of all files, in the order in which they are read. */
export interface FileEntries {
  readonly namespaces: readonly Cursor[];
  readonly schemas: readonly Cursor[];
  readonly policies: readonly Cursor[];
  readonly extensions: readonly { readonly cursor: Cursor; readonly file: string }[];
  /** Absolute paths. */
  readonly files: readonly string[];
}

interface Loading extends Reading {
  readonly cwd: string;
  readonly readFile: (path: string) => string;
  readonly namespaces: Cursor[];
  readonly schemas: Cursor[];
  readonly policies: Cursor[];
  readonly extensions: { readonly cursor: Cursor; readonly file: string }[];
  readonly files: string[];
}

/** Reads schema files and those that they include, each once. What can't be read or is no list is reported. */
export function readFiles(locations: readonly string[], cwd: string, reading: Reading, readFile: (path: string) => string): FileEntries {
  const loading: Loading = { ...reading, cwd, readFile, namespaces: [], schemas: [], policies: [], extensions: [], files: [] };
  const report = (location: string, detail: string): void =>
    reading.problems.report({ file: location, order: loading.files.length, line: 1, column: 1 }, '', detail);
  for (const location of locations) {
    // An empty name in the list is no file: it is what is left of an unset variable.
    if (location !== '') readLocation(location, [cwd], loading, (detail) => report(location, detail));
  }
  return loading;
}

/** `folders` are where a relative location is looked for. */
function readLocation(location: string, folders: readonly string[], loading: Loading, report: (detail: string) => void): void {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(location)?.[1];
  if (scheme === 'embed') return;
  if (scheme !== undefined && scheme !== 'file')
    return report(`schema files are not fetched over ${scheme}; put a copy on the disk and name it`);
  const type = extname(location).toLowerCase();
  if (!['.yaml', '.yml', '.json'].includes(type))
    return report(`names of schema files end in .yaml, .yml or .json, not in ${describe(type)}`);
  const candidates = [...new Set(folders.map((folder) => toPath(location, folder)))];
  for (const path of candidates) {
    if (loading.files.includes(path)) return;
    const text = readText(path, loading.readFile, report);
    if (text === undefined) continue;
    if (text !== false) readEntries(text, path, loading);
    return;
  }
  report(`there is no such file: ${candidates.join(', ')}`);
}

/** Undefined when there is no such file, false when it can't be read, which is reported. */
function readText(path: string, readFile: (path: string) => string, report: (detail: string) => void): string | false | undefined {
  try {
    return readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    report(`${path} can not be read: ${code === 'EACCES' ? 'it may not be' : code === 'EISDIR' ? 'it is a folder' : String(code)}`);
    return false;
  }
}

function readEntries(text: string, path: string, loading: Loading): void {
  const order = loading.files.length;
  loading.files.push(path);
  const near = relative(loading.cwd, path);
  const file = near.startsWith('..') || isAbsolute(near) ? path : near;
  const value = parseSource(text, file, order, loading);
  if (value === undefined) return;
  const root = createCursor(value, '', { file, order, line: 1, column: 1 }, loading);
  if (!isMap(value))
    return value === null ? undefined : root.report(`expected a map of ${Object.keys(FILE_KEYS).join(', ')}, found ${describe(value)}`);
  checkTopLevel(root);
  loading.namespaces.push(...root.at('namespaces').items());
  for (const entry of root.at('schemas').items()) {
    if (typeof entry.value === 'string') readLocation(entry.value, [dirname(path), resolve(loading.cwd)], loading, entry.report);
    else loading.schemas.push(entry);
  }
  loading.policies.push(...root.at('policies').items());
  loading.extensions.push(
    ...root
      .at('extensions')
      .items()
      .map((cursor) => ({ cursor, file: path })),
  );
}

function checkTopLevel(root: Cursor): void {
  for (const [key, entry] of root.entries()) {
    if (Object.hasOwn(FILE_KEYS, key)) {
      if (!Array.isArray(entry.value) && entry.value !== null) entry.report(`expected a list, found ${describe(entry.value)}`);
      continue;
    }
    const meant = suggestion(key, Object.keys(FILE_KEYS));
    if (meant !== '') entry.report(`unknown key; ${meant}known: ${Object.keys(FILE_KEYS).join(', ')}`);
  }
}
