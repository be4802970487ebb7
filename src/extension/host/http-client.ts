import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { SekishoError } from '../../lib/errors.ts';
import type { HttpAnswer, HttpCall } from '../host-calls.ts';
import { abortError, callFailed, reasonOf } from './host-error.ts';

/** Calls of scripts to other services. */
export interface HttpClient {
  /** EXTENSION_CALL_FAILED when no answer comes, `Get "http://…": connect ECONNREFUSED …`; rejects when nobody waits any more. */
  request(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer>;
  close(): void;
}

export interface HttpClientOptions {
  /** Of an answer's body. */
  readonly maxBodyBytes: number;
  /** Of a call that names no time itself. */
  readonly timeoutMs: number;
}

/** As Go's client. */
const MAX_REDIRECTS = 10;
const MAX_SOCKETS = 64;
/** They are for the host that they were given for. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'cookie2', 'proxy-authorization', 'www-authenticate']);

export function createHttpClient({ maxBodyBytes, timeoutMs }: HttpClientOptions): HttpClient {
  const agents = {
    'http:': new PlainAgent({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: 8 }),
    'https:': new TlsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: 8 }),
  };
  return {
    async request(call, signal) {
      const limit = AbortSignal.timeout(Math.min(call.timeoutMs ?? timeoutMs, 0x7fffffff));
      const either = AbortSignal.any([signal, limit]);
      let next = call;
      for (let redirects = 0; ; redirects += 1) {
        try {
          const message = await send(next, agents, either);
          const target = call.follow ? redirectOf(next, message) : undefined;
          if (target === undefined) return await toAnswer(message, maxBodyBytes);
          message.destroy();
          if (redirects === MAX_REDIRECTS) throw new Error(`stopped after ${MAX_REDIRECTS} redirects`);
          next = target;
        } catch (error) {
          if (signal.aborted) throw abortError(signal);
          throw failed(next, limit.aborted ? 'the time limit was exceeded' : reasonOf(error), error);
        }
      }
    },
    close() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

interface Agents {
  readonly 'http:': PlainAgent;
  readonly 'https:': TlsAgent;
}

function send(call: HttpCall, agents: Agents, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(call.url);
  const { protocol } = url;
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new Error(`unsupported protocol scheme ${JSON.stringify(protocol.slice(0, -1))}`);
  const options = {
    method: call.method.toUpperCase() || 'GET',
    headers: withLength(call),
    signal,
    ...(call.opaque === true && { path: call.url }),
  };
  return new Promise((resolve, reject) => {
    const request =
      protocol === 'https:'
        ? tlsRequest(url, { ...options, agent: agents[protocol] }, resolve)
        : plainRequest(url, { ...options, agent: agents[protocol] }, resolve);
    request.on('error', reject);
    request.end(call.body);
  });
}

/** The length is told, never a body in chunks: the calls of Go do so. */
function withLength({ headers, body, method }: HttpCall): Readonly<Record<string, string>> {
  const own = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length');
  const hasBody = (body !== undefined && body !== '') || /^(post|put|patch)$/i.test(method);
  return Object.fromEntries(hasBody ? [...own, ['Content-Length', String(Buffer.byteLength(body ?? ''))]] : own);
}

/** The call that a redirect asks for; undefined when the answer is none. */
function redirectOf(call: HttpCall, { statusCode, headers: { location } }: IncomingMessage): HttpCall | undefined {
  if (location === undefined || statusCode === undefined || ![301, 302, 303, 307, 308].includes(statusCode)) return undefined;
  const from = new URL(call.url);
  const to = new URL(location, from);
  const keepsBody = statusCode >= 307;
  const method = keepsBody || /^(get|head)$/i.test(call.method) ? call.method : 'GET';
  const isSameHost = to.host === from.host && (to.protocol === from.protocol || to.protocol === 'https:');
  const headers = Object.entries(call.headers).filter(([name]) => {
    const lower = name.toLowerCase();
    if (lower === 'host') return false;
    if (!keepsBody && lower.startsWith('content-')) return false;
    return isSameHost || !CREDENTIALS.has(lower);
  });
  return { ...call, url: to.href, method, headers: Object.fromEntries(headers), body: keepsBody ? call.body : undefined, opaque: false };
}

async function toAnswer(message: IncomingMessage, maxBytes: number): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the body of the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const { 'set-cookie': setCookies = [], ...headers } = message.headersDistinct;
  return {
    status: message.statusCode ?? 0,
    statusText: message.statusMessage ?? '',
    headers: Object.fromEntries(
      Object.entries({ ...headers, ...(setCookies.length > 0 && { 'set-cookie': setCookies }) }).map(([name, values]) => [
        name,
        (values ?? []).join(', '),
      ]),
    ),
    setCookies,
    body: Buffer.concat(chunks).toString(),
  };
}

function failed({ method, url }: HttpCall, reason: string, cause: unknown): SekishoError {
  const verb = `${method.charAt(0).toUpperCase()}${method.slice(1).toLowerCase()}`;
  return callFailed(`${verb} ${JSON.stringify(withoutPassword(url))}: ${reason}`, cause);
}

function withoutPassword(url: string): string {
  return url.replace(/^([a-z][a-z\d+.-]*:\/\/[^/@:]*):[^/@]*@/i, '$1:***@');
}
