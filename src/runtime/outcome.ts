import { type ErrorCode, SekishoError } from '../lib/errors.ts';
import { HOOKS, type ModuleResponse, type PhaseFailure, type RawHeaders } from './types.ts';
import { OUTCOME, splitFields } from './wire.ts';

/** The outcome of any phase: the union of what the three kinds of `types.ts` have. */
export interface Outcome {
  upstreamUrl?: string;
  status?: number;
  headers?: RawHeaders;
  body?: Buffer;
  responseHeaders?: RawHeaders;
  response?: ModuleResponse;
  failure?: PhaseFailure;
}

/** Shared by all phases that change nothing. */
export const NOTHING: Outcome = Object.freeze({});

/** Takes the next field of a batch. */
export type Next = () => unknown;

/** Reads an outcome from a batch, fields in the order of the flags. */
export function readOutcome(flags: number, next: Next): Outcome {
  if (flags === 0) return NOTHING;
  const outcome: Outcome = {};
  if (flags & OUTCOME.upstreamUrl) outcome.upstreamUrl = String(next());
  if (flags & OUTCOME.status) outcome.status = Number(next());
  if (flags & OUTCOME.headers) outcome.headers = fields(next());
  if (flags & OUTCOME.body) outcome.body = toBuffer(next());
  if (flags & OUTCOME.responseHeaders) outcome.responseHeaders = fields(next());
  if (flags & OUTCOME.response) outcome.response = { status: Number(next()), headers: fields(next()), body: toBuffer(next()) };
  if (flags & OUTCOME.failure) outcome.failure = readFailure(next);
  return outcome;
}

function fields(joined: unknown): string[] {
  return splitFields(String(joined));
}

function toBuffer(body: unknown): Buffer {
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(String(body), 'utf8');
}

function readFailure(next: Next): PhaseFailure {
  const hook = HOOKS[Number(next())] ?? 'requestHandler';
  const code = String(next()) as ErrorCode;
  const message = String(next());
  return { hook, error: new SekishoError(code, message, { cause: new ModuleError(String(next())) }) };
}

/** What module code threw, as text with its own places. */
class ModuleError extends Error {
  override readonly name = 'ModuleError';

  constructor(text: string) {
    super(text.split('\n', 1)[0] ?? '');
    this.stack = text;
  }
}
