import type { GohanThread, HostCallError } from './types.ts';

/** Makes values of an environment's realm, so that `instanceof` of its scripts holds. */
export interface RealmValues {
  /** An Error; the failed call that caused it gives it `code`, `status` and `problem`. */
  error(message: string, cause?: HostCallError): Error;
  /** A copy of JSON data. */
  copy(value: unknown): unknown;
}

export function createRealmValues(thread: GohanThread): RealmValues {
  const RealmError = thread.evaluate('Error', 'gohan-realm.js') as ErrorConstructor;
  const parse = thread.evaluate('JSON.parse', 'gohan-realm.js') as (text: string) => unknown;
  return {
    error(message, cause) {
      const error = new RealmError(message);
      if (cause === undefined) return error;
      const { code, status, problem } = cause;
      return withCause(Object.assign(error, { code, status, ...(problem !== undefined && { problem }) }), cause);
    },
    copy: (value) => (value === undefined ? undefined : parse(JSON.stringify(value))),
  };
}

/** Notes the failed call behind an error or exception, where the gateway finds it. Gives the error. */
export function withCause<T extends object>(error: T, cause: unknown): T {
  return Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}

/** Whether the gateway failed a call with a code: not an error of a script. */
export function isHostCallError(error: unknown): error is HostCallError {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' && 'message' in error;
}

/** The event is over: no built-in turns this error into one of its own. */
export function isFinal({ code }: HostCallError): boolean {
  return code === 'EXTENSION_TIMEOUT' || code === 'EXTENSION_ABORTED';
}
