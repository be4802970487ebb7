import { isError } from '../../runtime/thread/stack.ts';
import { FAILURE } from '../wire.ts';
import { failedCallOf, isFailedCall } from './gateway.ts';
import { ResponseError } from './response-error.ts';

/** What a throw of a handler means to the request. */
export interface Thrown {
  readonly kind: (typeof FAILURE)[keyof typeof FAILURE];
  readonly exception: string;
  readonly status: number;
  readonly message: string;
  /** JSON text of the whole answer, for a status 200–299. */
  readonly body: string | undefined;
  /** Number of the failed call that it comes from, or 0. */
  readonly call: number;
}

/** Statuses of the problems of a ResourceException, by number. */
const PROBLEM_STATUS = [500, 400, 400, 404, 409, 409, 409, 401, 403, 400] as const;
const DEFAULT_STATUS = 400;
const NAMED_STATUS: Readonly<Record<string, number>> = { NotFoundException: 404, TimeOutException: 503 };

interface GohanException {
  readonly name: string;
  readonly message: unknown;
  readonly code?: unknown;
  readonly problem?: unknown;
  readonly inner_exception?: unknown;
}

/** Whether what was thrown is an exception of Gohan's kind: its name says so. After one the next handlers still run. */
export function isGohanException(thrown: unknown): thrown is GohanException {
  try {
    const name = (thrown as { readonly name?: unknown } | null | undefined)?.name;
    return typeof name === 'string' && name.includes('Exception');
  } catch {
    return false;
  }
}

/** The exception that `context.response_code`, Gohan's older way to answer, stands for. */
export function fromResponseCode(response: unknown, code: unknown): GohanException {
  return { name: 'CustomException', message: response, code };
}

/** What Gohan makes of a throw. */
export function readGohanThrow(thrown: unknown): Thrown {
  if (!isGohanException(thrown)) return defect(thrown);
  const status = statusOf(thrown, 0);
  const { name, message } = thrown;
  if (status === undefined) return defect(thrown, `${name} has code ${shown(thrown.code)}, which is no HTTP status`);
  if (message === undefined) return defect(thrown, `${name} has no message`);
  return answer({ exception: name, status, content: message, thrown });
}

/** What a throw of a module-style handler means: ResponseError answers, errors of failed calls pass on, anything else is a defect. */
export function readModuleThrow(thrown: unknown): Thrown {
  if (thrown instanceof ResponseError)
    return answer({ exception: thrown.name, status: thrown.status, content: thrown.body ?? thrown.message, thrown });
  if (isFailedCall(thrown)) return { ...defect(thrown), kind: FAILURE.passed };
  if (isGohanException(thrown)) return readGohanThrow(thrown);
  return defect(thrown);
}

function statusOf(exception: GohanException, depth: number): number | undefined {
  const { name, code, problem, inner_exception: inner } = exception;
  if (name === 'ResourceException' && problem !== undefined) return PROBLEM_STATUS[Number(problem)];
  if (isGohanException(inner) && depth < 5) return statusOf(inner, depth + 1);
  const given = code ?? NAMED_STATUS[name] ?? DEFAULT_STATUS;
  // Gohan reads the code out of its text.
  const status = typeof given === 'string' && /^\d{3}$/.test(given) ? Number(given) : given;
  return Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599 ? Number(status) : undefined;
}

interface AnswerParts {
  readonly exception: string;
  readonly status: number;
  readonly content: unknown;
  readonly thrown: unknown;
}

function answer({ exception, status, content, thrown }: AnswerParts): Thrown {
  const isText = typeof content === 'string';
  if (status < 300 && (isText || content === null || typeof content !== 'object'))
    return defect(
      thrown,
      `${exception} with status ${status} needs an object as its message, which becomes the answer; found ${shown(content)}`,
    );
  const text = isText ? undefined : JSON.stringify(content);
  return {
    kind: FAILURE.answer,
    exception,
    status,
    message: isText ? content : (text ?? ''),
    body: text,
    call: failedCallOf(thrown),
  };
}

function defect(thrown: unknown, why?: string): Thrown {
  let exception = 'Error';
  let message = why ?? '';
  try {
    if (isError(thrown)) exception = String(thrown.name);
    message ||= isError(thrown) ? String(thrown.message) : String(thrown);
  } catch {
    message ||= 'a value that cannot be shown';
  }
  return { kind: FAILURE.defect, exception, status: 500, message, body: undefined, call: failedCallOf(thrown) };
}

function shown(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 100);
  } catch {
    return typeof value;
  }
}
