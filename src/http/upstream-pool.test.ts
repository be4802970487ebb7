import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { callUpstream, toUpstreamOptions } from '../../test/support/call-upstream.ts';
import { until } from '../../test/support/until.ts';
import type { Upstream, UpstreamCall, UpstreamOptions } from './upstream.ts';
import { createUpstreams, type UpstreamsOptions } from './upstreams.ts';

/** Less than connections are kept idle by default. */
const SOON_MS = 20_000;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface TestServer {
  readonly port: number;
  /** All connections that were ever made. */
  readonly sockets: Socket[];
  readonly server: Server;
}

async function listen(t: TestContext, server: Server): Promise<TestServer> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets, server };
}

/** An HTTP server of node. */
function serve(t: TestContext, listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<TestServer> {
  return listen(t, createServer({ keepAliveTimeout: 60_000 }, listener));
}

/** A server that gives each request head of each connection, as text, to `answer`. */
function serveRaw(t: TestContext, answer: (socket: Socket, head: string, index: number) => void): Promise<TestServer> {
  let count = 0;
  return listen(
    t,
    createTcpServer((socket) => {
      socket.setEncoding('latin1').on('data', (text: string) => answer(socket, text, count++));
    }),
  );
}

function connectTo(t: TestContext, port: number, options: UpstreamsOptions = {}, origin: Partial<UpstreamOptions> = {}): Upstream {
  const upstreams = createUpstreams(options);
  t.after(() => upstreams.close());
  return upstreams.get(toUpstreamOptions(port, origin));
}

test('requests one after another share a connection; the last one used is used first', async (t) => {
  const { port, sockets } = await serve(t, (_request, response) => response.end('ok'));
  const upstream = connectTo(t, port);
  for (let i = 0; i < 5; i += 1) assert.equal((await callUpstream(upstream)).body.toString(), 'ok');
  assert.equal(sockets.length, 1);
  await Promise.all(Array.from({ length: 4 }, () => callUpstream(upstream)));
  assert.equal(sockets.length, 4);
  const before = sockets.map((socket) => socket.bytesRead);
  for (let i = 0; i < 5; i += 1) await callUpstream(upstream);
  assert.equal(sockets.filter((socket, i) => socket.bytesRead !== before[i]).length, 1);
});

test('what is written: head, Content-Length, chunks', async (t) => {
  const heads: string[] = [];
  const { port } = await serveRaw(t, (socket, text) => {
    heads.push(text);
    if (!text.includes('chunked') || text.endsWith('0\r\n\r\n')) socket.write(OK);
  });
  const upstream = connectTo(t, port);
  const headers = [
    'Host',
    'a',
    'X-A',
    '1',
    'content-length',
    '7',
    'Connection',
    'close',
    'TE',
    'trailers',
    'Expect',
    '100-continue',
    'Keep-Alive',
    'x',
    'Transfer-Encoding',
    'x',
  ];
  await callUpstream(upstream, { headers, target: '/x?y' });
  await callUpstream(upstream, { method: 'POST' });
  await callUpstream(upstream, { method: 'POST', body: Buffer.from('body') });
  await callUpstream(upstream, { method: 'PUT', body: Readable.from([Buffer.from('bo'), Buffer.from('dy')]), contentLength: 4 });
  await callUpstream(upstream, { method: 'OPTIONS', target: '*', upgrade: undefined });
  assert.deepEqual(heads.slice(0, 3), [
    'GET /x?y HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nTE: trailers\r\nConnection: TE\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nbody',
  ]);
  assert.equal(heads.at(-1), 'OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n');
});

test('bodies of every kind arrive', async (t) => {
  const { port, sockets } = await serve(t, (request, response) => request.pipe(response));
  const upstream = connectTo(t, port);
  const big = Buffer.alloc(3_000_000, 'x');
  for (const body of [Buffer.alloc(0), Buffer.from('small'), Buffer.alloc(20_000, 'a'), big]) {
    assert.ok((await callUpstream(upstream, { method: 'POST', body })).body.equals(body));
    const parts = (): Readable =>
      Readable.from([body.subarray(0, 10), Buffer.alloc(0), body.subarray(10)].filter((_, i) => body.length > 0 || i > 3));
    assert.ok((await callUpstream(upstream, { method: 'POST', body: parts() })).body.equals(body));
    assert.ok((await callUpstream(upstream, { method: 'POST', body: parts(), contentLength: body.length })).body.equals(body));
  }
  assert.equal(sockets.length, 1);
});

test('a body with another length than declared fails, and the upstream does not take it for whole', async (t) => {
  let complete = 0;
  const { port } = await serve(t, (request, response) => {
    request
      .on('error', () => {})
      .on('end', () => (complete += request.complete ? 1 : 0))
      .resume();
    request.on('close', () => response.end());
  });
  const upstream = connectTo(t, port);
  for (const text of ['short', 'much too long']) {
    const answer = await callUpstream(upstream, { method: 'POST', body: Readable.from([Buffer.from(text)]), contentLength: 8 });
    assert.deepEqual([answer.error?.code, answer.sent], ['REQUEST_INVALID', true]);
  }
  const source = new PassThrough();
  source.write('some');
  const cut = callUpstream(upstream, { method: 'POST', body: source, onCall: () => setImmediate(() => source.destroy()) });
  assert.equal((await cut).error?.code, 'REQUEST_INVALID');
  assert.equal(complete, 0);
});

test('an early answer ends the request: its body is left alone and the connection is not used again', async (t) => {
  const { port, sockets } = await serveRaw(t, (socket, text) => {
    if (text.startsWith('POST') || text.startsWith('GET')) socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno');
  });
  const upstream = connectTo(t, port);
  const body = new PassThrough();
  body.write('begin');
  const answer = await callUpstream(upstream, { method: 'POST', body });
  assert.deepEqual([answer.status, answer.error], [413, undefined]);
  assert.equal(body.destroyed, false);
  assert.equal(body.isPaused(), true);
  assert.equal((await callUpstream(upstream)).status, 413);
  assert.equal(sockets.length, 2);
});

test('no more than maxConnections; the others wait in order, and beyond maxWaiting they are refused', async (t) => {
  const order: string[] = [];
  let open = 0;
  let most = 0;
  const { port } = await serve(t, (request, response) => {
    order.push(request.url ?? '');
    open += 1;
    most = Math.max(most, open);
    setImmediate(() => {
      open -= 1;
      response.end();
    });
  });
  const upstream = connectTo(t, port, { maxConnections: 2, maxWaiting: 5 });
  const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => callUpstream(upstream, { target: `/${i}` })));
  assert.deepEqual(
    answers.map(({ error }) => error?.code),
    [...Array.from({ length: 7 }), 'OVERLOADED', 'OVERLOADED', 'OVERLOADED'],
  );
  assert.equal(answers[9]?.sent, false);
  assert.ok(most <= 2);
  assert.deepEqual(order.slice(2), ['/2', '/3', '/4', '/5', '/6']);
});

