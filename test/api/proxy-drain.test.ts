import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';

interface Upstream extends AsyncDisposable {
  readonly url: string;
  readonly server: http.Server;
  readonly arrived: () => number;
  /** Ends every answer that waits. */
  release(): void;
}

/** Answers `/wait` when released, begins `/events` at once and ends it when released; WebSockets are echoed. */
async function startWaiting(): Promise<Upstream> {
  let arrived = 0;
  const waiting: http.ServerResponse[] = [];
  const server = http.createServer((request, response) => {
    arrived += 1;
    if (request.url?.includes('/wait')) waiting.push(response);
    else if (request.url?.includes('/sse')) response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    else if (request.url?.includes('/events')) {
      response.write('first;');
      waiting.push(response);
    } else response.end('ok');
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (message) => socket.send(String(message))).on('error', () => {}));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    arrived: () => arrived,
    release: () => waiting.splice(0).forEach((response) => response.end('done')),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      for (const client of sockets.clients) client.terminate();
      server.close();
    },
  };
}

test('SIGTERM: requests under way are finished, idle connections closed, nothing new is taken, exit code 0', async () => {
  await using upstream = await startWaiting();
  await using gateway = await startGateway({ config: { proxy: { enable_http2: true, enable_h2c: true } } });
  await deploy(gateway, 'up', { urls: [upstream.url] });
  const source = `export const requestHandler = async (ctx: any) => {
    await fetch('${upstream.url}/wait')
    ctx.response().send('handled')
  }`;
  await deploy(gateway, 'slow', { source });

  const idle = connect(gateway.ports.proxy, '127.0.0.1');
  await once(idle, 'connect');
  const agent = new http.Agent({ keepAlive: true });
  assert.equal((await ask(`${gateway.proxyUrl}/up/x`, { agent })).text, 'ok');
  const session = http2.connect(gateway.proxyUrl);
  const streamed = session.request({ ':path': '/up/wait' }).setEncoding('utf8').toArray();

  const answers = [ask(`${gateway.proxyUrl}/up/wait`), ask(`${gateway.proxyUrl}/up/events`), ask(`${gateway.proxyUrl}/slow`)];
  await until('all are under way', () => upstream.arrived() === 5);
  const idleClosed = once(idle, 'close');
  const stopped = gateway.stop();
  await idleClosed;
  await until(
    'nothing new is taken',
    async () =>
      await ask(`${gateway.proxyUrl}/up/x`).then(
        () => false,
        () => true,
      ),
  );
  upstream.release();
  assert.deepEqual(
    (await Promise.all(answers)).map(({ status, text }) => [status, text]),
    [
      [200, 'done'],
      [200, 'first;done'],
      [200, 'handled'],
    ],
  );
  assert.equal((await streamed).join(''), 'done');
  assert.equal(await stopped, 0);
  agent.destroy();
  session.destroy();
});

test('what does not end within shutdown_grace is cut: streams, WebSockets, silent upstreams', async () => {
  await using upstream = await startWaiting();
  await using gateway = await startGateway({ config: { shutdown_grace: '700ms' } });
  await deploy(gateway, 'up', { urls: [upstream.url] });
  const socket = connect(gateway.ports.proxy, '127.0.0.1');
  socket.write(
    'GET /up/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1.1 101/);
  const ended = Promise.allSettled([ask(`${gateway.proxyUrl}/up/wait`), ask(`${gateway.proxyUrl}/up/events`)]);
  await until('both are under way', () => upstream.arrived() === 2);
  const startedAt = performance.now();
  const stopped = gateway.stop();
  assert.equal(((await once(socket, 'data'))[0] as Buffer)[0], 0x88, 'a Close, which this client does not mind');
  const closed = once(socket, 'close');
  assert.equal(await stopped, 0);
  await closed;
  const ms = performance.now() - startedAt;
  assert.ok(ms > 600, `stopped after ${ms} ms`);
  assert.deepEqual(
    (await ended).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
});

test('SIGTERM: clients of WebSockets and of server-sent events are told to go, over HTTP/1 and HTTP/2', async () => {
  await using upstream = await startWaiting();
  await using gateway = await startGateway({ config: { shutdown_grace: '60s', proxy: { enable_http2: true, enable_h2c: true } } });
  await deploy(gateway, 'up', { urls: [upstream.url] });
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports.proxy}/up/ws`);
  await once(socket, 'open');
  const session = http2.connect(gateway.proxyUrl);
  const streamed = session.request({ ':path': '/up/sse' }).setEncoding('utf8').toArray();
  const events = ask(`${gateway.proxyUrl}/up/sse`);
  await until('both are under way', () => upstream.arrived() === 2);
  const echoed = once(socket, 'message');
  socket.send('hello');
  assert.equal(String((await echoed)[0]), 'hello');
  const closed = once(socket, 'close');
  const startedAt = performance.now();
  const stopped = gateway.stop();
  assert.equal((await closed)[0], 1001);
  assert.equal((await events).text, 'data: 1\n\n', 'the answer ends as it should');
  assert.equal((await streamed).join(''), 'data: 1\n\n');
  session.close();
  assert.equal(await stopped, 0);
  assert.ok(performance.now() - startedAt < 45_000, 'nobody waits for the grace');
});
