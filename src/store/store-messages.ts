import { type ErrorCode, type FieldError, SekishoError, toSekishoError } from '../lib/errors.ts';
import type { EntityId, Store, StoreUpdate } from './types.ts';

/** Calls that travel to the store's thread; functions can't, so that masks are told as ids. */
export interface StoreCalls {
  load: Store['load'];
  put(
    changes: Parameters<Store['put']>[0],
    options: { readonly author: string; readonly expect: number | undefined; readonly masks: readonly EntityId[] },
  ): Promise<StoreUpdate>;
  history: Store['history'];
  watch(watcher: number, from: number): Promise<void>;
  unwatch(watcher: number): Promise<void>;
  close(): Promise<void>;
  putDocument: Store['documents']['put'];
  delete: Store['documents']['delete'];
  deleteAll: Store['documents']['deleteAll'];
}
export type StoreCallName = keyof StoreCalls;

export interface StoreRequest {
  readonly id: number;
  readonly call: StoreCallName;
  readonly args: readonly unknown[];
}

export type StoreReply =
  | { readonly type: 'opened'; readonly revision: number }
  | { readonly type: 'refused'; readonly error: PlainError }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly error: PlainError }
  | { readonly type: 'update'; readonly watcher: number; readonly update: StoreUpdate };

/** A `SekishoError` as it travels between threads. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly errors: readonly FieldError[];
  readonly stack: string;
}

export function toPlainError(error: unknown): PlainError {
  const known = toSekishoError(error);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return { code: known.code, message: known.message, errors: known.errors, stack };
}

export function fromPlainError({ code, message, errors, stack }: PlainError): SekishoError {
  return new SekishoError(code, message, { errors, cause: stack });
}
