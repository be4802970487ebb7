import { SourceMap } from 'node:module';

/** Places in the author's own files. */
export interface Stacks {
  /** The error as text with a stack of `at name (module.ts:line:column)`, whatever was thrown. */
  describe(thrown: unknown): string;
  /** Does the same for errors of another realm, whose `Error` is given. */
  install(realm: { prepareStackTrace?: unknown }): void;
  /** `module.ts:line:column` of the innermost frame, or `""`. */
  place(thrown: unknown): string;
  /** The author's `module.ts:line:column` of a place in a script; undefined when authors do not see the script. */
  placeOf(script: string, line: number, column: number): string | undefined;
}

/** What a script was made from. */
export interface ScriptSource {
  /** Its source map as JSON text; undefined for one that runs as written. */
  readonly map: string | undefined;
  /** `file:line` of a line of a source of the map, or of the script as written, whose name comes as `""`. */
  toPlace(source: string, line: number): string;
}

/** Finds a script by its file name; undefined for what authors do not see. */
export type FindSource = (script: string) => ScriptSource | undefined;

/** Makes `error.stack` speak of the code as written. A map is read when the first stack asks for it. */
export function installStacks(find: FindSource): Stacks {
  const maps = new Map<string, SourceMap>();
  const placeOf: Stacks['placeOf'] = (script, line, column) => {
    const source = find(script);
    if (source === undefined) return undefined;
    if (source.map === undefined) return `${source.toPlace('', line)}:${column}`;
    const map = maps.get(script) ?? new SourceMap(JSON.parse(source.map) as ConstructorParameters<typeof SourceMap>[0]);
    maps.set(script, map);
    const entry = map.findEntry(line - 1, column - 1);
    if (!('originalSource' in entry)) return undefined;
    return `${source.toPlace(entry.originalSource, entry.originalLine + 1)}:${entry.originalColumn + 1}`;
  };
  const position = (site: NodeJS.CallSite): string | undefined => {
    const line = site.getLineNumber();
    const column = site.getColumnNumber();
    const file = site.getFileName();
    return !file || line === null || column === null ? undefined : placeOf(file, line, column);
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
    placeOf,
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
