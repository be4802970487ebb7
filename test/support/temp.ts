import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder of its own for one test. */
export interface TempFolder extends Disposable {
  readonly path: string;
  /** Writes a file, with its folders, and gives its absolute path. */
  write(name: string, content: string | Uint8Array): string;
  /** Removes the folder and everything in it. */
  remove(): void;
}

/** Makes an empty folder under the system's temp folder; `using` or `remove()` ends it. */
export function createTempFolder(prefix = 'sekisho-'): TempFolder {
  const path = mkdtempSync(join(tmpdir(), prefix));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  return {
    path,
    remove,
    write(name, content) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
    [Symbol.dispose]: remove,
  };
}
