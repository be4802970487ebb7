import type { ExtensionCode } from './types.ts';

/** How an extension's author calls the parts of its code. */
export interface AuthorNames {
  /** Of the whole, or of what stands in the file behind `linesAhead` lines of the schema file. */
  readonly file: string;
  readonly ahead: string;
  readonly linesAhead: number;
}

export function authorNames({ id, style, file, linesAhead = 0 }: Pick<ExtensionCode, 'id' | 'style' | 'file' | 'linesAhead'>): AuthorNames {
  const ahead = `${id}.${style === 'module' ? 'ts' : 'js'}`;
  return { file: file ?? ahead, ahead, linesAhead };
}

/** `file:line` of a line, from 1 on, of the code of a source: that of the extension, or of a file that it imports. */
export function toAuthorPlace({ file, ahead, linesAhead }: AuthorNames, source: string, line: number): string {
  if (source !== file || linesAhead === 0) return `${source}:${line}`;
  return line <= linesAhead ? `${ahead}:${line}` : `${file}:${line - linesAhead}`;
}
