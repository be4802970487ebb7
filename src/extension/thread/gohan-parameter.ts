import type { ExtensionFilter, TransactionHandle } from '../host-calls.ts';
import type { EventContext, GohanHandler } from './types.ts';

/** What each type of a built-in's parameter gives to the built-in. The names are those of Gohan's messages. */
export interface ParameterTypes {
  string: string;
  Object: Readonly<Record<string, unknown>>;
  Filter: ExtensionFilter;
  /** A transaction of the request or of the handler; null makes one for the call alone. */
  Transaction: TransactionHandle;
  bool: boolean;
  array: readonly unknown[];
  'array of strings': readonly string[];
  int64: number;
  /** What a handler got: an object. */
  context: EventContext;
  function: GohanHandler;
  any: unknown;
}

export interface Parameter {
  readonly name: string;
  readonly type: keyof ParameterTypes;
  /** What counts when the argument is left out. */
  readonly default?: unknown;
}

/** One built-in function of Gohan's JavaScript: how it is called, checked and documented. */
export interface BuiltinRow {
  readonly parameters: readonly Parameter[];
  /** Gohan wrote it in JavaScript: further arguments are no error. */
  readonly isLoose?: true;
  readonly gives: string;
  readonly doc: string;
  /** Where it is not as in Gohan. */
  readonly difference?: string;
}

/** The arguments of a built-in, in order. */
export type ArgumentsOf<Parameters extends readonly Parameter[]> = {
  -readonly [Place in keyof Parameters]: ParameterTypes[Parameters[Place]['type']];
};
