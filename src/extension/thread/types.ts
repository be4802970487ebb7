import type { HostCallName, HostCallTable, TransactionHandle } from '../host-calls.ts';

/** The one object that all handlers of a request get: keys of `ExtensionCall.run`, and whatever handlers put there. */
export type EventContext = Record<string, unknown>;

/** A handler that a script registered. What it returns counts for nothing. */
export type GohanHandler = (context: EventContext) => unknown;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A value of the environment's own realm, so that `instanceof` of its scripts holds. */
type RealmValue = unknown;

/**
 * What Gohan's built-ins of one environment stand on. `createGohanBuiltins(thread)` is called once per environment and thread, before its
 * scripts run; what it gives becomes global there. The environment's scripts have a realm (a `vm` context) of their own: `Error`, `Array`,
 * `Object` differ from those of the thread's code.
 */
export interface GohanThread {
  /** Name of the environment: the schema's id, `cron://name`, `sync://event`. */
  readonly environment: string;
  /** The event whose handlers run; empty while the environment loads. */
  readonly event: string;
  /** Id of the request whose event runs; empty while the environment loads. */
  readonly requestId: string;
  /** Absolute path of the script that registered the running handler, or that loads; undefined when the code stands in a schema file. */
  readonly file: string | undefined;
  /** The setting `extension.npm_path`: the folder of packages that `require` finds. */
  readonly npmPath: string | undefined;
  /** Environment variables that extensions may see. */
  readonly env: Readonly<Record<string, string>>;
  /** What `context.transaction` is in events inside the request's transaction; built-ins that get it use the handle `request`. */
  readonly transaction: object;
  /** Whether the functions of tests are built in, and calls to other services mocked. */
  readonly isTesting: boolean;
  /** The environment's global object. */
  readonly global: Record<string, unknown>;
  /** Runs a script in the environment's realm and gives its completion value: for exception types, underscore, shims. `name` stands in stacks. */
  evaluate(source: string, name: string): RealmValue;
  /** Compiles a function of the given parameters in the environment's realm: CommonJS packages. */
  compileFunction(source: string, name: string, parameters: readonly string[]): (...args: unknown[]) => unknown;
  /**
   * Asks the gateway and waits. While it waits, handlers of nested events run on this thread. Gives a value of the environment's realm.
   * Throws a HostCallError that is an Error of that realm. While the environment loads only `config.get`, `file.*`, `schema.*` answer.
   */
  call<Name extends HostCallName>(name: Name, ...args: Parameters<HostCallTable[Name]>): ReturnType<HostCallTable[Name]>;
  /** Number of those calls so far: as long as it stays, nothing else ran in between. */
  readonly callCount: number;
  /** Does `work`, whose calls may trigger events: their handlers see copies of the given context, with what the gateway sets. */
  withContext<T>(context: EventContext, work: () => T): T;
  /** Adds a handler behind those of the event. While the environment loads; later it throws. */
  register(event: string, handler: GohanHandler): void;
  /**
   * Runs this environment's handlers of an event on the given context, as the gateway would: its scripts on the context itself, modules on a copy, of which
   * the context gets what they change. Throws what they throw. `transaction`: the handle that `context.transaction` stands for.
   */
  handle(event: string, context: EventContext, transaction: TransactionHandle | undefined): void;
  /** The same in all environments. */
  trigger(event: string, context: EventContext, transaction: TransactionHandle | undefined): void;
  /** Scripts that load after this one (in the environment) pass through it. `path` is that of the file, or `""`. */
  onLoad(transform: (code: string, path: string) => string): void;
  /** Called each time the gateway has set keys of a context, before handlers see it: to give values (`auth`, `role`, `schema`) their methods. */
  onContext(decorate: (context: EventContext) => void): void;
  /** Writes a line of the log; does not wait. */
  log(level: LogLevel, module: string, text: string): void;
}

/** What `GohanThread.call` throws, and what promises of module-style calls reject with. */
export interface HostCallError extends Error {
  /** Of the error table, e.g. `RESOURCE_NOT_FOUND`. */
  readonly code: string;
  readonly status: number;
  /** Gohan's number of a ResourceException's problem, 0–9, for `model.*`. */
  readonly problem?: number;
}
