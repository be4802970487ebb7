import { isError } from '../../runtime/thread/stack.ts';
import { FAILURE } from '../wire.ts';
import { failedCallOf, isFailedCall } from './gateway.ts';
import { ResponseError } from './response-error.ts';
import type { EventContext } from './types.ts';

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

/** The `BaseException.prototype` of each environment's realm, and that of `ResponseCode`. */
const bases = new WeakSet<object>();

/** Makes what inherits from the prototype an exception of Gohan's kind. */
export function addBaseException(prototype: object): void {
  bases.add(prototype);
}

/** The exception that `context.response_code`, Gohan's older way to answer, stands for. */
class ResponseCode extends Error {
  override readonly name = 'CustomException';
  override readonly stack = 'context.response_code';
  readonly code: unknown;

  constructor(message: unknown, code: unknown) {
    super();
    // As in exceptions of scripts it may be an object.
    Object.defineProperty(this, 'message', { value: message });
    this.code = code;
  }
}
addBaseException(ResponseCode.prototype);

/** Throws what a handler asked for by a status that it left in the context. */
export function throwResponseCode(context: EventContext): void {
  const { response_code: code, response } = context;
  if (code !== undefined && code !== null) throw new ResponseCode(response, code);
}

/** Whether what was thrown is an exception of Gohan's kind: an instance of a `BaseException`. After one the next handlers still run. */
export function isGohanException(thrown: unknown): thrown is GohanException {
  try {
    for (let at: unknown = thrown; at !== null && typeof at === 'object'; at = Object.getPrototypeOf(at)) if (bases.has(at)) return true;
  } catch {
    // A proxy that does not tell what it inherits from.
  }
  return false;
}

/** What Gohan makes of a throw. */
export function readGohanThrow(thrown: unknown): Thrown {
  if (!isGohanException(thrown)) return defect(thrown);
  const { name, message } = thrown;
  if (typeof name !== 'string' || name === '') return defect(thrown, `an exception has the name ${shown(name)}`);
  const found = statusOf(thrown, 0);
  if (typeof found === 'string') return defect(thrown, found);
  if (message === undefined || message === null) return defect(thrown, `${name} has no message`);
  return answer({ exception: name, status: found, content: message, thrown });
}

/** What a throw of a module-style handler means: ResponseError answers, errors of failed calls pass on, anything else is a defect. */
export function readModuleThrow(thrown: unknown): Thrown {
  if (thrown instanceof ResponseError)
    return answer({ exception: thrown.name, status: thrown.status, content: thrown.body ?? thrown.message, thrown });
  if (isFailedCall(thrown)) return { ...defect(thrown), kind: FAILURE.passed };
  if (isGohanException(thrown)) return readGohanThrow(thrown);
  return defect(thrown);
}

/** The status of an exception, or why it has none. What follows from the name is Gohan's; types of other names answer with their `code`, or with 400. */
function statusOf(exception: GohanException, depth: number): number | string {
  const { name, code, problem, inner_exception: inner } = exception;
  if (name === 'ResourceException')
    return PROBLEM_STATUS[problem as number] ?? `${name} has problem ${shown(problem)}; expected a number from 0 to 9`;
  if (name === 'ExtensionException') {
    if (isNamedException(inner) && depth < 5) return statusOf(inner, depth + 1);
    return `${name} has inner_exception ${shown(inner)}; expected an exception`;
  }
  const given = code ?? NAMED_STATUS[name] ?? (name === 'CustomException' ? undefined : DEFAULT_STATUS);
  // Gohan reads the code out of its text.
  const status = typeof given === 'string' && /^\d{3}$/.test(given) ? Number(given) : given;
  if (Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599) return Number(status);
  return `${name} has code ${shown(given)}; expected a status from 200 to 599`;
}

/** Inner exceptions may be their fields alone. */
function isNamedException(value: unknown): value is GohanException {
  const name = typeof value === 'object' && value !== null && 'name' in value ? value.name : undefined;
  return typeof name === 'string' && (name.includes('Exception') || isGohanException(value));
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
