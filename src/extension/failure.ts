import type { SekishoError } from '../lib/errors.ts';
import type { ExtensionFailureFields } from './types.ts';

/** A handler's wish to answer; see `ExtensionFailureFields`. Known to other parts by its name. */
export class ExtensionFailure extends Error implements ExtensionFailureFields {
  override readonly name = 'ExtensionFailure';
  readonly exception: string;
  readonly status: number;
  readonly body?: unknown;
  override readonly cause?: SekishoError;

  constructor({ exception, status, message, body, cause }: ExtensionFailureFields) {
    super(message);
    this.exception = exception;
    this.status = status;
    if (body !== undefined) this.body = body;
    if (cause !== undefined) this.cause = cause;
  }
}
