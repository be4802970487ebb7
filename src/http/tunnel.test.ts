import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { echo, startFront, type TestFront } from '../../test/support/front.ts';
import { sendRaw } from '../../test/support/raw-client.ts';
import { until } from '../../test/support/until.ts';
import type { Exchange } from './exchange.ts';

const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: x\r\n\r\n';
const AGREED = 'HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: y\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** A frontend whose upgrades are joined with a connection to `serve`. */
async function startTunnels(serve: (socket: Socket) => void): Promise<TestFront & { peers: Set<Socket> }> {
  const peers = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    peers.add(socket);
    socket.on('close', () => peers.delete(socket)).on('error', () => undefined);
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const front = await startFront((exchange) => {
    if (exchange.upgrade !== 'websocket') return echo(exchange);
    const peer = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    peer.once('connect', () => exchange.tunnel({ status: 101, headers: ['Sec-WebSocket-Accept', 'y'] }, peer, Buffer.from(exchange.query)));
  });
  return {
    ...front,
    peers,
    async [Symbol.asyncDispose]() {
      front.frontend.close();
      for (const peer of peers) peer.destroy();
      server.close();
    },
  };
}

/** Sends `bytes` in pieces behind an upgrade, ends its half, and gives what came back. */
async function session(port: number, bytes: Buffer, pieces: number, early: boolean): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const received: Buffer[] = [];
  socket.on('data', (data) => received.push(data));
  // The first piece may come before anybody has agreed to the upgrade.
  socket.write(UPGRADE);
  const size = Math.ceil(bytes.length / pieces) || 1;
  if (!early) await once(socket, 'data');
  for (let at = 0; at < bytes.length; at += size) if (!socket.write(bytes.subarray(at, at + size))) await once(socket, 'drain');
  socket.end();
  await once(socket, 'close');
  return Buffer.concat(received);
}

test('a thousand sessions are byte-identical both ways and leave nothing behind', async () => {
  await using front = await startTunnels((socket) => socket.pipe(socket));
  for (let round = 0; round < 20; round += 1) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const bytes = randomBytes((i * 131 * (round + 1)) % 20_000);
        const received = await session(front.port, bytes, 1 + (i % 7), i % 2 === 0);
        assert.equal(received.subarray(0, AGREED.length).toString('latin1'), AGREED);
        assert.ok(received.subarray(AGREED.length).equals(bytes));
      }),
    );
  }
  await until('everything is closed', () => front.frontend.connections === 0 && front.peers.size === 0);
  assert.equal(front.frontend.inFlight, 0);
});

test('a large session respects backpressure', async () => {
  await using front = await startTunnels((socket) => socket.pipe(socket));
  const bytes = randomBytes(16 * 1_048_576);
  assert.ok((await session(front.port, bytes, 300, false)).subarray(AGREED.length).equals(bytes));
});

test('half-close: the side that ended first still receives', async () => {
  await using front = await startTunnels((socket) => {
    socket.resume();
    socket.on('end', () => setTimeout(() => socket.end('after your end'), 30));
  });
  const received = await session(front.port, Buffer.from('x'), 1, false);
  assert.ok(received.toString().endsWith('\r\n\r\nafter your end'));
});

test('when one side breaks the other is closed', async () => {
  await using front = await startTunnels((socket) => setTimeout(() => socket.resetAndDestroy(), 20));
  const { end } = await sendRaw(front.port, UPGRADE);
  assert.notEqual(end, 'timeout');
  await until('everything is closed', () => front.frontend.connections === 0 && front.frontend.inFlight === 0);
  await using other = await startTunnels((socket) => socket.resume().on('end', () => socket.end()));
  const client = connect(other.port, '127.0.0.1').on('error', () => undefined);
  client.write(UPGRADE);
  await once(client, 'data');
  client.resetAndDestroy();
  await until('the peer is closed', () => other.peers.size === 0 && other.frontend.inFlight === 0);
});

test('an upgrade may be refused with an ordinary answer, which ends the connection', async () => {
  const seen: Exchange[] = [];
  await using front = await startFront((exchange) => {
    seen.push(exchange);
    exchange.respond({ status: 403, headers: [] }, 'no');
  });
  const { received, end } = await sendRaw(front.port, `${UPGRADE}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
  assert.match(received, /^HTTP\/1\.1 403 [^]*Connection: close\r\n\r\nno$/);
  assert.deepEqual([end, seen.length], ['closed', 1]);
});

test('a streamed refusal of an upgrade drains like any other answer', async () => {
  await using front = await startFront((exchange) => {
    exchange.begin({ status: 200, headers: [] });
    const chunk = Buffer.alloc(65_536, 'r');
    let left = 40;
    const pump = (): void => {
      while (left > 0) {
        left -= 1;
        if (!exchange.write(chunk)) return;
      }
      exchange.end();
    };
    exchange.onDrain(pump);
    pump();
  });
  const { received, end } = await sendRaw(front.port, UPGRADE);
  assert.equal(end, 'closed');
  assert.ok(received.endsWith('0\r\n\r\n') && received.length > 40 * 65_536);
});

test('another protocol than WebSocket, another method or a body is an ordinary request', async () => {
  await using front = await startFront(echo);
  const others = [
    UPGRADE.replace('WebSocket', 'h2c'),
    UPGRADE.replace('GET', 'POST'),
    UPGRADE.replace('Sec-WebSocket-Key: x', 'Content-Length: 0').replace('WebSocket', 'x'),
  ];
  for (const bytes of others) {
    // node's parser loses the bytes behind such a request, so the connection must end with its answer.
    const { received, end } = await sendRaw(front.port, `${bytes}GET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.match(received, /^HTTP\/1\.1 200 [^]*Connection: close\r\n\r\n(GET|POST) \/ws a\n$/);
    assert.equal(end, 'closed');
  }
});

test('an upgrade behind a pipelined request waits for its turn', async () => {
  const open: Exchange[] = [];
  await using front = await startFront((exchange) => open.push(exchange));
  const answer = sendRaw(front.port, `GET /1 HTTP/1.1\r\nHost: a\r\n\r\n${UPGRADE}`);
  const first = await until('the first', () => open[0]);
  assert.equal(open.length, 1);
  first.respond({ status: 200, headers: [] }, 'one');
  const second = await until('the second', () => open[1]);
  assert.equal(second.upgrade, 'websocket');
  second.respond({ status: 400, headers: [] }, 'two');
  assert.match((await answer).received, /one(HTTP\/1\.1 400) [^]*two$/);
});
