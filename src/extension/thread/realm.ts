import vm from 'node:vm';
import type { CallFailure } from '../../runtime/sync-call.ts';
import { type Realm as Constructors, refuseHugeArrays } from '../../runtime/thread/huge-arrays.ts';
import type { Stacks } from '../../runtime/thread/stack.ts';
import { createGlobalsMemory, type GlobalsMemory } from './globals-memory.ts';

/** The global scope of one environment of Gohan's kind. */
export interface Realm {
  readonly global: Record<string, unknown>;
  evaluate(source: string, name: string): unknown;
  compileFunction(source: string, name: string, parameters: readonly string[]): (...args: unknown[]) => unknown;
  /** JSON of which lists and objects are the realm's. */
  parse(text: string): unknown;
  /** An Error of the realm. */
  toError(failure: CallFailure): Error;
  readonly memory: GlobalsMemory;
}

/** Globals of a fresh realm that allocate memory which no limit sees, or block the thread. */
const REMOVED = ['WebAssembly', 'SharedArrayBuffer', 'Atomics'] as const;

/** Node puts the place of a syntax error, with its line and a mark below, before the text of its stack; behind the end of the code the mark is empty. */
const ARROW = /^.*:(\d+)\n.*\n( *)\^*\n\n?/;

/** Syntax errors get a stack like other errors: headline, then their place. */
function compile(source: string, name: string, stacks: Stacks): vm.Script {
  try {
    return new vm.Script(source, { filename: name });
  } catch (error) {
    const { stack = '', message } = error as Error;
    const [, line, indent] = ARROW.exec(stack) ?? [];
    const column = (indent ?? '').length + 1;
    if (line !== undefined)
      (error as Error).stack =
        `SyntaxError: ${message}\n    at ${stacks.placeOf(name, Number(line), column) ?? `${name}:${line}:${column}`}`;
    throw error;
  }
}

/** A realm of its own; its errors have stacks that speak of the scripts as written. */
export function createRealm(options: { readonly heapLimitBytes: number; readonly console: object; readonly stacks: Stacks }): Realm {
  // An ordinary global object: one that Node intercepts costs a call for each access.
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY);
  const global: Record<string, unknown> = context;
  for (const name of REMOVED) Reflect.deleteProperty(global, name);
  Object.defineProperty(global, 'console', { value: options.console, writable: true, configurable: true, enumerable: false });
  const { JSON: json, Error: RealmError } = global as unknown as typeof globalThis;
  const parse = json.parse.bind(json);
  refuseHugeArrays(options.heapLimitBytes, global as unknown as Constructors);
  options.stacks.install(RealmError);
  return {
    global,
    evaluate: (source, name) => compile(source, name, options.stacks).runInContext(context, { displayErrors: false }) as unknown,
    compileFunction: (source, name, parameters) =>
      vm.compileFunction(source, [...parameters], { filename: name, parsingContext: context }) as (...args: unknown[]) => unknown,
    parse,
    toError: ([code, message, fields]) => Object.assign(new RealmError(message), { code, ...fields }),
    memory: createGlobalsMemory(global),
  };
}
