import { randomBytes } from 'node:crypto';
import type { ExtensionFailureFields } from '../extension/types.ts';
import { PROBLEM_TYPE_BASE, SekishoError } from '../lib/errors.ts';
import { isObject } from './body.ts';
import type { Answer } from './types.ts';

/** An exception by which a handler answers. */
export type ExtensionFailure = Error & ExtensionFailureFields;

export function isExtensionFailure(error: unknown): error is ExtensionFailure {
  return error instanceof Error && 'exception' in error && 'status' in error && typeof error.status === 'number';
}

/**
 * The answer that an exception asks for: with a status of 200–299 its body as it is, otherwise a problem with its message. Undefined when it is none that
 * can be sent (a 500 tells nothing, as in Gohan; a success without an object, a status that is none): then it is an error of the extension.
 */
export function toFailureAnswer({ exception, status, message, body }: ExtensionFailure): Answer | undefined {
  if (!Number.isInteger(status) || status < 200 || status > 599 || status === 500) return undefined;
  if (status < 300) return isObject(body) ? { status, headers: [], body: JSON.stringify(body) } : undefined;
  // Clients tell errors by their text: there is one always.
  const detail = message === '' ? exception : message;
  const problem = {
    type: `${PROBLEM_TYPE_BASE}EXTENSION_ANSWER`,
    title: exception,
    status,
    detail,
    code: 'EXTENSION_ANSWER',
    error: detail,
    ...(isObject(body) && { body }),
    ...(status > 500 && { id: randomBytes(6).toString('hex') }),
  };
  const headers = status === 401 ? ['WWW-Authenticate', 'Bearer realm="sekisho"'] : status === 503 ? ['Retry-After', '1'] : [];
  return { status, headers, contentType: 'application/problem+json', body: JSON.stringify(problem) };
}

/** The error of an extension whose exception is no answer. */
export function toFailureError(failure: ExtensionFailure): SekishoError {
  return new SekishoError('EXTENSION_FAILED', 'An extension failed; the log has the details under this id.', {
    cause: failure.cause ?? failure,
  });
}
