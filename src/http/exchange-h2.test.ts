import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2, type OutgoingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { test } from 'node:test';
import { echo, readBody, startFront } from '../../test/support/front.ts';
import { sendRaw } from '../../test/support/raw-client.ts';
import { until } from '../../test/support/until.ts';
import type { Exchange } from './exchange.ts';
import { guardH2Head } from './h2-head.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, unknown>>;
}

const H2C = { listen: { h2c: true } };

function openSession(port: number): ClientHttp2Session & Disposable {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  return Object.assign(session, { [Symbol.dispose]: () => session.destroy() });
}

async function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<Answer> {
  const stream = session.request({ ':path': '/', ...headers }, { endStream: body === undefined });
  let answer: Record<string, unknown> = {};
  let trailers: Record<string, unknown> = {};
  stream.on('response', (fields) => (answer = fields));
  stream.on('trailers', (fields) => (trailers = fields));
  if (body !== undefined) stream.end(body);
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return { status: Number(answer[':status']), headers: answer, body: text, trailers };
}

test('h2c with prior knowledge and HTTP/1.1 share a port', async () => {
  await using front = await startFront(echo, H2C);
  using session = openSession(front.port);
  const answer = await ask(session, { ':method': 'POST', ':path': '/a/../%62?x', ':authority': 'A.com:1' }, 'body');
  assert.deepEqual([answer.status, answer.body], [200, 'POST /b?x a.com\nbody']);
  assert.match(String(answer.headers['date']), /GMT$/);
  for (const parts of [
    ['GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    'GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.split(/(?<=.)/s),
  ]) {
    assert.match((await sendRaw(front.port, parts)).received, /GET \/1 a\n$/);
  }
  assert.match((await sendRaw(front.port, 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n')).received, /^HTTP\/1\.1 [45]\d\d /);
});

test('the preface in pieces is still HTTP/2', async () => {
  await using front = await startFront(echo, H2C);
  const socket = connect(front.port, '127.0.0.1');
  for (const piece of ['PRI * HT', 'TP/2.0\r\n\r\nSM\r\n', '\r\n\0\0\0\x04\0\0\0\0\0']) {
    socket.write(piece, 'latin1');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [frame] = (await once(socket, 'data')) as [Buffer];
  // A SETTINGS frame.
  assert.equal(frame[3], 4);
  socket.destroy();
});

test('a listener without h2c answers the preface like any malformed request', async () => {
  await using front = await startFront(echo);
  const { received, end } = await sendRaw(front.port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  assert.match(received, /^(HTTP\/1\.1 (400|505) |$)/);
  assert.notEqual(end, 'timeout');
});

test('answers: lower-case names, duplicates, HEAD, 204, streamed with trailers', async () => {
  await using front = await startFront((exchange) => {
    if (exchange.path === '/stream') {
      exchange.begin({ status: 200, headers: ['Content-Type', 'application/grpc'] });
      exchange.write(Buffer.from('one'));
      setImmediate(() => {
        exchange.write(Buffer.from('two'));
        exchange.end(['Grpc-Status', '0', 'Connection', 'x']);
      });
    } else if (exchange.path === '/trailers-only') {
      exchange.begin({ status: 200, headers: [] });
      exchange.end(['grpc-status', '5']);
    } else
      exchange.respond(
        {
          status: Number(exchange.query || 200),
          headers: ['Set-Cookie', 'a', 'set-cookie', 'b', 'Connection', 'close', 'Content-Type', 'x'],
        },
        'hello',
      );
  }, H2C);
  using session = openSession(front.port);
  const plain = await ask(session, {});
  assert.deepEqual(
    [plain.body, plain.headers['set-cookie'], plain.headers['content-length'], plain.headers['connection']],
    ['hello', ['a', 'b'], '5', undefined],
  );
  const head = await ask(session, { ':method': 'HEAD' });
  assert.deepEqual([head.body, head.headers['content-length']], ['', '5']);
  const none = await ask(session, { ':path': '/?204' });
  assert.deepEqual([none.status, none.body, none.headers['content-length']], [204, '', undefined]);
  const streamed = await ask(session, { ':path': '/stream' });
  assert.deepEqual([streamed.body, streamed.trailers['grpc-status'], streamed.trailers['connection']], ['onetwo', '0', undefined]);
  const trailersOnly = await ask(session, { ':path': '/trailers-only' });
  assert.deepEqual([trailersOnly.body, trailersOnly.trailers['grpc-status']], ['', '5']);
});

test('the same head guard judges HTTP/2', async () => {
  let served = 0;
  await using front = await startFront((exchange) => {
    served += 1;
    echo(exchange);
  }, H2C);
  using session = openSession(front.port);
  const cases: readonly (readonly [OutgoingHttpHeaders, number])[] = [
    [{ ':path': '/%00' }, 400],
    [{ ':path': '/%zz' }, 400],
    [{ ':authority': 'a', host: 'b' }, 400],
    [{ ':path': `/${'x'.repeat(9000)}` }, 414],
    [{ 'x-big': 'x'.repeat(17_000) }, 431],
    [Object.fromEntries(Array.from({ length: 130 }, (_, i) => [`x${i}`, '1'])), 431],
    [{ expect: 'x' }, 417],
    [{ ':method': 'TRACE' }, 501],
  ];
  for (const [headers, status] of cases) {
    const answer = await ask(session, headers);
    assert.equal(answer.status, status, JSON.stringify(headers).slice(0, 80));
    assert.equal(answer.headers['content-type'], 'application/problem+json');
  }
  assert.equal(served, 0);
  assert.equal(front.rejections.length, cases.length);
  assert.equal((await ask(session, { ':path': '/ok' })).status, 200);
});

test('field lists that no client of node can send are refused too', () => {
  const limits = { maxTargetBytes: 100, maxHeaderBytes: 1000, maxHeaders: 20 };
  const pseudo = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'a'];
  const judge = (...raw: string[]): number => {
    const { judged } = guardH2Head(raw, limits);
    return judged.ok ? 200 : judged.error.status;
  };
  assert.equal(judge(...pseudo), 200);
  assert.equal(judge(...pseudo, 'host', 'A'), 200);
  assert.equal(judge(...pseudo, 'te', 'trailers'), 200);
  assert.equal(judge(':method', 'GET', ':scheme', 'http', ':path', '/', 'host', 'a'), 200);
  const broken = [
    ['te', 'gzip'],
    ['connection', 'close'],
    ['keep-alive', '1'],
    ['proxy-connection', 'x'],
    ['transfer-encoding', 'chunked'],
    ['upgrade', 'h2c'],
    ['Upper', 'x'],
    ['', 'x'],
    ['a b', 'x'],
    ['a', 'x\r\ny: z'],
    ['a', ' x'],
    ['a', 'x\t'],
    ['host', 'b'],
    [':path', '/2'],
    [':status', '200'],
    ['x', 'y', ':authority', 'b'],
    ['content-length', '1', 'content-length', '2'],
  ];
  for (const fields of broken) assert.equal(judge(...pseudo, ...fields), 400, fields.join());
  for (let i = 0; i < 8; i += 2) if (i !== 6) assert.equal(judge(...pseudo.toSpliced(i, 2)), 400, pseudo[i]);
  assert.equal(judge(...pseudo.toSpliced(6, 2)), 400);
  assert.equal(judge(':method', 'CONNECT', ':authority', 'a:1'), 501);
  const { judged } = guardH2Head([...pseudo, 'cookie', 'a=1', 'x', 'y', 'cookie', 'b=2'], limits);
  assert.deepEqual(judged.ok && judged.headers, ['host', 'a', 'cookie', 'a=1; b=2', 'x', 'y']);
});

test('100 Continue is sent when the body is read', async () => {
  const waiting: Exchange[] = [];
  await using front = await startFront((exchange) => waiting.push(exchange), H2C);
  using session = openSession(front.port);
  const stream = session.request({ ':method': 'POST', ':path': '/', expect: '100-continue', 'content-length': '2' });
  let continued = false;
  stream.on('continue', () => (continued = true));
  const exchange = await until('the request', () => waiting[0]);
  assert.ok(exchange.body);
  assert.equal(continued, false);
  const body = readBody(exchange);
  await until('the interim answer', () => continued);
  stream.end('hi');
  assert.equal((await body).toString(), 'hi');
  exchange.respond({ status: 200, headers: [] }, 'ok');
  await once(stream, 'response');
});

test('a reset stream aborts its exchange alone; destroy resets', async () => {
  const open: Exchange[] = [];
  let aborts = 0;
  await using front = await startFront((exchange) => {
    open.push(exchange);
    exchange.onAbort(() => undefined);
    exchange.onAbort(() => (aborts += 1));
  }, H2C);
  using session = openSession(front.port);
  const streams = ['/1', '/2'].map((path) => session.request({ ':path': path }).on('error', () => undefined));
  await until('both', () => open.length === 2);
  streams[0]?.close(8);
  await until('the abort', () => aborts === 1);
  assert.deepEqual([open[0]?.aborted, open[1]?.aborted, front.frontend.inFlight], [true, false, 1]);
  open[1]?.destroy();
  await until('the reset', () => streams[1]?.closed);
  assert.equal(streams[1]?.rstCode, 2);
  assert.deepEqual([aborts, front.frontend.inFlight], [1, 0]);
});

test('an answer before the body ends the stream without an error and without losing the answer', async () => {
  await using front = await startFront((exchange) => {
    if (exchange.query === 'whole') exchange.respond({ status: 200, headers: [] }, 'early');
    else {
      exchange.begin({ status: 200, headers: [] });
      exchange.write(Buffer.from('early'));
      exchange.end(['t', '1']);
    }
  }, H2C);
  using session = openSession(front.port);
  for (const path of ['/?whole', '/?streamed', '/%00']) {
    const stream = session.request({ ':method': 'POST', ':path': path });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    assert.match(text, path === '/%00' ? /REQUEST_INVALID/ : /^early$/);
    assert.equal(stream.rstCode, 0);
  }
});

test('a large body streams both ways with backpressure', async () => {
  await using front = await startFront((exchange) => {
    const { body } = exchange;
    assert.ok(body);
    exchange.begin({ status: 200, headers: [] });
    exchange.onDrain(() => body.resume());
    body.on('data', (chunk: Buffer) => exchange.write(chunk) || body.pause());
    body.on('end', () => exchange.end());
  }, H2C);
  using session = openSession(front.port);
  const size = 8 * 1_048_576;
  const answer = await ask(session, { ':method': 'POST' }, Buffer.alloc(size, 'b'));
  assert.equal(answer.body.length, size);
});

test('a body that does not come is 408, an idle session is closed', async () => {
  await using front = await startFront((exchange) => void readBody(exchange).catch(() => undefined), {
    ...H2C,
    limits: { bodyStartTimeoutMs: 100, idleTimeoutMs: 300 },
  });
  using session = openSession(front.port);
  const stream = session.request({ ':method': 'POST', ':path': '/' }).on('error', () => undefined);
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  assert.equal(headers[':status'], 408);
  stream.resume().end();
  await once(session, 'close');
});

test('drain sends GOAWAY, lets streams end and resolves when they have', async () => {
  const open: Exchange[] = [];
  await using front = await startFront((exchange) => open.push(exchange), H2C);
  using session = openSession(front.port);
  const answer = ask(session, {});
  await until('the request', () => open.length === 1);
  const goaway = once(session, 'goaway');
  const drained = front.frontend.drain(5_000);
  await goaway;
  open[0]?.respond({ status: 200, headers: [] }, 'last');
  assert.equal((await answer).body, 'last');
  await drained;
  assert.equal(front.frontend.connections, 0);
});

test('drain does not wait for a connection that has said nothing', async () => {
  await using front = await startFront(echo, H2C);
  const socket = connect(front.port, '127.0.0.1').on('error', () => undefined);
  await until('the connection is there', () => front.frontend.connections === 1);
  const closed = once(socket.resume(), 'close');
  await front.frontend.drain(60_000);
  await closed;
});

test('rapid resets end the session, and others are served', async () => {
  let handled = 0;
  await using front = await startFront((exchange) => {
    handled += 1;
    exchange.onAbort(() => undefined);
    if (exchange.path === '/good') echo(exchange);
  }, H2C);
  using attacker = openSession(front.port);
  let sent = 0;
  while (!attacker.destroyed && sent < 20_000) {
    for (let i = 0; i < 100 && !attacker.destroyed; i += 1, sent += 1) {
      const stream = attacker.request({ ':path': '/bad' });
      stream.on('error', () => undefined);
      stream.close(8);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('the attacker is cut off', () => attacker.destroyed);
  assert.ok(handled <= 1_200, `${handled}`);
  using good = openSession(front.port);
  assert.equal((await ask(good, { ':path': '/good' })).status, 200);
  await until('nothing is left', () => front.frontend.inFlight === 0);
});
