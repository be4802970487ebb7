import { SekishoError } from '../../lib/errors.ts';

/** EXTENSION_NOT_ENABLED: `what` needs the setting. */
export function notEnabled(what: string, setting: string): SekishoError {
  return new SekishoError('EXTENSION_NOT_ENABLED', `${what} is not enabled: set ${setting} to allow it.`);
}

/** Why a call ends when nobody waits for it any more: the reason of the signal, if it is a known error. */
export function abortError(signal: AbortSignal): SekishoError {
  const { reason } = signal as { readonly reason: unknown };
  return reason instanceof SekishoError ? reason : new SekishoError('EXTENSION_ABORTED', 'Nobody waits for the handler any more.');
}

/** EXTENSION_CALL_FAILED with the reason as its detail. */
export function callFailed(detail: string, cause?: unknown): SekishoError {
  return new SekishoError('EXTENSION_CALL_FAILED', detail, cause === undefined ? {} : { cause });
}

/** The reason of a failure of Node's: for files without the system's abbreviations around it. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
