import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { echo, readBody, startFront } from '../../test/support/front.ts';
import { parseRawResponse, sendRaw } from '../../test/support/raw-client.ts';
import { until } from '../../test/support/until.ts';
import { type Event, subscribe } from '../lib/event.ts';
import type { Exchange } from './exchange.ts';

const HOST = 'Host: a\r\n';
const GET = `GET /x HTTP/1.1\r\n${HOST}\r\n`;

async function connectTo(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

test('a whole answer is framed by its length and the connection stays open', async () => {
  await using front = await startFront((exchange) => exchange.respond({ status: 201, headers: ['X-A', '1', 'x-a', '2'] }, 'höhe'));
  const { received } = await sendRaw(front.port, GET, { until: (text) => text.includes('he') });
  assert.match(received, /^HTTP\/1\.1 201 Created\r\nX-A: 1\r\nx-a: 2\r\nDate: [^\r]+ GMT\r\nContent-Length: 5\r\n\r\nh\xc3\xb6he$/);
});

test('a handler cannot set framing or connection fields, nor break a line', async () => {
  const bad = ['a\r\nb: c', 'a\nb', 'a\rb', 'a\0', '\u010a', 'x\u{1f600}'];
  await using front = await startFront((exchange) => {
    const index = Number(exchange.query);
    if (Number.isNaN(index) || exchange.query === '')
      exchange.respond(
        {
          status: 200,
          headers: ['Connection', 'x', 'Transfer-Encoding', 'gzip', 'content-length', '99', 'Keep-Alive', '1', 'Upgrade', 'y'],
        },
        'ok',
      );
    else exchange.respond({ status: 200, headers: ['X', bad[index] ?? ''] }, 'ok');
  });
  const plain = await sendRaw(front.port, GET, { until: (text) => text.endsWith('ok') });
  assert.match(plain.received, /^HTTP\/1\.1 200 OK\r\nDate: [^\r]+\r\nContent-Length: 2\r\n\r\nok$/);
  for (const index of bad.keys()) {
    const { received } = await sendRaw(front.port, `GET /?${index} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    const answer = parseRawResponse(received);
    assert.equal(answer?.status, 500);
    assert.ok(!received.includes('ok'));
  }
});

test('HEAD, 204 and 304 have no body, HEAD and 304 keep the length', async () => {
  await using front = await startFront((exchange) =>
    exchange.respond({ status: Number(exchange.query), headers: exchange.query === '304' ? ['Content-Length', '7'] : [] }, 'hello'),
  );
  const ask = async (method: string, status: number): Promise<string> =>
    (await sendRaw(front.port, `${method} /?${status} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)).received;
  assert.match(await ask('HEAD', 200), /Content-Length: 5\r\nConnection: close\r\n\r\n$/);
  const noContent = await ask('GET', 204);
  assert.ok(noContent.endsWith('\r\n\r\n') && !noContent.includes('Content-Length'));
  assert.match(await ask('GET', 304), /Content-Length: 7\r\nConnection: close\r\n\r\n$/);
});

test('a streamed answer is chunked, or framed by a given length, or by the end on HTTP/1.0', async () => {
  await using front = await startFront((exchange) => {
    exchange.begin({ status: 200, headers: exchange.query === '' ? [] : ['Content-Length', exchange.query] });
    exchange.write(Buffer.from('ab'));
    exchange.write(Buffer.from('cde'));
    exchange.end(['X-T', '1', 'Content-Length', '3']);
  });
  const chunked = await sendRaw(front.port, GET, { until: (text) => text.endsWith('\r\n\r\n') && text.includes('0\r\n') });
  assert.ok(chunked.received.endsWith('Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\nX-T: 1\r\n\r\n'), chunked.received);
  const sized = await sendRaw(front.port, `GET /?5 HTTP/1.1\r\n${HOST}\r\n`, { until: (text) => text.endsWith('abcde') });
  assert.match(sized.received, /Content-Length: 5\r\n\r\nabcde$/);
  const old = await sendRaw(front.port, 'GET / HTTP/1.0\r\n\r\n');
  assert.match(old.received, /Connection: close\r\n\r\nabcde$/);
  assert.equal(old.end, 'closed');
});

test('a body of another length than declared cuts the connection', async () => {
  await using front = await startFront((exchange) => {
    exchange.begin({ status: 200, headers: ['Content-Length', '4'] });
    exchange.write(Buffer.from(exchange.query === 'long' ? 'abcde' : 'ab'));
    setImmediate(() => exchange.end());
  });
  for (const kind of ['long', 'short']) {
    const { received, end } = await sendRaw(front.port, `GET /?${kind} HTTP/1.1\r\n${HOST}\r\n`);
    assert.notEqual(end, 'timeout');
    assert.ok(!received.includes('abcde'));
  }
});

test('HTTP/1.0 keeps the connection when asked to and the length is known', async () => {
  await using front = await startFront(echo);
  const { received } = await sendRaw(front.port, 'GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n');
  assert.match(received, /Connection: keep-alive\r\n\r\nGET \/a \nHTTP\/1.1 200 OK/);
  assert.match(received, /Connection: close\r\n\r\nGET \/b \n$/);
});

test('pipelined requests are served one after the other', async () => {
  const open: Exchange[] = [];
  await using front = await startFront((exchange) => open.push(exchange));
  const answer = sendRaw(front.port, Array.from({ length: 5 }, (_, i) => `GET /${i} HTTP/1.1\r\n${HOST}\r\n`).join(''), {
    until: (text) => text.endsWith('/4'),
  });
  for (let i = 0; i < 5; i += 1) {
    const exchange = await until('the next request', () => open.length === i + 1 && open[i]);
    assert.equal(front.frontend.inFlight, 1);
    exchange.respond({ status: 200, headers: [] }, exchange.target);
  }
  assert.deepEqual(
    (await answer).received
      .match(/\r\n\r\n\/\d/g)
      ?.join('')
      .replaceAll('\r\n', ''),
    '/0/1/2/3/4',
  );
});

test('a flood of pipelined requests ends with a bound, and nothing is answered out of order', async () => {
  await using front = await startFront((exchange) => setImmediate(echo, exchange));
  const { received, end } = await sendRaw(front.port, Array.from({ length: 300 }, (_, i) => `GET /${i} HTTP/1.1\r\n${HOST}\r\n`).join(''));
  assert.equal(end, 'closed');
  const answered = [...received.matchAll(/GET \/(\d+) a\n/g)].map(([, number]) => Number(number));
  assert.deepEqual(answered, [...answered.keys()]);
  assert.ok(answered.length > 100 && answered.length < 300, `${answered.length}`);
  assert.match(received.slice(received.lastIndexOf('HTTP/1.1 200 OK')), /Connection: close\r\n\r\n/);
});

test('100 Continue is sent when the body is read, and not before', async () => {
  const waiting: Exchange[] = [];
  await using front = await startFront((exchange) => waiting.push(exchange));
  const socket = await connectTo(front.port);
  socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n`);
  const exchange = await until('the request', () => waiting[0]);
  assert.equal(socket.bytesRead, 0);
  const body = readBody(exchange);
  const [interim] = (await once(socket, 'data')) as [Buffer];
  assert.equal(interim.toString(), 'HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('abc');
  assert.equal((await body).toString(), 'abc');
  exchange.respond({ status: 200, headers: [] }, 'done');
  const [final] = (await once(socket, 'data')) as [Buffer];
  assert.match(final.toString(), /^HTTP\/1\.1 200 OK\r\n.*done$/s);
  assert.ok(!final.toString().includes('close'));
  socket.destroy();
});

test('a final answer instead of 100 Continue closes the connection', async () => {
  await using front = await startFront((exchange) => exchange.respond({ status: 401, headers: [] }));
  const { received, end } = await sendRaw(front.port, `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n`);
  assert.match(received, /^HTTP\/1\.1 401 [^]*Connection: close\r\n\r\n$/);
  assert.equal(end, 'closed');
});

test('a small unread body is drained, a large one ends the connection without losing the answer', async () => {
  await using front = await startFront((exchange) => exchange.respond({ status: 200, headers: [] }, 'early'));
  const small = `POST / HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\n${'x'.repeat(1000)}`;
  const { received } = await sendRaw(front.port, small + GET, { until: (text) => text.split('early').length === 3 });
  assert.ok(!received.includes('close'));
  const large = `POST / HTTP/1.1\r\n${HOST}Content-Length: 900000\r\n\r\n`;
  const result = await sendRaw(front.port, [large, 'y'.repeat(300_000), 'y'.repeat(300_000), GET]);
  assert.equal(result.received.split('HTTP/1.1').length, 2);
  assert.match(result.received, /Connection: close\r\n\r\nearly$/);
});

test('a client that goes away aborts the exchange once, and all who listen hear of it', async () => {
  let aborts = 0;
  let others = 0;
  let finishes = 0;
  const exchanges: Exchange[] = [];
  await using front = await startFront((exchange) => {
    exchanges.push(exchange);
    exchange.onAbort(() => (aborts += 1));
    exchange.onAbort(() => (others += aborts));
    exchange.onFinish(() => (finishes += 1));
  });
  const socket = await connectTo(front.port);
  socket.write(GET);
  const exchange = await until('the request', () => exchanges[0]);
  assert.equal(front.frontend.inFlight, 1);
  socket.destroy();
  await until('the abort', () => exchange.aborted);
  exchange.respond({ status: 200, headers: [] }, 'late');
  exchange.begin({ status: 200, headers: [] });
  exchange.write(Buffer.from('x'));
  exchange.end();
  assert.deepEqual([aborts, others, finishes, front.frontend.inFlight], [1, 1, 1, 0]);
  await until('the connection is closed', () => front.frontend.connections === 0);
});

test('a client that goes away in its body aborts the exchange and breaks the body', async () => {
  const exchanges: Exchange[] = [];
  await using front = await startFront((exchange) => exchanges.push(exchange));
  const socket = await connectTo(front.port);
  socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`);
  const exchange = await until('the request', () => exchanges[0]);
  const body = readBody(exchange);
  setImmediate(() => socket.destroy());
  await assert.rejects(body);
  assert.ok(await until('the abort', () => exchange.aborted));
});

