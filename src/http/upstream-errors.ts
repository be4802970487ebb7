import { SekishoError } from '../lib/errors.ts';

interface SystemError {
  readonly message: string;
  readonly code?: string;
}

/** A failed connection attempt. The detail begins with what the system says, e.g. `connect ECONNREFUSED 127.0.0.1:1`. */
export function toConnectError(cause: unknown, origin: string): SekishoError {
  if (cause instanceof SekishoError) return cause;
  const { message, code } = describe(cause);
  const detail = code !== undefined && !message.includes(code) ? `${message} (${code}) at ${origin}` : message;
  return new SekishoError('UPSTREAM_CONNECT', detail, { cause });
}

/** The end of a connection before the answer was complete; `moment` says how far it had come. */
export function toResetError(cause: unknown, origin: string, moment: string): SekishoError {
  const why = cause === undefined ? '' : `: ${describe(cause).message}`;
  return new SekishoError('UPSTREAM_RESET', `${origin} closed the connection ${moment}${why}.`, cause === undefined ? {} : { cause });
}

/** With several addresses (happy eyeballs) the error has no message of its own; its first part has. */
function describe(cause: unknown): SystemError {
  const error = cause instanceof AggregateError && cause.errors.length > 0 ? (cause.errors[0] as unknown) : cause;
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? { message: error.message } : { message: error.message, code };
}
