import { dirname, resolve } from 'node:path';
import { goText } from './gohan-arguments.ts';
import type { Implementations } from './gohan-builtins.ts';
import { isFinal, isHostCallError, type RealmValues } from './gohan-realm.ts';
import type { BUILTIN_GROUPS } from './gohan-table.ts';
import type { GohanThread } from './types.ts';

/** `gohan_file_*`. */
export function fileBuiltins(thread: GohanThread, realm: RealmValues): Implementations<(typeof BUILTIN_GROUPS)['Files']> {
  return {
    gohan_file_list(path) {
      const names = thread.call('file.list', String(path)).filter((name) => !name.startsWith('.'));
      return names.map((name) => `${name}\n`).join('');
    },
    gohan_file_read: (path) => thread.call('file.read', String(path)),
    gohan_file_read_cd(path) {
      if (thread.file === undefined)
        throw realm.error('gohan_file_read_cd: the code that calls stands in a schema file; move it to a file of its own, with url');
      return thread.call('file.read', resolve(dirname(thread.file), String(path)));
    },
    gohan_file_dir(path) {
      const stat = thread.call('file.stat', String(path));
      if (stat === undefined) throw realm.error(`open ${String(path)}: no such file or directory`);
      return stat.isDirectory;
    },
  };
}

/** What `require('fs')` gives: the synchronous functions that Gohan had, below `extension.file_root`. */
export function fsModule(thread: GohanThread, realm: RealmValues): object {
  const text = (what: string, value: unknown): string => {
    if (typeof value === 'string') return value;
    throw realm.error(`${what}: Argument '${goText(value)}' should be of type 'string'`);
  };
  const during = <T>(doing: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!isHostCallError(error) || isFinal(error)) throw error;
      throw realm.error(`Failed to ${doing}: ${error.message}`, error);
    }
  };
  return {
    readFileSync(path: unknown) {
      const file = text('Filename', path);
      return during(`read file '${file}'`, () => thread.call('file.read', file));
    },
    existsSync: (path: unknown) => thread.call('file.stat', text('Filename', path)) !== undefined,
    writeFileSync(path: unknown, data: unknown) {
      const file = text('Filename', path);
      const content = text('File data', data);
      during(`write file '${file}'`, () => thread.call('file.write', file, content));
    },
    readdirSync(path: unknown) {
      const folder = text('Directory name', path);
      return during(`read directory '${folder}'`, () => thread.call('file.list', folder));
    },
    mkdirSync(path: unknown) {
      const folder = text('Directory name', path);
      during(`create directory '${folder}'`, () => thread.call('file.makeDirectory', folder));
    },
  };
}