test('a waiting call may be aborted or run out of time', async (t) => {
  const { port } = await serveRaw(t, (socket, head) => void (head.includes('/end') && socket.write(OK)));
  const upstream = connectTo(t, port, { maxConnections: 1 });
  let blocker: UpstreamCall | undefined;
  void callUpstream(upstream, { headTimeoutMs: 0, onCall: (call) => (blocker = call) });
  await new Promise(setImmediate);
  let told = false;
  let aborted: UpstreamCall | undefined;
  void callUpstream(upstream, { onCall: (call) => (aborted = call) }).then(() => (told = true));
  const late = callUpstream(upstream, { headTimeoutMs: 30 });
  aborted?.abort();
  const answer = await late;
  assert.deepEqual([answer.error?.code, answer.sent, told], ['UPSTREAM_TIMEOUT', false, false]);
  const next = callUpstream(upstream, { target: '/end' });
  blocker?.abort();
  assert.equal((await next).status, 200);
});

test('a connection that the upstream closes while idle is not used; one that dies under a request is told', async (t) => {
  const { port, sockets } = await serveRaw(t, (socket, _head, index) => void (index === 2 ? socket.destroy() : socket.write(OK)));
  const upstream = connectTo(t, port);
  await callUpstream(upstream);
  sockets[0]?.end();
  await until('the client closed its side too', () => sockets[0]?.destroyed);
  assert.equal((await callUpstream(upstream)).status, 200);
  assert.equal(sockets.length, 2);
  const dead = await callUpstream(upstream);
  assert.deepEqual([dead.error?.code, dead.sent], ['UPSTREAM_RESET', true]);
  assert.match(dead.error?.message ?? '', /closed the connection before it answered/);
  assert.equal((await callUpstream(upstream)).status, 200);
});

