import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { echo, readBody, startFront } from '../../test/support/front.ts';
import { sendRaw } from '../../test/support/raw-client.ts';
import { until } from '../../test/support/until.ts';
import type { Exchange } from './exchange.ts';

const HOST = 'Host: a\r\n';
const GET = `GET /x HTTP/1.1\r\n${HOST}\r\n`;

async function connectTo(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

test('a head that does not arrive in time is 408, a connection without a byte is just closed', async () => {
  await using front = await startFront(echo, { limits: { headerTimeoutMs: 400 } });
  const slow = await sendRaw(front.port, 'GET / HTTP/1.1\r\nHost: a\r\nX-');
  assert.match(slow.received, /^HTTP\/1\.1 408 [^]*REQUEST_TIMEOUT/);
  assert.equal(slow.end, 'closed');
  const silent = await sendRaw(front.port, []);
  assert.deepEqual([silent.received, silent.end], ['', 'closed']);
});

test('a head in the second request of a connection has the same limit', async () => {
  await using front = await startFront(echo, { limits: { headerTimeoutMs: 400 } });
  const { received } = await sendRaw(front.port, [GET, 'GET / HT']);
  assert.match(received, /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 408 /);
});

test('an idle connection is closed without a word', async () => {
  await using front = await startFront(echo, { limits: { idleTimeoutMs: 400 } });
  const { received, end } = await sendRaw(front.port, GET);
  assert.match(received, /^HTTP\/1\.1 200 [^]*GET \/x a\n$/);
  assert.equal(end, 'closed');
});

test('a body that does not start, or stops, is 408 and aborts', async () => {
  let aborts = 0;
  await using front = await startFront(
    (exchange) => {
      exchange.onAbort(() => (aborts += 1));
      readBody(exchange).catch(() => undefined);
    },
    { limits: { bodyStartTimeoutMs: 400, bodyIdleTimeoutMs: 500 } },
  );
  const head = `POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\n`;
  for (const parts of [[head], [`${head}abc`]]) {
    const { received, end } = await sendRaw(front.port, parts);
    assert.match(received, /^HTTP\/1\.1 408 /);
    assert.equal(end, 'closed');
  }
  assert.equal(aborts, 2);
});

test('a body whose answer has begun is cut when it stops', async () => {
  await using front = await startFront(
    (exchange) => {
      readBody(exchange).catch(() => undefined);
      exchange.begin({ status: 200, headers: [] });
      exchange.flush();
    },
    { limits: { bodyIdleTimeoutMs: 400, bodyStartTimeoutMs: 400 } },
  );
  const { received, end } = await sendRaw(front.port, `POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`);
  assert.match(received, /^HTTP\/1\.1 200 [^]*\r\n\r\n$/);
  assert.notEqual(end, 'timeout');
});

test('a client that does not wait for 100 Continue is given the time of a body start from then on', async () => {
  const open: Exchange[] = [];
  await using front = await startFront((exchange) => open.push(exchange), { limits: { bodyStartTimeoutMs: 80 } });
  const answer = sendRaw(front.port, `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n`);
  const exchange = await until('the request', () => open[0]);
  // The client owes nothing while it waits for us.
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.equal(exchange.aborted, false);
  readBody(exchange).catch(() => undefined);
  assert.match((await answer).received, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 408 /);
});

test('a request as a whole has a limit too', async () => {
  await using front = await startFront((exchange) => void readBody(exchange).catch(() => undefined), {
    limits: { requestTimeoutMs: 300, headerTimeoutMs: 200, bodyIdleTimeoutMs: 10_000 },
  });
  const socket = await connectTo(front.port);
  let received = '';
  socket.on('data', (data) => (received += data));
  socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n`);
  const drip = setInterval(() => socket.write('x'), 20);
  await once(socket, 'close');
  clearInterval(drip);
  assert.match(received, /^HTTP\/1\.1 408 /);
});

test('a client that does not read is cut', async () => {
  let finished = 0;
  await using front = await startFront(
    (exchange) => {
      exchange.onFinish(() => (finished += 1));
      exchange.respond({ status: 200, headers: [] }, Buffer.alloc(32 * 1_048_576));
    },
    { limits: { bodyIdleTimeoutMs: 200 } },
  );
  const socket = await connectTo(front.port);
  socket.pause();
  socket.write(GET);
  await until('the answer is written', () => finished === 1);
  await until('the connection is cut', () => front.frontend.connections === 0);
  socket.destroy();
});

test('drain: idle connections close at once, open exchanges end with Connection: close, new connections are refused', async () => {
  const open: Exchange[] = [];
  await using front = await startFront((exchange) => (exchange.path === '/x' ? open.push(exchange) : echo(exchange)));
  const idle = await connectTo(front.port);
  const fresh = await connectTo(front.port);
  idle.write(`GET /idle HTTP/1.1\r\n${HOST}\r\n`);
  await once(idle, 'data');
  const waiting = sendRaw(front.port, GET);
  const exchange = await until('the request', () => open[0]);
  const ends = [once(idle, 'close'), once(fresh, 'close')];
  idle.resume();
  fresh.resume();
  let isDrained = false;
  const drained = front.frontend.drain(5_000).then(() => (isDrained = true));
  await Promise.all(ends);
  await until('only one connection is left', () => front.frontend.connections === 1);
  assert.deepEqual([isDrained, front.frontend.inFlight], [false, 1]);
  await assert.rejects(sendRaw(front.port, GET));
  exchange.respond({ status: 200, headers: [] }, 'last');
  assert.match((await waiting).received, /Connection: close\r\n\r\nlast$/);
  await drained;
  assert.equal(front.frontend.connections, 0);
});

test('drain: an answer that began before ends whole, then the connection closes; after the grace everything is cut', async () => {
  const open: Exchange[] = [];
  await using front = await startFront((exchange) => {
    exchange.begin({ status: 200, headers: [] });
    exchange.write(Buffer.from('begun'));
    open.push(exchange);
  });
  const first = sendRaw(front.port, GET);
  const second = sendRaw(front.port, GET);
  await until('both are in flight', () => open.length === 2);
  const drained = front.frontend.drain(300);
  open[0]?.end();
  await drained;
  const results = await Promise.all([first, second]);
  assert.equal(results.filter(({ received }) => received.endsWith('0\r\n\r\n')).length, 1);
  assert.equal(open[1]?.aborted, true);
});

test('drain: a request whose head is on its way is still answered', async () => {
  await using front = await startFront(echo);
  const socket = await connectTo(front.port);
  let received = '';
  socket.on('data', (data) => (received += data));
  socket.write('GET /late HTTP/1.1\r\nHo');
  await until('the bytes are there', () => front.frontend.connections === 1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const drained = front.frontend.drain(60_000);
  socket.write('st: a\r\n\r\n');
  await drained;
  await until('the answer', () => received.endsWith('GET /late a\n'));
  assert.match(received, /Connection: close/);
});
