import { SekishoError } from '../lib/errors.ts';
import { readLimited } from './read-limited.ts';

export interface KeystoneAnswer {
  readonly status: number;
  /** The parsed body; undefined when it is no JSON. */
  readonly body: unknown;
  /** `X-Subject-Token`. */
  readonly subjectToken: string | null;
}

/** Calls of one Keystone v3 service. Rejects with IDENTITY_UNAVAILABLE when it does not answer, or with 5xx or 429. */
export interface KeystoneClient {
  /** POST /auth/tokens. */
  issue(auth: unknown): Promise<KeystoneAnswer>;
  /** GET /auth/tokens, as the bearer of `serviceToken`. */
  validate(serviceToken: string, subjectToken: string): Promise<KeystoneAnswer>;
  /** GET /`collection`, one page of it; `query` begins with `?` or is empty. */
  page(serviceToken: string, collection: string, query: string): Promise<KeystoneAnswer>;
  close(): void;
}

const MAX_ANSWER_BYTES = 1_048_576;
/** Keystones without pages tell all projects in one answer. */
const MAX_PAGE_BYTES = 67_108_864;

interface Question {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/** `url` ends in /v3, without a slash. */
export function createKeystoneClient(url: string, timeoutMs: number): KeystoneClient {
  const closing = new AbortController();
  const call = async (path: string, init: Question, maxBytes = MAX_ANSWER_BYTES): Promise<KeystoneAnswer> => {
    let answer: KeystoneAnswer;
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), closing.signal]);
      const response = await fetch(`${url}${path}`, { ...init, redirect: 'error', signal });
      const text = await readLimited(response, maxBytes);
      answer = { status: response.status, body: parse(text), subjectToken: response.headers.get('x-subject-token') };
    } catch (cause) {
      throw unavailable('Keystone does not answer', cause);
    }
    if (answer.status >= 500 || answer.status === 429) throw unavailable(`Keystone answers ${answer.status}`);
    return answer;
  };
  return {
    issue: (auth) =>
      call('/auth/tokens', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ auth }) }),
    validate: (serviceToken, subjectToken) =>
      // The catalogue is of no use here, and is most of the answer.
      call('/auth/tokens?nocatalog', { method: 'GET', headers: { 'x-auth-token': serviceToken, 'x-subject-token': subjectToken } }),
    page: (serviceToken, collection, query) =>
      call(`/${collection}${query}`, { method: 'GET', headers: { 'x-auth-token': serviceToken } }, MAX_PAGE_BYTES),
    close: () => closing.abort(),
  };
}

/** The identity service could not be asked; `problem` is for the log. */
export function unavailable(problem: string, cause?: unknown): SekishoError {
  return new SekishoError('IDENTITY_UNAVAILABLE', 'The identity service could not be asked; try again.', {
    cause: new Error(problem, { cause }),
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
