import { connect, type Socket } from 'node:net';
import { PATIENCE_MS } from './until.ts';

export interface RawOptions {
  readonly host?: string;
  /** Give up and return what came after this long; default a minute. */
  readonly timeoutMs?: number;
  /** Stop reading as soon as this is true of the bytes so far (latin1). By default reads until the peer closes. */
  readonly until?: (received: string) => boolean;
  /** Close our writing side after the last part. */
  readonly halfClose?: boolean;
}

export interface RawResult {
  /** All bytes that came, as latin1 text. */
  readonly received: string;
  /** How reading ended. */
  readonly end: 'closed' | 'reset' | 'timeout' | 'until';
}

/** Sends bytes (latin1 text; several parts are several writes, each handed to the kernel before the next) over a fresh socket and collects the answer. Never rejects but for a refused connection. */
export function sendRaw(port: number, bytes: string | readonly string[], options: RawOptions = {}): Promise<RawResult> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ port, host: options.host ?? '127.0.0.1', noDelay: true });
    const finish = (end: RawResult['end']): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ received, end });
    };
    const timer = setTimeout(() => finish('timeout'), options.timeoutMs ?? PATIENCE_MS);
    let connected = false;
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      connected = true;
      void writeParts(socket, typeof bytes === 'string' ? [bytes] : bytes).then(() => options.halfClose && socket.end());
    });
    socket.on('data', (text: string) => {
      received += text;
      if (options.until?.(received)) finish('until');
    });
    socket.on('end', () => finish('closed'));
    socket.on('error', (error) => {
      if (connected) return finish('reset');
      clearTimeout(timer);
      reject(error);
    });
  });
}

async function writeParts(socket: Socket, parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return;
    await new Promise((resolve) => socket.write(part, 'latin1', resolve));
  }
}

/** One HTTP/1 response out of raw bytes. */
export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  /** Lower-case name and value, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** What follows this response. */
  readonly rest: string;
}

/** The first complete response in `received`, framed by Content-Length or chunked; `undefined` while it is incomplete. With neither, the body is all there is. */
export function parseRawResponse(received: string, requestMethod = 'GET'): RawResponse | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = received.slice(0, headEnd).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const headers = lines.map((line): [string, string] => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  const field = (name: string): string | undefined => headers.find(([key]) => key === name)?.[1];
  const after = received.slice(headEnd + 4);
  const body = parseBody(after, status, requestMethod, field);
  if (!body) return undefined;
  return { status, reason: statusLine.split(' ').slice(2).join(' '), headers, ...body };
}

function parseBody(
  after: string,
  status: number,
  method: string,
  field: (name: string) => string | undefined,
): { body: string; rest: string } | undefined {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { body: '', rest: after };
  if (field('transfer-encoding') === 'chunked') return parseChunks(after);
  const length = field('content-length');
  if (length === undefined) return { body: after, rest: '' };
  if (after.length < Number(length)) return undefined;
  return { body: after.slice(0, Number(length)), rest: after.slice(Number(length)) };
}

function parseChunks(text: string): { body: string; rest: string } | undefined {
  let body = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) break;
    if (text.length < lineEnd + 2 + size + 2) return undefined;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
  const lastLine = text.indexOf('\r\n', at);
  const noTrailers = text.startsWith('\r\n', lastLine + 2);
  const end = noTrailers ? lastLine + 2 : text.indexOf('\r\n\r\n', lastLine) + 2;
  return end < 2 || text.length < end + 2 ? undefined : { body, rest: text.slice(end + 2) };
}
