import { randomBytes } from 'node:crypto';
import { ERRORS, type ErrorRow } from './error-table.ts';

/** A stable error code, `AREA_WHAT`, from the one table of errors. */
export type ErrorCode = keyof typeof ERRORS;

/** One invalid part of an input: where it is (a JSON pointer, or `file:line:column`) and what is wrong with it. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

export interface ErrorOptions {
  /** The parts of the input that are wrong, when there are several or when they have a place. */
  readonly errors?: readonly FieldError[];
  /** What made this happen. Logged under `id`, never sent. */
  readonly cause?: unknown;
}

/**
 * An expected failure. `code` decides the HTTP status and the title (see `ERRORS`); `message` is the detail that a user reads.
 * Codes with a 5xx status get an `id`, which the answer shows and the log carries with the cause.
 */
export class SekishoError extends Error {
  override readonly name = 'SekishoError';
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[];
  readonly id: string | undefined;

  constructor(code: ErrorCode, detail: string, options: ErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errors = options.errors ?? [];
    this.id = ERRORS[code].status >= 500 ? randomBytes(6).toString('hex') : undefined;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** The body of an `application/problem+json` answer (RFC 9457); `error` repeats the detail for clients of DGate and Gohan. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly error: string;
  readonly errors?: readonly FieldError[];
  readonly id?: string;
}

export const PROBLEM_TYPE_BASE = 'https://sekisho.dev/errors#';

/** What a client is told about `error`. Anything that is not a `SekishoError` becomes `INTERNAL` without its text; details of upstream failures stay in the log. */
export function toProblem(error: unknown): Problem {
  const known = toSekishoError(error);
  const { status, title, help, isInternal }: ErrorRow = ERRORS[known.code];
  const detail = isInternal ? help : known.message;
  return {
    type: PROBLEM_TYPE_BASE + known.code,
    title,
    status,
    detail,
    code: known.code,
    error: detail,
    ...(known.errors.length > 0 && { errors: known.errors }),
    ...(known.id !== undefined && { id: known.id }),
  };
}

/** `error` itself when it is expected, else an `INTERNAL` that has it as its cause. */
export function toSekishoError(error: unknown): SekishoError {
  if (error instanceof SekishoError) return error;
  return new SekishoError('INTERNAL', 'Something went wrong inside the gateway; the log has the details under this id.', { cause: error });
}

/** The text of the first of `errors`, and how many more there are: a detail that teaches clients that read no `errors`, and repeats little for those that do. */
export function tellFirst(errors: readonly FieldError[]): string {
  return `${errors[0]?.detail ?? ''}${errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''}`;
}
