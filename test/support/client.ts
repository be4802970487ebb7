import http from 'node:http';
import https from 'node:https';
import { PATIENCE_MS } from './until.ts';

export interface AskOptions {
  readonly method?: string;
  /** Content-Length is added to a body unless `transfer-encoding` stands here in lower case. */
  readonly headers?: http.OutgoingHttpHeaders;
  /** Objects are sent as JSON; with a Content-Length, unless the headers have a Transfer-Encoding. */
  readonly body?: unknown;
  /** Ends the request when nothing moved for this long; a minute by default. */
  readonly timeoutMs?: number;
  /** Kept-alive connections; by default every request has its own. */
  readonly agent?: http.Agent;
  /** Server name for TLS. Certificates are never verified here. */
  readonly servername?: string;
}

/** One answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly text: string;
  /** The body parsed as JSON; throws with the text when it is none. */
  json<T = any>(): T; // any: tests read answers of every shape
}

/** Sends one request and reads the whole answer. Rejects when the connection fails or ends early. Unlike fetch it sends the path and the Host as given. */
export function ask(url: string, options: AskOptions = {}): Promise<Answer> {
  const target = /^(https?):\/\/([^/:]+|\[[^\]]+\]):?(\d*)(.*)$/.exec(url);
  if (!target) throw new Error(`not an absolute URL: ${url}`);
  const [, scheme, host = '', port, path] = target;
  const body = toBody(options.body);
  const headers = options.headers ?? {};
  return new Promise((resolve, reject) => {
    const request = (scheme === 'https' ? https : http).request(
      {
        host: host.replace(/[[\]]/g, ''),
        port: port || (scheme === 'https' ? 443 : 80),
        path: path || '/',
        method: options.method ?? 'GET',
        agent: options.agent ?? false,
        timeout: options.timeoutMs ?? PATIENCE_MS,
        headers: { ...(body !== undefined && !('transfer-encoding' in headers) && { 'content-length': body.length }), ...headers },
        ...(scheme === 'https' && { rejectUnauthorized: false, servername: options.servername ?? '' }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve(toAnswer(response, Buffer.concat(chunks).toString())));
      },
    );
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer in time: ${options.method ?? 'GET'} ${url}`)));
    request.end(body);
  });
}

function toBody(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function toAnswer(response: http.IncomingMessage, text: string): Answer {
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? '',
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    text,
    json() {
      try {
        return JSON.parse(text);
      } catch (cause) {
        throw new Error(`no JSON (status ${response.statusCode}): ${text.slice(0, 500)}`, { cause });
      }
    },
  };
}
