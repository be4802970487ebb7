import type { Exchange, RawHeaders } from '../http/exchange.ts';
import { type ErrorCode, SekishoError, toProblem } from '../lib/errors.ts';
import type { AnswerHead } from './forward.ts';
import type { RequestRecord } from './request-record.ts';

const PROBLEM_FIELDS: RawHeaders = ['Content-Type', 'application/problem+json', 'X-Content-Type-Options', 'nosniff'];

/** Answers with the gateway's own problem document, and notes the error in the record. */
export function sendProblem(exchange: Exchange, record: RequestRecord, error: SekishoError, fields: RawHeaders = []): void {
  record.error = error;
  record.status = error.status;
  exchange.respond(
    { status: error.status, headers: fields.length === 0 ? PROBLEM_FIELDS : [...PROBLEM_FIELDS, ...fields] },
    JSON.stringify(toProblem(error)),
  );
}

/** A problem document as an answer's head and body. */
export function toProblemAnswer(error: SekishoError): { readonly head: AnswerHead; readonly body: Buffer } {
  const body = Buffer.from(JSON.stringify(toProblem(error)));
  return { head: { status: error.status, reason: '', headers: PROBLEM_FIELDS, contentLength: body.length, protocol: 'HTTP/1.1' }, body };
}

/** The same error object for every request that is refused for the same reason: a flood of them costs no stack traces. */
export function defineRefusal(code: ErrorCode, detail: string): (exchange: Exchange, record: RequestRecord, fields?: RawHeaders) => void {
  const error = new SekishoError(code, detail);
  const body = Buffer.from(JSON.stringify(toProblem(error)));
  return (exchange, record, fields) => {
    record.error = error;
    record.status = error.status;
    exchange.respond({ status: error.status, headers: fields === undefined ? PROBLEM_FIELDS : [...PROBLEM_FIELDS, ...fields] }, body);
  };
}
