import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { parseRawResponse, sendRaw } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

const MEGABYTE = Buffer.alloc(1024 * 1024, 'a');
const MEGABYTES = 192;

/** Events of the upstream that tests wait for. */
const seen = { requests: 0, closed: 0, bodyBytes: 0 };
let release: () => void = () => {};
let gateway: Gateway;
let server: http.Server;

function serve(request: http.IncomingMessage, response: http.ServerResponse): void {
  const path = request.url ?? '';
  seen.requests += 1;
  response.on('close', () => (seen.closed += response.writableFinished ? 0 : 1));
  if (path.includes('/stepwise')) {
    // Every part is sent only when the test has seen the one before.
    response.writeHead(200, { 'content-type': 'text/event-stream', ...(path.includes('length') && { 'content-length': 12 }) });
    response.write('one;');
    release = () => {
      response.write('two;');
      release = () => response.end('end;');
    };
  } else if (path.includes('/silent')) {
    release = () => response.end('late');
  } else if (path.includes('/head-first')) {
    response.writeHead(200, { 'x-first': 'yes' });
    response.flushHeaders();
    release = () => response.end('body');
  } else if (path.includes('/hash')) {
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk)).on('end', () => response.end(hash.digest('hex')));
  } else if (path.includes('/download')) {
    void pipeline(Readable.from(Array.from({ length: MEGABYTES }, () => MEGABYTE)), response).catch(() => {});
  } else if (path.includes('/endless')) {
    void pipeline(Readable.from(endless()), response).catch(() => {});
  } else if (path.includes('/count')) {
    request.on('data', (chunk: Buffer) => (seen.bodyBytes += chunk.length)).on('end', () => response.end(String(seen.bodyBytes)));
  } else if (path.includes('/duplex')) {
    response.writeHead(200);
    request.on('data', (chunk: Buffer) => response.write(String(chunk).toUpperCase())).on('end', () => response.end('.'));
  } else if (path.includes('/refuse')) {
    response.writeHead(413, { connection: 'close' }).end('too much');
  } else if (path.includes('/trailers')) {
    response.writeHead(200, { trailer: 'X-Sum' });
    response.write('body');
    request.resume().on('end', () => {
      response.addTrailers({ 'X-Sum': String(request.trailers['x-in'] ?? 'none') });
      response.end();
    });
  } else if (path.includes('/hints')) {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' }, () => response.end('hinted'));
  } else {
    request.resume().on('end', () => response.end(JSON.stringify(request.headers)));
  }
}

function* endless(): Generator<Buffer> {
  for (;;) yield MEGABYTE;
}

before(async () => {
  server = http.createServer(serve).listen(0, '127.0.0.1');
  [gateway] = await Promise.all([startGateway(), once(server, 'listening')]);
  const urls = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
  await deploy(gateway, 's', { urls });
  await deploy(gateway, 'm', { urls, source: 'export const requestModifier = () => {}; export const responseModifier = () => {}' });
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

/** Opens a request and resolves with its response, unread. */
function open(
  path: string,
  options: http.RequestOptions = {},
  body?: (request: http.ClientRequest) => void,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = http.request(gateway.proxyUrl + path, { agent: false, ...options }, resolve).on('error', reject);
    if (body === undefined) request.end();
    else body(request);
  });
}

for (const route of ['s', 'm']) {
  test(`events and chunks reach the client one by one, with and without a length (/${route})`, async () => {
    for (const path of [`/${route}/stepwise`, `/${route}/stepwise-length`]) {
      const response = await open(path);
      response.setEncoding('utf8');
      for (const part of ['one;', 'two;', 'end;']) {
        assert.equal((await once(response, 'data'))[0], part);
        release();
      }
      await until('the end', () => response.readableEnded);
    }
  });

  test(`a head without a body yet is sent at once (/${route})`, async () => {
    const response = await open(`/${route}/head-first`);
    assert.equal(response.headers['x-first'], 'yes');
    release();
    assert.equal((await response.setEncoding('utf8').toArray()).join(''), 'body');
  });

  test(`a client that goes away takes the upstream request along (/${route})`, async () => {
    for (const path of ['silent', 'endless', 'stepwise']) {
      const { closed, requests } = seen;
      const request = http.get(`${gateway.proxyUrl}/${route}/${path}`, { agent: false }).on('error', () => {});
      if (path !== 'silent') await once(request, 'response');
      else await until('the upstream has it', () => seen.requests > requests);
      request.destroy();
      await until(`${path} is cancelled`, () => seen.closed > closed);
    }
    assert.equal((await ask(`${gateway.proxyUrl}/${route}/x`)).status, 200);
  });
}

