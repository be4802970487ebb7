import { constants } from 'node:fs';
import { mkdir, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { SekishoError } from '../../lib/errors.ts';
import { callFailed, notEnabled, reasonOf } from './host-error.ts';

/** Files of scripts, below one folder. Links are followed, but not out of it. */
export interface Files {
  read(path: string): Promise<string>;
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<{ readonly isDirectory: boolean } | undefined>;
  write(path: string, text: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
}

export interface FilesOptions {
  /** Undefined: EXTENSION_NOT_ENABLED for all calls. */
  readonly root: string | undefined;
  readonly isWritable: boolean;
  /** Of one file. */
  readonly maxBytes: number;
}

export function openFiles({ root, isWritable, maxBytes }: FilesOptions): Files {
  /** The real path of what is there; undefined when nothing is. */
  const find = async (path: string): Promise<string | undefined> => {
    if (root === undefined) throw notEnabled('Reading files', 'extension.file_root');
    const asked = resolve(root, path);
    const realRoot = await realpath(root).catch((error: unknown) => {
      throw callFailed(`extension.file_root ${root}: ${reasonOf(error)}`, error);
    });
    const real = await realpath(asked).catch(() => undefined);
    // Also what is not there is told of the folder only.
    if (real === undefined ? !isInside(resolve(root), asked) && !isInside(realRoot, asked) : !isInside(realRoot, real)) throw outside(path);
    return real;
  };
  const existing = async (path: string): Promise<string> => {
    const found = await find(path);
    if (found === undefined) throw callFailed(`open ${path}: no such file or directory`);
    return found;
  };
  const needWritable = (): void => {
    if (root === undefined) throw notEnabled('Writing files', 'extension.file_root');
    if (!isWritable) throw notEnabled('Writing files', 'extension.file_write');
  };
  /** Where a file or folder is to be made: its parent is there, inside the root, and links nowhere else. */
  const place = async (path: string): Promise<string> => {
    const asked = resolve(root ?? '', path);
    return join(await existing(dirname(asked)), basename(asked));
  };

  return {
    async read(path) {
      const file = await existing(path);
      return await during(`read ${path}`, async () => {
        const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
        try {
          const found = await handle.stat();
          if (!found.isFile()) throw callFailed(`read ${path}: it is no file`);
          if (found.size > maxBytes)
            throw callFailed(`read ${path}: it has ${found.size} bytes, more than the ${maxBytes} that a script may read`);
          return await handle.readFile('utf8');
        } finally {
          await handle.close();
        }
      });
    },
    async list(path) {
      const folder = await existing(path);
      return await during(`list ${path}`, async () => (await readdir(folder)).toSorted());
    },
    async stat(path) {
      const found = await find(path);
      return found === undefined ? undefined : { isDirectory: (await stat(found)).isDirectory() };
    },
    async write(path, text) {
      needWritable();
      if (Buffer.byteLength(text) > maxBytes) throw callFailed(`write ${path}: more than the ${maxBytes} bytes that a script may write`);
      const file = (await find(path)) ?? (await place(path));
      const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
      await during(`write ${path}`, async () => {
        const handle = await open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0o666);
        try {
          await handle.writeFile(text);
        } finally {
          await handle.close();
        }
      });
    },
    async makeDirectory(path) {
      needWritable();
      if ((await find(path)) !== undefined) return;
      const parts = relative(resolve(root ?? ''), resolve(root ?? '', path)).split('/');
      for (const [count] of parts.entries()) {
        const part = join(root ?? '', ...parts.slice(0, count + 1));
        if ((await find(part)) === undefined) await during(`make ${path}`, async () => mkdir(await place(part)));
      }
    },
  };
}

async function during<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && error.name === 'SekishoError') throw error;
    throw callFailed(`${doing}: ${reasonOf(error)}`, error);
  }
}

function outside(path: string): SekishoError {
  return callFailed(`${path} is outside of extension.file_root`);
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}
