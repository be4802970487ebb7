import { goText } from './gohan-arguments.ts';
import type { GohanThread } from './types.ts';

/** The built-ins that reach out of the gateway: in a test each call of them is expected, or it fails the test. */
export const MOCKED = [
  'gohan_http',
  'gohan_raw_http',
  'gohan_db_transaction',
  'gohan_exec',
  'gohan_config',
  'gohan_sync_fetch',
  'gohan_sync_delete',
  'gohan_sync_watch',
] as const;

/** A built-in of tests: `mock.Expect(…).Return(value)` or `.Throw('NotFoundException')`, first in, first out. */
export interface Mock {
  (...args: readonly unknown[]): unknown;
  Expect(...args: readonly unknown[]): Mock;
  Return(...args: readonly unknown[]): null;
  Throw(...args: readonly unknown[]): null;
}

export interface MockedFunction {
  readonly mock: Mock;
  /** What is wrong at the end of a test: calls that were expected and not made; undefined when all is well. */
  unmet(): string | undefined;
}

interface Response {
  readonly value: unknown;
  readonly isThrown: boolean;
}

/** `fail` ends the test with a text; the texts are Gohan's. */
export function createMock(name: string, thread: GohanThread, fail: (text: string) => never): MockedFunction {
  const requests: (readonly unknown[])[] = [];
  const responses: Response[] = [];
  const unspecified = (): string | undefined => {
    if (requests.length > responses.length) return `Return() should be specified for each call to ${name}`;
    if (requests.length < responses.length) return `Expect() should be specified for each call to ${name}`;
    return undefined;
  };
  const throwNamed = (exception: string): never => {
    const Exception = thread.global[exception];
    if (typeof Exception !== 'function') fail(`Throw() of ${name}: there is no exception '${exception}'`);
    throw new (Exception as new () => unknown)();
  };
  const respond =
    (word: string, isThrown: boolean) =>
    (...args: readonly unknown[]): null => {
      if (args.length !== 1) fail(`${word}() should be called with exactly one argument`);
      responses.push({ value: args[0], isThrown });
      return null;
    };
  const call = (...args: readonly unknown[]): unknown => {
    const problem = unspecified();
    if (problem !== undefined) fail(problem);
    const [expected] = requests;
    const [response] = responses;
    if (expected === undefined || response === undefined) return fail(`Unexpected call to ${name}(${listText(args)})`);
    if (!isSame(expected, args)) fail(`Wrong arguments for call ${name}(${listText(args)}), expected ${listText(expected)}`);
    requests.shift();
    responses.shift();
    return response.isThrown ? throwNamed(String(response.value)) : response.value;
  };
  const mock: Mock = Object.assign(call, {
    Expect(...args: readonly unknown[]) {
      requests.push(args);
      return mock;
    },
    Return: respond('Return', false),
    Throw: respond('Throw', true),
  });
  return {
    mock,
    unmet() {
      const problem = unspecified();
      const [expected] = requests;
      if (problem !== undefined || expected === undefined) return problem;
      return `Expected call to ${name}(${listText(expected)}) with return value ${String(responses[0]?.value)}, but not made`;
    },
  };
}

function listText(values: readonly unknown[]): string {
  return `[${values.map(goText).join(', ')}]`;
}

/** Equal as data: lists and objects may come from different realms; null and undefined are one in Gohan. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (a === null || a === undefined) return b === null || b === undefined;
  if (typeof a !== 'object' || typeof b !== 'object' || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && isSame(value, right.get(key)));
}
