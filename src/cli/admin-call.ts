import type { IncomingMessage, RequestOptions } from 'node:http';
import { VERSION } from '../lib/version.ts';
import { Failure, usageFailure } from './failure.ts';

const CALL_TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const MAX_REDIRECTS = 5;
const DEFAULT_ADMIN = 'http://127.0.0.1:9080';

/** Where an API is and how to speak to it. */
export interface AdminServer {
  readonly url: URL;
  /** What messages call it; the admin API when absent. */
  readonly name?: string;
  /** Header fields that prove who asks. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly follow: boolean;
  /** Gets one line per HTTP call. */
  readonly onCall?: (line: string) => void;
}

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  /** A list gives its key several times. */
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Statuses other than 2xx that the caller reads itself. */
  readonly accept?: readonly number[];
  /** How long it may take; 60 seconds by default. */
  readonly timeoutMs?: number;
  /** Takes the body of a 2xx answer as it comes; the answer has none then. */
  readonly onBody?: (body: AsyncIterable<Buffer>) => Promise<void>;
}

export interface AdminAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** The parsed JSON, or the text when it is none. */
  readonly body: unknown;
}

/** The URL of `text`; a missing scheme is http; `from` names where the text stood. Throws a usage `Failure`. */
export function parseAdminUrl(text: string = DEFAULT_ADMIN, from = '--admin'): URL {
  if (text === '') throw usageFailure(`${from}: host is empty`);
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.parse(address);
  if (!url || url.hostname === '') throw usageFailure(`${from}: '${text}' is no address; for example http://127.0.0.1:9080`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw usageFailure(`${from}: found scheme ${url.protocol}, allowed are http: and https:`);
  return url;
}

/** Calls the API and gives its 2xx answer. Anything else is a `Failure` with exit code 1 that repeats what the server said. */
export async function callAdmin(server: AdminServer, request: AdminRequest): Promise<AdminAnswer> {
  let url = new URL(server.url);
  // What the base address has stays: a prefix, or the query parameter that carries a key.
  url.pathname = url.pathname.replace(/\/+$/, '') + request.path;
  for (const [key, value] of Object.entries(request.query ?? {})) {
    if (Array.isArray(value)) for (const one of value) url.searchParams.append(key, String(one));
    else if (value !== undefined) url.searchParams.set(key, String(value));
  }
  for (let redirects = 0; ; redirects += 1) {
    const answer = await send(server, url, request);
    if (answer.status < 300 || request.accept?.includes(answer.status)) return answer;
    const location = answer.headers.location;
    if (answer.status >= 400 || location === undefined) throw refusal(answer);
    if (!server.follow) throw new Failure(1, `redirect from server to ${location}; retry with the --follow flag`);
    if (redirects === MAX_REDIRECTS) throw new Failure(1, `more than ${MAX_REDIRECTS} redirects from server, the last to ${location}`);
    url = new URL(location, url);
  }
}

async function send(server: AdminServer, url: URL, request: AdminRequest): Promise<AdminAnswer> {
  const sent = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  // Credentials do not follow a redirect to another host or out of TLS.
  const isTrusted = url.hostname === server.url.hostname && (url.protocol === 'https:' || server.url.protocol === 'http:');
  const options: RequestOptions = {
    method: request.method,
    agent: false,
    signal: AbortSignal.timeout(request.timeoutMs ?? CALL_TIMEOUT_MS),
    headers: {
      accept: 'application/json',
      'user-agent': `sekisho-cli/${VERSION}`,
      ...request.headers,
      ...(isTrusted && server.credentials),
      ...(sent && { 'content-type': 'application/json', 'content-length': String(sent.length) }),
    },
  };
  const started = performance.now();
  try {
    const response = await exchange(url, options, sent);
    const status = response.statusCode ?? 0;
    const isTaken = request.onBody !== undefined && status >= 200 && status < 300;
    const body = isTaken ? await request.onBody?.(response) : parseBody(await readAll(response));
    const answer = { status, headers: response.headers, body };
    const took = (performance.now() - started).toFixed(2);
    server.onCall?.(
      `HTTP/${response.httpVersion} ${request.method} ${url.href} - ${answer.status} ${response.statusMessage ?? ''} ${took}ms`,
    );
    return answer;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(1, `cannot reach ${server.name ?? 'the admin API'} at ${url.origin}: ${transportProblem(error, request.timeoutMs)}`);
  }
}

async function exchange(url: URL, options: RequestOptions, body: Buffer | undefined): Promise<IncomingMessage> {
  const { request } = url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  return await new Promise((resolve, reject) => {
    request(url, options, resolve).on('error', reject).end(body);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Failure(1, `the answer of the server is longer than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function transportProblem(error: unknown, timeoutMs = CALL_TIMEOUT_MS): string {
  const { code, message, name } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return 'connection refused; is the gateway running (sekisho start)?';
  if (name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`;
  return message || (code ?? 'unknown error');
}

interface ProblemBody {
  readonly detail?: string;
  readonly error?: string;
  readonly id?: string;
  readonly errors?: readonly (string | { readonly pointer?: string; readonly detail?: string })[];
}

function refusal(answer: AdminAnswer): Failure {
  const { status, body } = answer;
  const problem: ProblemBody =
    typeof body === 'object' && body !== null ? body : { error: typeof body === 'string' ? body.trim().slice(0, 500) : '' };
  const detail = problem.detail ?? problem.error;
  const lines = (problem.errors ?? []).flatMap((error) => {
    const { pointer = '', detail: text = '' } = typeof error === 'string' ? { detail: error } : error;
    // The detail tells the first, or the only one, already.
    if (detail?.includes(text)) return [];
    return [`  ${pointer === '' ? '' : `${pointer}: `}${text}`];
  });
  const id = problem.id ? ` (id ${problem.id})` : '';
  return new Failure(1, [`${status} error from server${detail ? `: ${detail}` : ''}${id}`, ...lines].join('\n'));
}
