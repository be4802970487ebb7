import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { callUpstream, toUpstreamOptions } from '../../test/support/call-upstream.ts';
import { until } from '../../test/support/until.ts';
import type { Upstream } from './upstream.ts';
import { createUpstreams } from './upstreams.ts';

/** A server that answers an upgrade with these bytes and then echoes. */
async function startUpgrading(t: TestContext, bytes: string): Promise<{ upstream: Upstream; sockets: Duplex[] }> {
  const sockets: Duplex[] = [];
  const server = createServer((_request, response) => response.end('plain'));
  server.on('upgrade', (_request, socket) => {
    sockets.push(socket.on('error', () => {}).on('end', () => socket.end()));
    socket.write(bytes, 'latin1');
    socket.on('data', (chunk) => socket.write(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstreams = createUpstreams();
  t.after(() => {
    upstreams.close();
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { upstream: upstreams.get(toUpstreamOptions((server.address() as AddressInfo).port)), sockets };
}

const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n';

test('after 101 the socket belongs to the caller, with the bytes that came along', async (t) => {
  const { upstream } = await startUpgrading(t, `${SWITCH}FIRST`);
  const answer = await callUpstream(upstream, { upgrade: 'websocket' });
  assert.deepEqual([answer.error, answer.order, answer.headers], [undefined, ['onUpgrade'], ['Sec-WebSocket-Accept', 'x']]);
  assert.equal(answer.upgraded?.firstBytes.toString(), 'FIRST');
  const socket = answer.upgraded.socket;
  socket.write('echo me');
  socket.resume();
  const [chunk] = (await new Promise((resolve) => socket.once('data', (data: Buffer) => resolve([data])))) as [Buffer];
  assert.equal(chunk.toString(), 'echo me');
  socket.destroy();
});

test('bytes that come after the head wait until the caller reads', async (t) => {
  const { upstream, sockets } = await startUpgrading(t, SWITCH);
  const answer = await callUpstream(upstream, { upgrade: 'websocket' });
  sockets[0]?.write('LATER');
  await new Promise((resolve) => setTimeout(resolve, 20));
  let text = '';
  answer.upgraded?.socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  answer.upgraded?.socket.resume();
  await until('the late bytes came', () => text === 'LATER');
  answer.upgraded?.socket.destroy();
});

test('an upstream that does not upgrade gives an ordinary answer', async (t) => {
  const { upstream, sockets } = await startUpgrading(t, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
  const answer = await callUpstream(upstream, { upgrade: 'websocket' });
  assert.deepEqual([answer.status, answer.body.toString(), answer.upgraded], [403, 'no', undefined]);
  await until('the connection of the upgrade is not kept', () => sockets[0]?.destroyed);
  assert.equal((await callUpstream(upstream)).body.toString(), 'plain');
});

test('200 is no upgrade, another protocol is none either', async (t) => {
  const { upstream } = await startUpgrading(t, 'HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n');
  assert.deepEqual((await callUpstream(upstream, { upgrade: 'websocket' })).order, ['onHead', 'onEnd']);
  const other = await startUpgrading(t, SWITCH.replace('websocket', 'h2c'));
  assert.equal((await callUpstream(other.upstream, { upgrade: 'websocket' })).error?.code, 'UPSTREAM_INVALID');
});

test('an upgrade may fail to connect or be aborted', async (t) => {
  const upstreams = createUpstreams();
  t.after(() => upstreams.close());
  const dead = await callUpstream(upstreams.get(toUpstreamOptions(1)), { upgrade: 'websocket' });
  assert.deepEqual([dead.error?.code, dead.sent], ['UPSTREAM_CONNECT', false]);
  const { upstream, sockets } = await startUpgrading(t, '');
  let told = false;
  void callUpstream(upstream, {
    upgrade: 'websocket',
    onCall: (call) => void until('connected', () => sockets[0]).then(() => call.abort()),
  }).then(() => (told = true));
  await until('the connection was closed', () => sockets[0]?.destroyed);
  assert.equal(told, false);
});
