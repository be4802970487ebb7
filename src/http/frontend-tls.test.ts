import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import { makeCertificate, type TestCertificate } from '../../test/support/certificates.ts';
import { echo, startFront } from '../../test/support/front.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import type { TlsSource } from './listener.ts';

const folder = createTempFolder();
process.on('exit', () => folder.remove());
const one = makeCertificate(folder.path, ['one.test']);
const two = makeCertificate(folder.path, ['two.test']);
const fallback = makeCertificate(folder.path, ['fallback.test']);

/** A source whose certificates may be changed between handshakes. */
function source(names: Map<string, TestCertificate>, last?: TestCertificate): TlsSource {
  return {
    contextFor: (servername) => {
      const certificate = names.get(servername);
      return certificate === undefined ? undefined : createSecureContext({ cert: certificate.cert, key: certificate.key });
    },
    ...(last !== undefined && { fallback: { cert: last.cert, key: last.key } }),
  };
}

async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function subject(port: number, servername: string | undefined): Promise<unknown> {
  const socket = await handshake(port, servername === undefined ? {} : { servername });
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

test('the certificate follows the server name, and a change the next handshake', async () => {
  const names = new Map([['one.test', one]]);
  await using front = await startFront(echo, { listen: { tls: source(names, fallback) } });
  assert.equal(await subject(front.port, 'one.test'), 'one.test');
  assert.equal(await subject(front.port, 'ONE.test'), 'one.test');
  assert.equal(await subject(front.port, 'other.test'), 'fallback.test');
  assert.equal(await subject(front.port, undefined), 'fallback.test');
  const before = await handshake(front.port, { servername: 'one.test' });
  names.set('one.test', two);
  assert.equal(await subject(front.port, 'one.test'), 'two.test');
  front.listener.setFallback({ cert: one.cert, key: one.key });
  assert.equal(await subject(front.port, undefined), 'one.test');
  before.write('GET /still HTTP/1.1\r\nHost: one.test\r\n\r\n');
  const [answer] = (await once(before, 'data')) as [Buffer];
  assert.match(answer.toString(), /GET \/still one\.test\n$/);
  before.destroy();
});

test('an unknown name without a fallback is a handshake alert, and the listener goes on', async () => {
  await using front = await startFront(echo, { listen: { tls: source(new Map([['one.test', one]])) } });
  await assert.rejects(handshake(front.port, { servername: 'other.test' }), /alert/);
  await assert.rejects(handshake(front.port, {}), /alert/);
  assert.equal(await subject(front.port, 'one.test'), 'one.test');
});

test('TLS below 1.2 is refused', async () => {
  await using front = await startFront(echo, { listen: { tls: source(new Map(), fallback) } });
  await assert.rejects(handshake(front.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }));
  const socket = await handshake(front.port, { maxVersion: 'TLSv1.2' });
  assert.equal(socket.getProtocol(), 'TLSv1.2');
  socket.destroy();
});

test('ALPN offers h2 only where it is switched on', async () => {
  for (const http2 of [true, false]) {
    await using front = await startFront(echo, { listen: { tls: source(new Map(), fallback), http2 } });
    const socket = await handshake(front.port, { ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(socket.alpnProtocol, http2 ? 'h2' : 'http/1.1');
    socket.destroy();
  }
});

test('HTTP/1.1 and HTTP/2 over one TLS port', async () => {
  const seen: string[] = [];
  await using front = await startFront(
    (exchange) => {
      seen.push(`${exchange.version} ${exchange.isTls} ${exchange.remoteAddress} ${exchange.listener}`);
      echo(exchange);
    },
    { listen: { tls: source(new Map(), fallback) } },
  );
  const socket = await handshake(front.port, { servername: 'a.test' });
  socket.write('POST /1 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  assert.match(text, /Connection: close\r\n\r\nPOST \/1 a\.test\nhi$/);
  const session = connectHttp2(`https://127.0.0.1:${front.port}`, { rejectUnauthorized: false });
  const stream = session.request({ ':path': '/2', ':authority': 'b.test' });
  let body = '';
  for await (const chunk of stream) body += String(chunk);
  assert.equal(body, 'GET /2 b.test\n');
  session.destroy();
  assert.deepEqual(seen, ['1.1 true 127.0.0.1 test', '2.0 true 127.0.0.1 test']);
});

test('drain over TLS closes idle connections of both protocols', async () => {
  await using front = await startFront(echo, { listen: { tls: source(new Map(), fallback) } });
  const socket = await handshake(front.port, {});
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  socket.resume();
  const session = connectHttp2(`https://127.0.0.1:${front.port}`, { rejectUnauthorized: false });
  session.on('error', () => undefined);
  const stream = session.request({ ':path': '/' });
  stream.resume();
  await once(stream, 'close');
  const closed = Promise.all([once(socket, 'close'), once(session, 'close')]);
  await front.frontend.drain(5_000);
  assert.equal(front.frontend.connections, 0);
  await closed;
});

test('certificates that change with every handshake fail none', async () => {
  const names = new Map([['one.test', one]]);
  const contexts = [one, two].map(({ cert, key }) => createSecureContext({ cert, key }));
  let turn = 0;
  await using front = await startFront(echo, {
    listen: { tls: { ...source(names, fallback), contextFor: () => contexts[(turn += 1) % 2] } },
  });
  for (let i = 0; i < 100; i += 1) {
    const subjects = await Promise.all(Array.from({ length: 4 }, () => subject(front.port, 'one.test')));
    assert.ok(subjects.every((name) => name === 'one.test' || name === 'two.test'));
  }
});
