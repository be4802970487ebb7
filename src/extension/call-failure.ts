import { SekishoError } from '../lib/errors.ts';
import type { CallFailure } from '../runtime/sync-call.ts';
import { ExtensionFailure } from './failure.ts';

/** What a handler sees of a failed call: code, message, `status`, and of model calls `problem`. */
export function toCallFailure(error: unknown): CallFailure {
  if (error instanceof ExtensionFailure) {
    const { exception, status, message, body } = error;
    return ['EXTENSION_FAILED', message, { status, exception, ...(body !== undefined && { body }) }];
  }
  const { problem } = (error ?? {}) as { readonly problem?: unknown };
  const more = typeof problem === 'number' ? { problem } : {};
  if (error instanceof SekishoError) return [error.code, textOf(error), { status: error.status, ...more }];
  return ['INTERNAL', error instanceof Error ? error.message : 'the call failed', { status: 500, ...more }];
}

/** What the database says of a statement is for whoever wrote it, never for a client. */
function textOf({ code, message, cause }: SekishoError): string {
  return code === 'DATABASE_FAILED' && cause instanceof Error ? `${message} It says: ${cause.message}` : message;
}
