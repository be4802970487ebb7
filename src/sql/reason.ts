import { SekishoError } from '../lib/errors.ts';

/** What the driver or the server itself said, without our words around it. */
export function toReason(error: unknown): string {
  const cause = error instanceof SekishoError && error.cause !== undefined ? error.cause : error;
  // A host with several addresses fails with an error of its own for each of them, and an empty text.
  const first: unknown = cause instanceof AggregateError && cause.message === '' ? cause.errors[0] : cause;
  return first instanceof Error ? first.message : String(first);
}