test('idle connections end after the idle time, or before the one that the upstream announces', async (t) => {
  const { port, sockets } = await serveRaw(t, (socket, head) =>
    socket.write(head.includes('/hint') ? OK.replace('\r\n', '\r\nKeep-Alive: timeout=1, max=9\r\n') : OK),
  );
  await callUpstream(connectTo(t, port, { idleTimeoutMs: 40 }));
  await until('the idle connection ended', () => sockets[0]?.destroyed, SOON_MS);
  await callUpstream(connectTo(t, port), { target: '/hint' });
  await until('the connection ended as announced', () => sockets[1]?.destroyed, SOON_MS);
});

test('without keep-alive each request has its connection', async (t) => {
  const { port, sockets } = await serve(t, (_request, response) => response.end());
  const upstream = connectTo(t, port, { keepAlive: false });
  for (let i = 0; i < 3; i += 1) await callUpstream(upstream);
  assert.equal(sockets.length, 3);
});

test('timeouts: head, silent body, stalled upload', async (t) => {
  const { port } = await serveRaw(t, (socket, head) => {
    if (head.includes('/body')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  });
  const upstream = connectTo(t, port);
  const head = await callUpstream(upstream, { headTimeoutMs: 400 });
  assert.deepEqual([head.error?.code, head.sent, head.status], ['UPSTREAM_TIMEOUT', true, 0]);
  const body = await callUpstream(upstream, { target: '/body', idleTimeoutMs: 400 });
  assert.deepEqual([body.error?.code, body.status, body.body.toString()], ['UPSTREAM_TIMEOUT', 200, 'abc']);
  const upload = await callUpstream(upstream, { method: 'POST', body: new PassThrough(), idleTimeoutMs: 40, headTimeoutMs: 60_000 });
  assert.match(upload.error?.message ?? '', /No byte of the request body/);
});

test('the head timeout of a streamed request begins when its body is written', async (t) => {
  const { port } = await serve(t, (request, response) => request.resume().on('end', () => response.end()));
  const body = new PassThrough();
  const answer = callUpstream(connectTo(t, port), { method: 'POST', body, headTimeoutMs: 2000 });
  for (let i = 0; i < 10; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    body.write('x');
  }
  body.end();
  assert.equal((await answer).error, undefined);
});

test('abort closes the connection and silences the handler', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { port } = await serve(t, (_request, response) => {
    response.on('close', closed.resolve);
    response.write('begin');
  });
  let isOver = false;
  void callUpstream(connectTo(t, port), { onData: (_chunk, call) => (call.abort(), true) }).then(() => (isOver = true));
  await closed.promise;
  await new Promise(setImmediate);
  assert.equal(isOver, false);
});

test('a slow reader stops the upstream; nothing is lost', async (t) => {
  const size = 30_000_000;
  let written = 0;
  const { port } = await serve(t, (_request, response) => {
    const chunk = Buffer.alloc(100_000, 'z');
    const pump = (): void => {
      while (written < size) {
        written += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', pump);
      }
      response.end();
    };
    pump();
  });
  let received = 0;
  const answer = callUpstream(connectTo(t, port), {
    onData: (chunk, call) => {
      received += chunk.length;
      if (received > 100_000 && received < 200_000) {
        setTimeout(() => {
          assert.ok(written < size, 'the upstream was held back');
          call.resume();
        }, 30);
        return false;
      }
      return true;
    },
  });
  assert.equal((await answer).body.length, size);
});

