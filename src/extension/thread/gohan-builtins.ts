import { createArgumentCheck } from './gohan-arguments.ts';
import { basicBuiltins } from './gohan-basics.ts';
import { callBuiltins } from './gohan-calls.ts';
import { decorateContext } from './gohan-context.ts';
import { cryptoModule } from './gohan-crypto.ts';
import { databaseBuiltins } from './gohan-database.ts';
import { eventBuiltins } from './gohan-events.ts';
import { createExceptions } from './gohan-exceptions.ts';
import { fileBuiltins, fsModule } from './gohan-files.ts';
import { LOG_LEVELS, logBuiltins } from './gohan-log.ts';
import { modelBuiltins } from './gohan-model.ts';
import type { ArgumentsOf, BuiltinRow } from './gohan-parameter.ts';
import { createRealmValues } from './gohan-realm.ts';
import { createScriptRequire } from './gohan-require.ts';
import { syncBuiltins } from './gohan-sync.ts';
import { BUILTINS, type BuiltinName } from './gohan-table.ts';
import { testBuiltins } from './gohan-testing.ts';
import { createTransactions } from './gohan-transactions.ts';
import { loadUnderscore } from './gohan-underscore.ts';
import type { EventContext, GohanThread } from './types.ts';

/** A function for each row of a table, with the arguments that the row tells. */
export type Implementations<Rows extends Readonly<Record<string, BuiltinRow>>> = {
  readonly [Name in keyof Rows]: (...args: ArgumentsOf<Rows[Name]['parameters']>) => unknown;
};

/** Gohan's globals for the scripts of one environment: its functions, exceptions, constants, and `_`. See `CreateGohanBuiltins`. */
export function createGohanBuiltins(thread: GohanThread): Record<string, unknown> {
  const realm = createRealmValues(thread);
  const exceptions = createExceptions(thread);
  const transactions = createTransactions(thread);
  const check = createArgumentCheck(realm, transactions.handleOf);
  let underscore: unknown;
  const readUnderscore = (): unknown => (underscore ??= loadUnderscore(thread));
  const require = createScriptRequire(thread, realm, {
    fs: () => fsModule(thread, realm),
    crypto: () => cryptoModule(realm),
    vm: () => ({
      createScript: () => undefined,
      runInThisContext: (source: unknown, name: unknown) => thread.evaluate(String(source), typeof name === 'string' ? name : 'vm.js'),
    }),
    os: () => realm.copy({}),
    assert: () => realm.copy({}),
    glob: () => realm.copy({}),
    underscore: readUnderscore,
  });
  const implementations: Implementations<typeof BUILTINS> = {
    ...eventBuiltins(thread, realm, exceptions, transactions.handleOf),
    ...logBuiltins(thread, realm),
    ...databaseBuiltins(thread, realm, transactions),
    ...modelBuiltins(thread, realm, exceptions, transactions.handleOf),
    ...callBuiltins(thread, realm),
    ...syncBuiltins(thread, realm),
    ...fileBuiltins(thread, realm),
    ...basicBuiltins(thread, realm, require),
  };
  thread.onContext(decorateContext);
  defineUnderscore(thread, readUnderscore);
  const checked = Object.keys(BUILTINS).map((name) => {
    const run = implementations[name as BuiltinName] as (...args: unknown[]) => unknown;
    const row: BuiltinRow = BUILTINS[name as BuiltinName];
    return [name, (...args: unknown[]) => run(...check(name, row, args))] as const;
  });
  const handle = (event: unknown, context: EventContext): unknown => implementations.gohan_handle_event(event, context);
  const testing = thread.isTesting ? testBuiltins({ thread, realm, transactions, handle }) : {};
  return { ...Object.fromEntries(checked), ...exceptions, LOG_LEVEL: realm.copy(LOG_LEVELS), ...testing };
}

/** The global `_`, made when it is first read: most scripts need none. What a handler sets it to is forgotten with its request. */
function defineUnderscore(thread: GohanThread, make: () => unknown): void {
  let own: { readonly value: unknown; readonly requestId: string } | undefined;
  Object.defineProperty(thread.global, '_', {
    get: () => (own !== undefined && (own.requestId === '' || own.requestId === thread.requestId) ? own.value : make()),
    set: (value: unknown) => {
      own = { value, requestId: thread.requestId };
    },
    enumerable: true,
    configurable: true,
  });
}
