import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { listenError } from '../http/listen-error.ts';
import { parseDurationNs } from '../lib/duration.ts';
import { toDurationText } from '../lib/duration-text.ts';

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_WAIT_NS = 3600e9;
const MAX_CONNECTIONS = 20_000;
/** Longer than the proxy keeps idle connections, so that it is the proxy that closes them. */
const KEEP_ALIVE_MS = 120_000;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export interface EchoServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Sent with every answer and repeated in it. */
  readonly globalHeaders?: Readonly<Record<string, string>>;
  /** Shows the environment of the process in every answer. */
  readonly enableEnvVars?: boolean;
  /** HTTP/2 without TLS beside HTTP/1.1 on the same port. Default true. */
  readonly enableH2c?: boolean;
}

export interface EchoServer {
  readonly port: number;
  close(): Promise<void>;
}

type EchoRequest = IncomingMessage | Http2ServerRequest;
type EchoResponse = ServerResponse | Http2ServerResponse;

/** Starts the test server: it answers every request with what it saw of it, as JSON (dgate.md 7.3). Rejects with LISTEN_FAILED. */
export async function createEchoServer(options: EchoServerOptions): Promise<EchoServer> {
  const handle = (request: EchoRequest, response: EchoResponse): void => {
    // A client that goes away mid-body is all that can fail here.
    echo(request, response, options).catch(() => request.destroy());
  };
  const http1 = createHttpServer({ keepAliveTimeout: KEEP_ALIVE_MS }, handle);
  const http2 = createHttp2Server(handle).on('sessionError', () => {});
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    if (options.enableH2c === false) http1.emit('connection', socket);
    else sniff(socket, (isHttp2) => (isHttp2 ? http2 : http1).emit('connection', socket));
  });
  listener.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    listener.once('error', (cause) => reject(listenError(cause, 'test_server.port', options.host, options.port)));
    listener.listen(options.port, options.host, resolve);
  });
  return {
    // A listening TCP server has an address of this form.
    port: (listener.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Tells by the first bytes whether HTTP/2 is spoken (RFC 9113 3.4); the bytes stay to be read. */
function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), KEEP_ALIVE_MS);
  const giveUp = (): unknown => socket.destroy();
  socket.once('close', () => clearTimeout(timer)).once('end', giveUp);
  const onData = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, PREFACE.length);
    const isPreface = seen.compare(PREFACE, 0, compared, 0, compared) === 0;
    if (isPreface && seen.length < PREFACE.length) return;
    clearTimeout(timer);
    socket.off('data', onData).off('end', giveUp);
    socket.pause();
    socket.unshift(seen);
    decide(isPreface);
    // HTTP/2 sessions take the bytes over by themselves.
    if (!isPreface) socket.resume();
  };
  socket.on('data', onData);
}

async function echo(request: EchoRequest, response: EchoResponse, options: EchoServerOptions): Promise<void> {
  const body = await readBody(request);
  const target = request.url ?? '/';
  const wait = new URLSearchParams(target.split('?')[1]).get('wait') ?? '';
  const waitNs = wait === '' ? 0 : parseDurationNs(wait);
  const { globalHeaders = {} } = options;
  const hasGlobalHeaders = Object.keys(globalHeaders).length > 0;
  let status = 200;
  let data: Readonly<Record<string, unknown>>;
  if (body === undefined) {
    status = 413;
    data = { error: `Body longer than ${MAX_BODY_BYTES} bytes` };
  } else if (waitNs === undefined || waitNs > MAX_WAIT_NS) {
    status = 400;
    data = { error: `Invalid wait time: ${wait}` };
  } else {
    if (waitNs > 0) await pause(waitNs / 1e6, response);
    data = {
      body,
      ...(options.enableEnvVars && { env: Object.entries(process.env).map(([name, value]) => `${name}=${value}`) }),
      global_headers: hasGlobalHeaders ? toSorted(globalHeaders) : null,
      host: request.headers[':authority'] ?? request.headers.host ?? '',
      method: request.method,
      path: target,
      remote_addr: `${bracket(request.socket.remoteAddress ?? '')}:${request.socket.remotePort ?? 0}`,
      req_headers: toFields(request.rawHeaders),
      ...(wait !== '' && { waited: toDurationText(waitNs) }),
    };
  }
  send(response, status, JSON.stringify({ data, status_code: status }).replace(/[&<>]/g, escape), globalHeaders);
}

function send(response: EchoResponse, status: number, text: string, globalHeaders: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(globalHeaders)) response.setHeader(name, value);
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', Buffer.byteLength(text));
  response.statusCode = status;
  response.end(text);
}

/** The body as text; undefined when it is too long. */
async function readBody(request: EchoRequest): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}

/** Header fields as Go shows them: canonical names in order, all values of each, without Host and framing. */
function toFields(raw: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const fields = new Map<string, string[]>();
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    if (name === 'host' || name === 'transfer-encoding' || name.startsWith(':')) continue;
    const shown = name.replace(/(^|-)([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase());
    const values = fields.get(shown) ?? [];
    values.push(raw[i + 1] ?? '');
    fields.set(shown, values);
  }
  return toSorted(Object.fromEntries(fields));
}

function toSorted<T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function escape(char: string): string {
  return `\\u00${char.charCodeAt(0).toString(16)}`;
}

function bracket(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** Ends early when the client goes away. */
function pause(ms: number, response: EchoResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    response.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