test('a malformed body is answered 400 when nothing was sent, and aborts', async () => {
  let aborts = 0;
  await using front = await startFront((exchange) => {
    exchange.onAbort(() => (aborts += 1));
    readBody(exchange).catch(() => undefined);
  });
  const { received, end } = await sendRaw(front.port, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`);
  assert.match(received, /^HTTP\/1\.1 400 /);
  assert.deepEqual([end, aborts, front.frontend.inFlight], ['closed', 1, 0]);
});

test('what follows a rejected request is never served', async () => {
  let served = 0;
  await using front = await startFront((exchange) => {
    served += 1;
    echo(exchange);
  });
  const { received } = await sendRaw(front.port, `GET / HTTP/1.1\r\n${HOST}Host: b\r\n\r\n${GET}`);
  assert.equal(received.split('HTTP/1.1 ').length, 2);
  assert.equal(served, 0);
  const behind = await sendRaw(front.port, `${GET}BROKEN\r\n\r\n`);
  assert.match(behind.received, /^HTTP\/1\.1 200 [^]*GET \/x a\nHTTP\/1\.1 400 /);
  assert.deepEqual(
    front.rejections.map((rejection) => rejection.error.code),
    ['REQUEST_INVALID', 'REQUEST_INVALID'],
  );
});

test('an error of the parser waits for the answer that is owed before', async () => {
  const open: Exchange[] = [];
  await using front = await startFront((exchange) => open.push(exchange));
  const answer = sendRaw(front.port, `${GET}BROKEN\r\n\r\n`);
  const exchange = await until('the request', () => open[0]);
  exchange.begin({ status: 200, headers: [] });
  exchange.write(Buffer.from('first'));
  setImmediate(() => exchange.end());
  const { received } = await answer;
  assert.match(received, /^HTTP\/1\.1 200 [^]*first\r\n0\r\n\r\nHTTP\/1\.1 400 [^]*REQUEST_INVALID/);
});

test('a pipelined request whose body is not there yet gets it when its turn comes', async () => {
  const open: Exchange[] = [];
  await using front = await startFront((exchange) => (exchange.path === '/x' ? open.push(exchange) : echo(exchange)));
  const socket = await connectTo(front.port);
  let received = '';
  socket.on('data', (data) => (received += data));
  socket.write(`${GET}POST /2 HTTP/1.1\r\n${HOST}Content-Length: 6\r\n\r\nabc`);
  const exchange = await until('the request', () => open[0]);
  exchange.respond({ status: 200, headers: [] }, 'first');
  await until('the first answer', () => received.endsWith('first'));
  socket.write(`def${GET}`);
  await until('the second answer', () => received.endsWith('POST /2 a\nabcdef'));
  await until('the third request', () => open.length === 2);
  socket.destroy();
});

test('a malformed body of a request that waits for its turn is found when its turn comes', async () => {
  const open: Exchange[] = [];
  await using front = await startFront((exchange) => open.push(exchange));
  const answer = sendRaw(front.port, `${GET}POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
  const exchange = await until('the request', () => open[0]);
  exchange.respond({ status: 200, headers: [] }, 'first');
  const { received, end } = await answer;
  assert.match(received, /^HTTP\/1\.1 200 [^]*firstHTTP\/1\.1 400 /);
  assert.deepEqual([end, open.length, front.frontend.inFlight], ['closed', 1, 0]);
});

test('a throwing handler ends its exchange with 500 alone', async () => {
  await using front = await startFront((exchange) => {
    if (exchange.path === '/x') throw new TypeError('secret');
    echo(exchange);
  });
  const { received } = await sendRaw(front.port, GET);
  assert.match(received, /^HTTP\/1\.1 500 /);
  assert.ok(!received.includes('secret'));
  const next = await sendRaw(front.port, `GET /y HTTP/1.1\r\n${HOST}\r\n`, { until: (text) => text.includes('/y') });
  assert.match(next.received, /^HTTP\/1\.1 200 /);
});

test('interim answers precede the final one, and never go to HTTP/1.0', async () => {
  await using front = await startFront((exchange) => {
    exchange.inform(103, ['Link', '</a>']);
    exchange.inform(101, []);
    exchange.respond({ status: 200, headers: [] }, 'ok');
  });
  const { received } = await sendRaw(front.port, GET, { until: (text) => text.endsWith('ok') });
  assert.match(received, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK/);
  assert.match((await sendRaw(front.port, 'GET / HTTP/1.0\r\n\r\n')).received, /^HTTP\/1\.1 200 OK/);
});

test('in-flight and connection limits are kept', async () => {
  const open: Exchange[] = [];
  const events: Event['type'][] = [];
  const unsubscribe = subscribe((event) => events.push(event.type));
  await using front = await startFront((exchange) => open.push(exchange), { limits: { maxInFlight: 1, maxConnections: 2 } });
  const first = sendRaw(front.port, `GET /1 HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
  const exchange = await until('the request', () => open[0]);
  const second = await sendRaw(front.port, GET, { until: (text) => text.includes('OVERLOADED') });
  assert.match(second.received, /^HTTP\/1\.1 503 [^]*Retry-After: 1/);
  const sockets = [await connectTo(front.port), await connectTo(front.port)];
  await until('one is refused', () => events.includes('connection.refused'));
  exchange.respond({ status: 200, headers: [] });
  await first;
  for (const socket of sockets) socket.destroy();
  await until('all are closed', () => front.frontend.connections === 0);
  assert.equal(events.filter((type) => type === 'connection.opened').length, events.filter((type) => type === 'connection.closed').length);
  unsubscribe();
});

test('backpressure: write says false, and onDrain is called when the client reads', async () => {
  const total = 64;
  const chunk = Buffer.alloc(262_144, 'z');
  let paused = 0;
  await using front = await startFront((exchange) => {
    exchange.begin({ status: 200, headers: ['Content-Length', `${total * chunk.length}`] });
    let sent = 0;
    const pump = (): void => {
      while (sent < total) {
        sent += 1;
        if (!exchange.write(chunk)) {
          paused += 1;
          if (sent < total) return;
        }
      }
      exchange.end();
    };
    exchange.onDrain(pump);
    pump();
  });
  const { received } = await sendRaw(front.port, `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`, { timeoutMs: 10_000 });
  assert.equal(parseRawResponse(received)?.body.length, total * chunk.length);
  assert.ok(paused > 0);
});

test('64 MB stream through a body and back in bounded memory', async () => {
  const total = 64 * 1_048_576;
  await using front = await startFront((exchange) => {
    const { body } = exchange;
    assert.ok(body);
    exchange.begin({ status: 200, headers: ['Content-Length', `${exchange.contentLength}`] });
    exchange.onDrain(() => body.resume());
    body.on('data', (chunk: Buffer) => exchange.write(chunk) || body.pause());
    body.on('end', () => exchange.end());
  });
  const socket = await connectTo(front.port);
  let received = 0;
  socket.on('data', (chunk) => (received += chunk.length));
  const piece = Buffer.alloc(65_536, 'q');
  const before = process.memoryUsage().rss;
  socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: ${total}\r\n\r\n`);
  for (let sent = 0; sent < total; sent += piece.length) if (!socket.write(piece)) await once(socket, 'drain');
  await until('everything is back', () => received >= total);
  assert.ok(process.memoryUsage().rss - before < 100 * 1_048_576);
  socket.destroy();
});

test('a port that is taken is LISTEN_FAILED with the setting and the way out', async () => {
  await using front = await startFront(echo);
  await assert.rejects(startFront(echo, { listen: { port: front.port } }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'LISTEN_FAILED');
    assert.match(error.message, /^proxy\.port: cannot listen on 127\.0\.0\.1:\d+: the port is in use/);
    return true;
  });
});
