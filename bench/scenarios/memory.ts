import http from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gateway } from '../../test/support/gateway.ts';
import { processTree, rssBytes } from '../process-usage.ts';
import type { Measurement } from '../result.ts';
import { type Effort, plainRoute, startPinnedGateway } from '../stand.ts';

const MB = 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** Memory of the whole server: idle, per idle connection, and its growth while 1 GB streams through in each direction. */
export async function measureMemory(effort: Effort): Promise<Measurement[]> {
  const streamed = (effort.isQuick ? 200 : 1024) * MB;
  await using upstream = await startByteServer();
  await using gateway = await startPinnedGateway({ proxy: { init_resources: plainRoute(upstream.url) } });
  await pause(2_000);
  const idle = rssOf(gateway);
  const perConnection = await measureIdleConnections(gateway, effort.isQuick ? 500 : 4_000);
  await download(gateway, 64 * MB);
  await upload(gateway, 64 * MB);
  const down = await growthDuring(gateway, () => download(gateway, streamed));
  const up = await growthDuring(gateway, () => upload(gateway, streamed));
  const note = `${streamed / MB} MB in one request, peak against before`;
  return [
    { name: 'idle RSS', measured: idle / MB, unit: 'MB' },
    { name: 'per idle connection', measured: perConnection / 1024, unit: 'KB', note: 'each after one request' },
    { name: 'growth, streaming a response', measured: down / MB, unit: 'MB', goal: { atMost: 50 }, note },
    { name: 'growth, streaming a request', measured: up / MB, unit: 'MB', goal: { atMost: 50 }, note },
  ];
}

const rssOf = (gateway: Gateway): number => rssBytes(processTree(gateway.pid()));

async function growthDuring(gateway: Gateway, work: () => Promise<void>): Promise<number> {
  const before = rssOf(gateway);
  let peak = before;
  const sampler = setInterval(() => (peak = Math.max(peak, rssOf(gateway))), 100);
  try {
    await work();
  } finally {
    clearInterval(sampler);
  }
  return peak - before;
}

async function measureIdleConnections(gateway: Gateway, count: number): Promise<number> {
  const before = rssOf(gateway);
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i += 1) sockets.push(await openIdle(gateway.ports.proxy));
  await pause(1_000);
  const after = rssOf(gateway);
  for (const socket of sockets) socket.destroy();
  return (after - before) / count;
}

/** A connection that made one request (answered 404 without an upstream) and stays open. */
function openIdle(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('GET /none HTTP/1.1\r\nHost: bench\r\n\r\n'));
    socket.once('data', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Serves `?bytes=N` as a body of N bytes, and swallows what it is sent. */
async function startByteServer(): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = http.createServer((request, response) => {
    request.resume();
    const bytes = Number(new URL(request.url ?? '/', 'http://a').searchParams.get('bytes') ?? 0);
    if (request.method === 'GET') void writeBytes(response, bytes);
    else request.on('end', () => response.end('done'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close };
}

async function writeBytes(target: http.ServerResponse | http.ClientRequest, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes && !target.destroyed; sent += CHUNK.length) {
    if (!target.write(CHUNK)) await new Promise<void>((resolve) => target.once('drain', resolve));
  }
  target.end();
}

function download(gateway: Gateway, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http
      .get(`${gateway.proxyUrl}/plain?bytes=${bytes}`, { agent: false }, (response) => {
        let received = 0;
        response.on('data', (chunk: Buffer) => (received += chunk.length));
        response.on('error', reject);
        response.on('end', () =>
          received === bytes ? resolve() : reject(new Error(`${received} of ${bytes} bytes came, status ${response.statusCode}`)),
        );
      })
      .on('error', reject);
  });
}

function upload(gateway: Gateway, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${gateway.proxyUrl}/plain`, { agent: false, method: 'POST' }, (response) => {
      response
        .resume()
        .on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`upload: status ${response.statusCode}`))));
    });
    request.on('error', reject);
    void writeBytes(request, bytes);
  });
}
