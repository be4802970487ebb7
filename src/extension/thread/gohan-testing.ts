import { sprintf } from '../template/printf.ts';
import { TEST_HOOKS } from '../test-hooks.ts';
import { decorateContext } from './gohan-context.ts';
import { createMock, MOCKED } from './gohan-mocks.ts';
import type { RealmValues } from './gohan-realm.ts';
import { createTestTransactions } from './gohan-test-transactions.ts';
import type { GohanTransactions } from './gohan-transactions.ts';
import type { EventContext, GohanThread } from './types.ts';

/** How one test ended: nothing, or what failed. */
interface TestResult {
  readonly failure?: { readonly text: string; readonly stack: string };
}

/** What the functions of tests stand on. */
export interface TestBuiltinsOptions {
  readonly thread: GohanThread;
  readonly realm: RealmValues;
  readonly transactions: GohanTransactions;
  /** `gohan_handle_event`. */
  readonly handle: (event: unknown, context: EventContext) => unknown;
}

/** The functions of Gohan's tests (`Fail`, `GohanTrigger`, `MockTransaction`, …), mocks in place of what reaches out, and what runs the tests of a script. */
export function testBuiltins({ thread, realm, transactions, handle }: TestBuiltinsOptions): Record<string, unknown> {
  let first: { readonly error: unknown } | undefined;
  /** It counts even when a script catches what is thrown. */
  const fail = (text: string): never => {
    const error = realm.error(text);
    error.name = 'Fail';
    first ??= { error };
    throw error;
  };
  const mocks = MOCKED.map((name) => [name, createMock(name, thread, fail)] as const);
  const named = Object.fromEntries(mocks.map(([name, { mock }]) => [name, mock]));
  const known = new Set(Object.keys(thread.global));
  // Between the lines of a test and those of its handlers are ten of the gateway.
  (thread.global['Error'] as ErrorConstructor).stackTraceLimit = 50;

  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      first ??= { error };
    }
  };
  const call = (name: string): void => {
    const own = declared(thread, name);
    const result = own?.() as { readonly then?: unknown } | null | undefined;
    if (typeof result?.then === 'function') fail(`${name} is asynchronous, which a test of a script cannot be: write a *.test.ts`);
  };
  const run = (name: string): TestResult => {
    attempt(() => call('setUp'));
    if (first === undefined) {
      attempt(() => call(name));
      const unmet = mocks.map(([, mocked]) => mocked.unmet()).find((text) => text !== undefined);
      if (unmet !== undefined) attempt(() => fail(unmet));
      attempt(() => call('tearDown'));
    }
    attempt(() => thread.handle('exit', realm.copy({}) as EventContext, undefined));
    return first === undefined ? {} : { failure: describe(first.error) };
  };

  return {
    ...named,
    gohan_execute: named['gohan_exec'],
    ...createTestTransactions(thread, realm, transactions),
    Fail(...args: readonly unknown[]) {
      const [format, ...values] = args;
      if (args.length === 0) fail('Fail');
      if (typeof format !== 'string') fail("Invalid call to 'Fail': format string expected first");
      fail(sprintf(String(format), values));
    },
    GohanTrigger(event: unknown, context: EventContext) {
      handle(event, context);
    },
    MockPolicy: () => realm.copy({ ID: '', Action: '', Principal: '', Description: '' }),
    MockAuthorization() {
      const auth = { tenant_id: '', tenant_name: '', domain_id: '', domain_name: '', roles: [], is_admin: false, scope: 'tenant' };
      const context = { auth: realm.copy(auth) };
      decorateContext(context);
      return context.auth;
    },
    [TEST_HOOKS.run](context: EventContext) {
      context['response'] = realm.copy(run(String(context['test'])));
    },
    [TEST_HOOKS.describe](context: EventContext) {
      const { SCHEMAS, SCHEMA, SCHEMA_INCLUDES, PATH } = thread.global;
      const names = Object.keys(thread.global).filter((name) => !known.has(name) && name.startsWith('test'));
      context['response'] = realm.copy({
        schemas: SCHEMAS ?? (typeof SCHEMA === 'string' ? [SCHEMA] : SCHEMA),
        includes: SCHEMA_INCLUDES,
        path: PATH,
        tests: names.filter((name) => declared(thread, name) !== undefined),
      });
    },
  };
}

/** A function that the script declares under that name: not one that a variable holds. */
function declared(thread: GohanThread, name: string): (() => unknown) | undefined {
  const value = thread.global[name];
  const isDeclared = typeof value === 'function' && /^(?:async\s+)?function\s+([\w$]+)/.exec(String(value))?.[1] === name;
  return isDeclared ? (value as () => unknown) : undefined;
}

function describe(thrown: unknown): { readonly text: string; readonly stack: string } {
  if (thrown === null || typeof thrown !== 'object') return { text: String(thrown), stack: '' };
  const { name, message, stack } = thrown as { readonly name?: unknown; readonly message?: unknown; readonly stack?: unknown };
  const text = name === 'Fail' ? String(message) : message === undefined ? JSON.stringify(thrown) : `${String(name)}: ${textOf(message)}`;
  return { text, stack: typeof stack === 'string' ? stack : '' };
}

function textOf(message: unknown): string {
  return typeof message === 'string' ? message : JSON.stringify(message);
}