test('an upload is read only as fast as the upstream takes it', async (t) => {
  const { port, sockets } = await listen(t, createTcpServer({ pauseOnConnect: true }));
  let given = 0;
  const body = new Readable({
    read() {
      given += 65_536;
      this.push(Buffer.alloc(65_536));
    },
  });
  let call: UpstreamCall | undefined;
  void callUpstream(connectTo(t, port), { method: 'POST', body, onCall: (made) => (call = made) });
  await until('the connection is there', () => sockets[0]);
  await until('reading stopped', async () => {
    const before = given;
    await new Promise((resolve) => setTimeout(resolve, 30));
    return given > 0 && given === before;
  });
  assert.ok(given < 50_000_000, `${given} bytes`);
  call?.abort();
});

test('failures to connect', async (t) => {
  const refused = await callUpstream(connectTo(t, 1));
  assert.deepEqual(
    [refused.error?.code, refused.sent, refused.error?.message],
    ['UPSTREAM_CONNECT', false, 'connect ECONNREFUSED 127.0.0.1:1'],
  );
  const twoAddresses = await callUpstream(
    connectTo(
      t,
      1,
      {
        lookup: (_host, _options, done) =>
          done(null, [
            { address: '127.0.0.1', family: 4 },
            { address: '127.0.0.2', family: 4 },
          ]),
      },
      { hostname: 'two.test' },
    ),
  );
  assert.match(twoAddresses.error?.message ?? '', /^connect ECONNREFUSED 127\.0\.0\.1:1/);
  const unknown = await callUpstream(connectTo(t, 80, {}, { hostname: 'nowhere.invalid' }));
  assert.deepEqual([unknown.error?.code, unknown.sent], ['UPSTREAM_CONNECT', false]);
  assert.match(unknown.error?.message ?? '', /^getaddrinfo E[A-Z_]+ nowhere\.invalid/);
  const never = connectTo(t, 80, { lookup: () => {} }, { hostname: 'slow.test', connectTimeoutMs: 40 });
  const late = await callUpstream(never);
  assert.deepEqual([late.error?.code, late.sent], ['UPSTREAM_CONNECT', false]);
  assert.match(late.error?.message ?? '', /connect ETIMEDOUT .* within 40 ms/);
});

test('private addresses are refused when that is set', async (t) => {
  const { port, sockets } = await serve(t, (_request, response) => response.end());
  const answer = await callUpstream(connectTo(t, port, { disablePrivateIps: true }));
  assert.deepEqual(
    [answer.error?.code, answer.sent, answer.error?.message],
    ['UPSTREAM_CONNECT', false, 'private IP address not allowed: 127.0.0.1'],
  );
  await until('the connection was closed', () => sockets[0]?.destroyed);
  assert.equal(sockets[0]?.bytesRead, 0);
});

test('close ends idle connections now and the others with their answer', async (t) => {
  const finish = Promise.withResolvers<void>();
  const { port, sockets } = await serve(t, (request, response) => {
    if (request.url === '/fast') response.end();
    else void finish.promise.then(() => response.end('done'));
  });
  const upstreams = createUpstreams();
  const upstream = upstreams.get(toUpstreamOptions(port));
  const slow = callUpstream(upstream, { target: '/slow' });
  await callUpstream(upstream, { target: '/fast' });
  upstreams.close();
  await until('the idle connection ended', () => sockets.filter((socket) => socket.destroyed).length === 1);
  finish.resolve();
  assert.equal((await slow).body.toString(), 'done');
  await until('the other connection ended', () => sockets.every((socket) => socket.destroyed));
});

test('a handler that throws ends its own call only', async (t) => {
  const { port } = await serve(t, (_request, response) => response.end('ok'));
  const upstream = connectTo(t, port);
  const answer = await callUpstream(upstream, {
    onData() {
      throw new Error('bug');
    },
  });
  assert.equal(answer.error?.code, 'INTERNAL');
  assert.equal((await callUpstream(upstream)).status, 200);
});
