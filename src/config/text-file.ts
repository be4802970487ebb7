import { readFileSync } from 'node:fs';

/** The text of a file without the line break at its end: how keys and secrets are kept in files. */
export function readTextFile(path: string): string {
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
}
