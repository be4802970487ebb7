import { isGohanException } from './exceptions.ts';
import type { GohanExceptions } from './gohan-exceptions.ts';
import { isFinal, isHostCallError, type RealmValues, withCause } from './gohan-realm.ts';

/** What a script is thrown: an ExtensionException for what a nested handler answered, a ResourceException for what the gateway refuses. */
export function toRefusal(realm: RealmValues, exceptions: GohanExceptions, error: unknown): unknown {
  if (isGohanException(error) || !isHostCallError(error) || isFinal(error)) return error;
  const inner = innerException(error);
  if (inner !== undefined) return withCause(new exceptions.ExtensionException(error.message, realm.copy(inner)), error);
  if (error.problem !== undefined && error.code !== 'EXTENSION_SCHEMA')
    return withCause(new exceptions.ResourceException(error.message, error.problem), error);
  return realm.error(error.message, error);
}

/** What a handler of a nested event answered, as the fields of an exception. */
function innerException(
  error: Error & { readonly exception?: unknown; readonly status?: unknown; readonly body?: unknown },
): object | undefined {
  if (typeof error.exception !== 'string') return undefined;
  return { name: 'CustomException', message: error.body ?? error.message, code: error.status };
}
