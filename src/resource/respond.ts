import type { Exchange } from '../http/exchange.ts';
import { IdentityError } from '../identity/identity-error.ts';
import { SekishoError, toProblem } from '../lib/errors.ts';
import type { Answer, RequestNote } from './types.ts';

/** Sends an answer with the given further fields, unless the client is gone. */
export function sendAnswer(exchange: Exchange, note: RequestNote, answer: Answer, fields: readonly string[]): void {
  const { status, headers, body, contentType = 'application/json' } = answer;
  note.status = status;
  if (exchange.aborted || exchange.headSent) return;
  if (answer.rawBody !== undefined) return exchange.respond({ status, headers: withOthers(headers, [...fields, ...SAFE]) }, answer.rawBody);
  if (body === undefined) return exchange.respond({ status, headers: [...headers, ...fields, ...PRIVATE] });
  exchange.respond({ status, headers: ['Content-Type', contentType, ...headers, ...fields, ...SAFE] }, body);
}

/** Answers, refusals too, are for their caller alone: whatever says who that is makes another answer. */
const PRIVATE = ['Cache-Control', 'private, no-cache', 'Vary', 'X-Auth-Token, Authorization, X-API-Key, Cookie'] as const;
/** No browser takes them for something else. */
const SAFE = [...PRIVATE, 'X-Content-Type-Options', 'nosniff'] as const;

/** Fields of a handler, with those others that it did not set. */
function withOthers(own: readonly string[], others: readonly string[]): readonly string[] {
  const names = new Set(own.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()));
  const isFree = (at: number): boolean => !names.has((others[at - (at % 2)] as string).toLowerCase());
  return [...own, ...others.filter((_, at) => isFree(at))];
}

/** Sends an error as problem+json (RFC 9457), unless the client is gone. */
export function sendProblem(exchange: Exchange, note: RequestNote, error: SekishoError, fields: readonly string[]): void {
  note.status = error.status;
  // What a client did wrong is told to the client; the log needs no stack of it.
  note.error =
    error.status < 500 && error.cause !== undefined ? new SekishoError(error.code, error.message, { errors: error.errors }) : error;
  if (exchange.aborted || exchange.headSent) return;
  const headers = ['Content-Type', 'application/problem+json', ...fields, ...SAFE];
  if (error.status === 401) headers.push('WWW-Authenticate', error instanceof IdentityError ? error.challenge : 'Bearer realm="sekisho"');
  if (error.status === 503) headers.push('Retry-After', '1');
  exchange.respond(
    { status: error.status, headers },
    JSON.stringify({ ...toProblem(error), ...(error instanceof IdentityError && { reason: error.reason }) }),
  );
}
