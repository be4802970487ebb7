import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { createTempFolder, type TempFolder } from '../support/temp.ts';
import { until } from '../support/until.ts';

let gateway: Gateway;
let folder: TempFolder;
let certificate: TestCertificate;
const servers: Server[] = [];
const upgrades: IncomingMessage[] = [];
const peers = new Set<WebSocket>();

/** A WebSocket server that echoes, closes with the code that it is told, and refuses `/forbidden`. */
async function startPeer(server: Server): Promise<number> {
  const websockets = new WebSocketServer({ noServer: true, handleProtocols: (protocols) => [...protocols][0] ?? false });
  server.on('upgrade', (request, socket, head) => {
    upgrades.push(request);
    if (request.url?.includes('forbidden'))
      return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
    websockets.handleUpgrade(request, socket, head, (peer) => {
      peers.add(peer);
      peer.on('error', () => {}).on('close', () => peers.delete(peer));
      peer.on('message', (message, isBinary) => {
        const text = isBinary ? '' : String(message);
        if (text.startsWith('close ')) peer.close(Number(text.slice(6)), 'as you wish');
        else peer.send(message, { binary: isBinary });
      });
      if (request.url?.includes('greet')) peer.send('hello');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

before(async () => {
  folder = createTempFolder();
  certificate = makeCertificate(folder.path, ['localhost', 'ws.test']);
  const tls = { port: '${TLS_PORT}', cert_file: certificate.certFile, key_file: certificate.keyFile };
  gateway = await startGateway({ config: { proxy: { tls, enable_http2: true, global_headers: { 'X-Global': 'g' } } } });
  const plain = await startPeer(createServer());
  const secure = await startPeer(createSecureServer({ cert: certificate.cert, key: certificate.key }));
  await deploy(gateway, 'http', { urls: [`http://127.0.0.1:${plain}`] });
  await deploy(gateway, 'ws', { urls: [`ws://127.0.0.1:${plain}/base`], route: { stripPath: true, paths: ['/ws/*'] } });
  await deploy(gateway, 'wss', { urls: [`wss://localhost:${secure}`], service: { tlsSkipVerify: true } });
  await deploy(gateway, 'module', {
    urls: [`ws://127.0.0.1:${plain}`],
    source: `export const requestModifier = (ctx: any) => ctx.request().headers.set('X-By', 'module')
      export const responseModifier = () => {}`,
  });
  await deploy(gateway, 'down', { urls: ['ws://127.0.0.1:1'] });
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  for (const peer of peers) peer.terminate();
  folder.remove();
});

async function open(path: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<WebSocket> {
  const { protocols = [], ...rest } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports.proxy}${path}`, protocols, rest);
  await once(socket, 'open');
  return socket;
}

async function echo(socket: WebSocket, message: string | Buffer): Promise<Buffer> {
  const answer = once(socket, 'message');
  socket.send(message);
  return (await answer)[0] as Buffer;
}

for (const name of ['http', 'ws', 'wss', 'module']) {
  test(`messages travel both ways through /${name}`, async () => {
    const socket = await open(`/${name}/chat?room=1`, { protocols: ['chat.v2', 'chat.v1'], headers: { 'X-Ask': 'me' } });
    assert.equal(socket.protocol, 'chat.v2');
    assert.equal(String(await echo(socket, 'ping')), 'ping');
    const large = randomBytes(3_000_000);
    assert.ok(large.equals(await echo(socket, large)));
    const request = upgrades.at(-1);
    assert.equal(request?.url, name === 'ws' ? '/base/chat?room=1' : `/${name}/chat?room=1`);
    assert.equal(request?.headers['x-ask'], 'me');
    assert.equal(request?.headers['x-forwarded-proto'], 'http');
    if (name === 'module') assert.equal(request?.headers['x-by'], 'module');
    const closed = once(socket, 'close');
    socket.send('close 4321');
    const [code, reason] = (await closed) as [number, Buffer];
    assert.deepEqual([code, String(reason)], [4321, 'as you wish']);
  });
}

test('what the server says first is not lost, and the end of either side ends the other', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports.proxy}/http/greet`);
  assert.equal(String((await once(socket, 'message'))[0]), 'hello');
  await until('the peer', () => peers.size === 1);
  socket.terminate();
  await until('the peer is gone too', () => peers.size === 0);
  const other = await open('/http/x');
  await until('the peer', () => peers.size === 1);
  const closed = once(other, 'close');
  for (const peer of peers) peer.terminate();
  assert.equal((await closed)[0], 1006);
});

test('a refused upgrade is an ordinary answer; a dead upstream is 502', async () => {
  const statusOf = async (path: string): Promise<number | undefined> => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.ports.proxy}${path}`);
    return await new Promise((resolve) => socket.on('unexpected-response', (_request, response) => resolve(response.resume().statusCode)));
  };
  assert.equal(await statusOf('/http/forbidden'), 403);
  assert.equal(await statusOf('/down'), 502);
  assert.equal(await statusOf('/unknown'), 404);
  assert.equal((await ask(`${gateway.proxyUrl}/unknown`)).status, 404);
});

test('over the TLS listener', async () => {
  const socket = new WebSocket(`wss://127.0.0.1:${gateway.ports.tls}/http/chat`, [], {
    rejectUnauthorized: false,
    servername: 'ws.test',
  } as ClientOptions);
  await once(socket, 'open');
  assert.equal(String(await echo(socket, 'secret')), 'secret');
  assert.equal(upgrades.at(-1)?.headers['x-forwarded-proto'], 'https');
  socket.terminate();
});

test('a change of the route does not end sockets that are open', async () => {
  const socket = await open('/http/chat');
  await gateway.put('route', { name: 'http', paths: ['/elsewhere'], methods: ['GET'], service: 'http' });
  assert.equal(String(await echo(socket, 'still here')), 'still here');
  socket.terminate();
});
