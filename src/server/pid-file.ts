import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { SekishoError } from '../lib/errors.ts';
import type { Closable } from './closing.ts';

/** Writes the id of this process into the file; `close` removes it, unless another process has written its own meanwhile. CONFIG_INVALID when it can't be written. */
export function createPidFile(path: string): Closable {
  const text = `${process.pid}\n`;
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, text);
    // A reader sees the old id or the new one, never a part of it.
    renameSync(draft, path);
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `pid_file: ${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
  return {
    close() {
      try {
        if (readFileSync(path, 'utf8') === text) rmSync(path);
      } catch {
        // Somebody has removed it.
      }
    },
  };
}
