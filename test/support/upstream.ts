import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as the upstream saw it. */
export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly version: string;
  readonly rawHeaders: readonly string[];
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/**
 * A recording HTTP/1.1 server on a free port of loopback. It echoes `{line, headers: [[name, value]…], body}` as JSON, but for the paths
 * /drop (closes without an answer), /slow (answers after a second), /sse (three events, 300 ms apart), /big (300,000 bytes),
 * /size/N (N bytes), /status/N, and /early (an interim 103, then the echo).
 */
export interface RecordingUpstream extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** Requests whose client went away before the answer was complete. */
  aborted(): number;
  /** Connections that are open now. */
  connections(): number;
  close(): Promise<void>;
}

/** Starts a recording upstream; `answer` is asked first and returns true when it has taken the request. */
export async function startUpstream(
  answer: (request: RecordedRequest, response: http.ServerResponse) => boolean | void = () => false,
): Promise<RecordingUpstream> {
  const requests: RecordedRequest[] = [];
  const sockets = new Set<Socket>();
  let aborted = 0;
  const server = http.createServer((incoming, response) => {
    response.on('close', () => (aborted += response.writableFinished ? 0 : 1));
    readRequest(incoming).then(
      (request) => {
        requests.push(request);
        if (answer(request, response) !== true) answerByPath(request, response);
      },
      () => response.destroy(),
    );
  });
  server.keepAliveTimeout = 60_000;
  server.on('connection', (socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    aborted: () => aborted,
    connections: () => sockets.size,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function readRequest(incoming: http.IncomingMessage): Promise<RecordedRequest> {
  let body = '';
  for await (const chunk of incoming.setEncoding('latin1')) body += chunk;
  return {
    method: incoming.method ?? '',
    url: incoming.url ?? '',
    version: incoming.httpVersion,
    rawHeaders: incoming.rawHeaders,
    headers: incoming.headers,
    body: Buffer.from(body, 'latin1').toString(),
  };
}

function answerByPath(request: RecordedRequest, response: http.ServerResponse): void {
  const [, first = '', second = ''] = request.url.split(/[/?]/);
  if (first === 'drop') response.destroy();
  else if (first === 'sse') sendEvents(response, 0);
  else if (first === 'slow') setTimeout(() => echo(request, response), 1_000);
  else if (first === 'big') send(request, response, 200, 'x'.repeat(300_000));
  else if (first === 'size') send(request, response, 200, 'x'.repeat(Number(second)));
  else if (first === 'status') send(request, response, Number(second), JSON.stringify({ status: Number(second) }));
  else if (first === 'early') response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => echo(request, response));
  else echo(request, response);
}

function echo(request: RecordedRequest, response: http.ServerResponse): void {
  const headers: [string, string][] = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) headers.push([request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? '']);
  send(
    request,
    response,
    200,
    JSON.stringify({ line: `${request.method} ${request.url} HTTP/${request.version}`, headers, body: request.body }),
  );
}

function send(request: RecordedRequest, response: http.ServerResponse, status: number, text: string): void {
  const bodiless = status === 204 || status === 304;
  response.writeHead(status, {
    'content-type': 'application/json',
    'x-up': '1',
    ...(!bodiless && { 'content-length': Buffer.byteLength(text) }),
  });
  response.end(bodiless || request.method === 'HEAD' ? undefined : text);
}

function sendEvents(response: http.ServerResponse, count: number): void {
  if (count === 0) response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (count === 3) return void response.end();
  response.write(`data: ${count}\n\n`);
  setTimeout(() => sendEvents(response, count + 1), 300);
}