test('request bodies stream up while the answer streams down', async () => {
  let sender: http.ClientRequest | undefined;
  const response = await open('/s/duplex', { method: 'POST' }, (request) => {
    sender = request;
    request.write('first');
  });
  response.setEncoding('utf8');
  assert.equal((await once(response, 'data'))[0], 'FIRST');
  sender?.write('second');
  assert.equal((await once(response, 'data'))[0], 'SECOND');
  sender?.end();
  assert.equal((await once(response, 'data'))[0], '.');
});

test('large bodies arrive whole both ways and are not gathered in memory', async () => {
  const residentBytes = async (): Promise<number> => {
    const text = (await gateway.admin('GET', '/metrics')).text;
    return Number(/^process_resident_memory_bytes(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1]);
  };
  const idle = await residentBytes();
  const expected = createHash('sha256');
  for (let i = 0; i < MEGABYTES; i += 1) expected.update(MEGABYTE);
  const wanted = expected.digest('hex');
  for (const headers of [{}, { 'content-length': MEGABYTES * MEGABYTE.length }]) {
    const response = await open('/s/hash', { method: 'PUT', headers }, (request) => {
      void pipeline(Readable.from(Array.from({ length: MEGABYTES }, () => MEGABYTE)), request);
    });
    assert.equal((await response.setEncoding('utf8').toArray()).join(''), wanted);
  }
  const hash = createHash('sha256');
  for await (const chunk of await open('/s/download')) hash.update(chunk as Buffer);
  assert.equal(hash.digest('hex'), wanted);
  assert.ok((await residentBytes()) - idle < 150e6, `from ${idle} to ${await residentBytes()} bytes`);
});

test('a client that does not read holds the upstream back', async () => {
  const response = await open('/s/endless');
  response.pause();
  let last = -1;
  const socketBytes = (): number => response.socket.bytesRead;
  await until('bytes stop coming', async () => {
    const now = socketBytes();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const settled = now === last;
    last = now;
    return settled;
  });
  assert.ok(last < 8e6, `${last} bytes came`);
  response.destroy();
});

test('Expect: 100-continue: the client is asked for the body, and an upstream that refuses it is heard', async () => {
  const asked: string[] = [];
  const response = await open('/s/hash', { method: 'POST', headers: { expect: '100-continue', 'content-length': 4 } }, (request) => {
    request.on('continue', () => {
      asked.push('continue');
      request.end('body');
    });
    request.flushHeaders();
  });
  assert.equal((await response.setEncoding('utf8').toArray()).join(''), createHash('sha256').update('body').digest('hex'));
  assert.deepEqual(asked, ['continue']);
  const { received } = await sendRaw(
    gateway.ports.proxy,
    'POST /s/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 200-maybe\r\n\r\nx',
    {
      until: (text) => parseRawResponse(text) !== undefined,
    },
  );
  assert.equal(parseRawResponse(received)?.status, 417);
});

test('an upstream that answers before it read the body is heard', async () => {
  const head = `POST /s/refuse HTTP/1.1\r\nHost: x\r\nContent-Length: ${50 * MEGABYTE.length}\r\n\r\n`;
  const socket = connect(gateway.ports.proxy, '127.0.0.1');
  socket.on('error', () => {});
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  socket.write(head);
  for (let i = 0; i < 3 && socket.writable; i += 1) socket.write(MEGABYTE);
  await until('the refusal', () => /^HTTP\/1.1 413 /.test(received) && received.includes('too much'));
  socket.destroy();
});

test('trailers travel both ways; early hints come before the answer', async () => {
  const sent =
    'POST /s/trailers HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTrailer: X-In\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-In: 42\r\n\r\n';
  const { received } = await sendRaw(gateway.ports.proxy, sent, { until: (text) => /\r\n0\r\n(.*\r\n)*\r\n$/.test(text) });
  assert.match(received, /\r\n0\r\nX-Sum: (42|none)\r\n\r\n$/i);

  const hints: unknown[] = [];
  const response = await open('/s/hints', {}, (request) => request.on('information', (info) => hints.push(info.statusCode)).end());
  assert.equal((await response.setEncoding('utf8').toArray()).join(''), 'hinted');
  assert.deepEqual(hints, [103]);
});

test('HTTP/1.0 clients get whole bodies without chunks', async () => {
  const { received } = await sendRaw(gateway.ports.proxy, 'GET /s/download HTTP/1.0\r\nHost: x\r\n\r\n');
  assert.match(received.slice(0, 1000), /^HTTP\/1\.[01] 200 /);
  assert.doesNotMatch(received.slice(0, 1000), /transfer-encoding/i);
  assert.equal(received.length - received.indexOf('\r\n\r\n') - 4, MEGABYTES * MEGABYTE.length);
});
