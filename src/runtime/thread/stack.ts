import { SourceMap } from 'node:module';

/** Places in the author's own files. */
export interface Stacks {
  /** The error as text with a stack of `at name (module.ts:line:column)`, whatever was thrown. */
  describe(thrown: unknown): string;
  /** Does the same for errors of another realm, whose `Error` is given. */
  install(realm: { prepareStackTrace?: unknown }): void;
  /** `module.ts:line:column` of the innermost frame, or `""`. */
  place(thrown: unknown): string;
}

/** Finds the source map of a script by its file name: its text, null for one that runs as written, undefined for what authors do not see. */
export type FindMap = (file: string) => string | null | undefined;

/** Makes `error.stack` speak of the code as written. A map is read when the first stack asks for it. */
export function installStacks(findMap: FindMap): Stacks {
  const maps = new Map<string, SourceMap>();
  const position = (site: NodeJS.CallSite): string | undefined => {
    const line = site.getLineNumber();
    const column = site.getColumnNumber();
    const file = site.getFileName();
    const text = file ? findMap(file) : undefined;
    if (!file || text === undefined || line === null || column === null) return undefined;
    if (text === null) return `${file}:${line}:${column}`;
    const map = maps.get(file) ?? new SourceMap(JSON.parse(text) as ConstructorParameters<typeof SourceMap>[0]);
    maps.set(file, map);
    const entry = map.findEntry(line - 1, column - 1);
    return 'originalSource' in entry ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}` : undefined;
  };
  const prepare = (error: Error, sites: NodeJS.CallSite[]): string => {
    const frames: string[] = [];
    for (const site of sites) {
      const place = position(site);
      if (place === undefined) continue;
      const name = site.getFunctionName();
      frames.push(name ? `    at ${name} (${place})` : `    at ${place}`);
    }
    return [headline(error), ...frames].join('\n');
  };
  Error.prepareStackTrace = prepare;
  const describe = (thrown: unknown): string => {
    try {
      if (isError(thrown)) return String(thrown.stack ?? headline(thrown)).slice(0, 8192);
      return `thrown: ${String(thrown)}`.slice(0, 8192);
    } catch {
      return 'thrown: a value that cannot be shown';
    }
  };
  return {
    describe,
    install: (realm) => {
      realm.prepareStackTrace = prepare;
    },
    place: (thrown) => /\(?([^\s()]+:\d+:\d+)\)?$/m.exec(describe(thrown))?.[1] ?? '',
  };
}

/** An Error of any realm. */
export const { isError } = Error as unknown as { isError(value: unknown): value is Error };

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
