import { SourceMap } from 'node:module';

/** File name of the compiled program; only frames of it are shown to authors. */
export const PROGRAM_FILE = 'sekisho-program.js';

/** Places in the author's own files. */
export interface Stacks {
  /** The error as text with a stack of `at name (module.ts:line:column)`, whatever was thrown. */
  describe(thrown: unknown): string;
  /** `module.ts:line:column` of the innermost frame, or `""`. */
  place(thrown: unknown): string;
}

/** Makes `error.stack` speak of the modules as written. The map is read when the first stack is asked for. */
export function installStacks(sourceMapText: string): Stacks {
  let map: SourceMap | undefined;
  const position = (site: NodeJS.CallSite): string | undefined => {
    const line = site.getLineNumber();
    const column = site.getColumnNumber();
    if (site.getFileName() !== PROGRAM_FILE || line === null || column === null) return undefined;
    map ??= new SourceMap(JSON.parse(sourceMapText) as ConstructorParameters<typeof SourceMap>[0]);
    const entry = map.findEntry(line - 1, column - 1);
    return 'originalSource' in entry ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}` : undefined;
  };
  Error.prepareStackTrace = (error, sites) => {
    const frames: string[] = [];
    for (const site of sites) {
      const place = position(site);
      if (place === undefined) continue;
      const name = site.getFunctionName();
      frames.push(name ? `    at ${name} (${place})` : `    at ${place}`);
    }
    return [headline(error), ...frames].join('\n');
  };
  const describe = (thrown: unknown): string => {
    try {
      if (thrown instanceof Error) return String(thrown.stack ?? headline(thrown)).slice(0, 8192);
      return `thrown: ${String(thrown)}`.slice(0, 8192);
    } catch {
      return 'thrown: a value that cannot be shown';
    }
  };
  return { describe, place: (thrown) => /\(?([^\s()]+:\d+:\d+)\)?$/m.exec(describe(thrown))?.[1] ?? '' };
}

function headline(error: unknown): string {
  const { name, message } = error as Error;
  return message ? `${String(name)}: ${String(message)}` : String(name);
}

/** What was thrown as an Error: itself when it is one, else an Error with its text and itself as `cause`. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  let text = 'a value that cannot be shown';
  try {
    text = String(thrown);
  } catch {
    // hostile toString
  }
  return new Error(text, { cause: thrown });
}
