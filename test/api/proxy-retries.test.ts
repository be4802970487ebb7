import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { until } from '../support/until.ts';
import { type RecordingUpstream, startUpstream } from '../support/upstream.ts';

let gateway: Gateway;
let upstream: RecordingUpstream;

before(async () => {
  [gateway, upstream] = await Promise.all([startGateway(), startUpstream()]);
});
after(() => Promise.all([gateway[Symbol.asyncDispose](), upstream.close()]));

/** How often the upstream was asked while `work` ran, and the status that came of it. */
async function attempts(path: string, method = 'GET', body?: string): Promise<{ asked: number; status: number; ms: number }> {
  const before = upstream.requests.length;
  const startedAt = performance.now();
  const { status } = await ask(gateway.proxyUrl + path, { method, ...(body !== undefined && { body }) });
  return { asked: upstream.requests.length - before, status, ms: performance.now() - startedAt };
}

test('a dropped request is sent again when it is safe, retries times, with retryTimeout between', async () => {
  await deploy(gateway, 'drop', {
    urls: [upstream.url],
    service: { retries: 2, retryTimeout: '60ms' },
    route: { paths: ['/drop', '/status/{code}'] },
  });
  const get = await attempts('/drop');
  assert.equal(get.status, 502);
  assert.equal(get.asked, 3);
  assert.ok(get.ms >= 115, `two pauses of 60 ms in ${get.ms} ms`);
  for (const method of ['HEAD', 'OPTIONS', 'DELETE']) assert.equal((await attempts('/drop', method)).asked, 3, method);
  for (const method of ['POST', 'PATCH']) assert.equal((await attempts('/drop', method, 'x')).asked, 1, method);
  for (const method of ['POST', 'PATCH']) assert.equal((await attempts('/drop', method)).asked, 1, `${method} without a body`);
  assert.deepEqual([(await attempts('/status/503')).asked, (await attempts('/status/500')).status], [1, 500], 'statuses are answers');

  await deploy(gateway, 'drop', { urls: [upstream.url], service: { retries: 0 }, route: { paths: ['/drop'] } });
  assert.equal((await attempts('/drop')).asked, 1);
  const { retries } = (await gateway.admin('PUT', '/api/v1/service', { name: 'defaults', urls: ['http://x.test'] }))
    .json()
    .data.find((each: { name: string }) => each.name === 'defaults');
  assert.equal(retries, 3);
});

test('nothing was sent: any method tries the next URL', async () => {
  await deploy(gateway, 'next', { urls: ['http://127.0.0.1:1', upstream.url], service: { retries: 1 } });
  for (const method of ['POST', 'PUT', 'GET', 'POST']) {
    const body = method === 'GET' ? undefined : 'the whole body';
    const answer = await ask(`${gateway.proxyUrl}/next`, { method, ...(body !== undefined && { body }) });
    assert.equal(answer.status, 200, method);
    assert.equal(answer.json().body, body ?? '');
  }
});

test('requestTimeout ends an attempt without an answer, and never a body that flows', async () => {
  await using slow = await startUpstream((request, response) => {
    if (request.url.startsWith('/slow')) return true;
    if (!request.url.startsWith('/trickle')) return false;
    response.writeHead(200, { 'content-length': 40 });
    let left = 8;
    const timer = setInterval(() => {
      left -= 1;
      if (left > 0) return void response.write('12345');
      clearInterval(timer);
      response.end('12345');
    }, 300);
    return true;
  });
  const service = { retries: 0, requestTimeout: '2s' };
  await deploy(gateway, 'slow', { urls: [slow.url], service, route: { paths: ['/slow', '/trickle', '/big'] } });
  const late = await ask(`${gateway.proxyUrl}/slow`);
  assert.equal(late.status, 502);
  assert.equal((await ask(`${gateway.proxyUrl}/trickle`)).text.length, 40, 'longer than the timeout as a whole');
  assert.equal((await ask(`${gateway.proxyUrl}/big`)).text.length, 300_000);
  await deploy(gateway, 'slow', { urls: [slow.url], service: { ...service, retries: 2 }, route: { paths: ['/slow'] } });
  const before = slow.requests.length;
  assert.equal((await ask(`${gateway.proxyUrl}/slow`)).status, 502);
  assert.equal(slow.requests.length - before, 3, 'a timeout is retried');
});

test('an upstream that breaks off in the middle: the client sees that the body is not whole', async () => {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => {
      if (String(data).startsWith('GET /length')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
      else if (String(data).startsWith('GET /chunked')) socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n');
      else if (String(data).startsWith('GET /until-close')) socket.end('HTTP/1.1 200 OK\r\n\r\nto the end');
      else if (String(data).startsWith('GET /nonsense')) socket.end('SMTP ready\r\n\r\n');
      else socket.end('HTTP/1.1 200 OK\r\nContent-Le');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await deploy(gateway, 'broken', { urls: [`http://127.0.0.1:${port}`], route: { paths: ['/*'] } });
  await assert.rejects(ask(`${gateway.proxyUrl}/length`));
  await assert.rejects(ask(`${gateway.proxyUrl}/chunked`));
  assert.equal((await ask(`${gateway.proxyUrl}/until-close`)).text, 'to the end');
  for (const path of ['/nonsense', '/half-head']) assert.equal((await ask(gateway.proxyUrl + path)).status, 502, path);
  server.close();
  await gateway.admin('DELETE', '/api/v1/route', { name: 'broken' });
});

test('502 names no internals and has an id that the log knows', async () => {
  await deploy(gateway, 'refused', { urls: ['http://127.0.0.1:1/secret-base'] });
  const answer = await ask(`${gateway.proxyUrl}/refused`);
  assert.equal(answer.status, 502);
  const { code, id, error } = answer.json();
  assert.equal(code, 'UPSTREAM_CONNECT');
  assert.ok(error);
  assert.doesNotMatch(answer.text, /secret-base|127\.0\.0\.1/);
  await until('the log has the id', () => gateway.log().includes(id));
});

test('a pooled connection that the upstream closed meanwhile costs the client nothing', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => {});
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await deploy(gateway, 'closing', { urls: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`] });
  for (let i = 0; i < 30; i += 1) assert.equal((await ask(`${gateway.proxyUrl}/closing`)).text, 'ok');
  assert.ok(connections >= 30);
  server.close();
});
