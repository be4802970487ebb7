import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { parseRawResponse, sendRaw } from '../support/raw-client.ts';
import { until } from '../support/until.ts';

const LIMIT = 200_000;

let gateway: Gateway;
let server: http.Server;
let urls: readonly string[];
let closed = 0;

before(async () => {
  server = http.createServer((request, response) => {
    response.on('close', () => (closed += response.writableFinished ? 0 : 1));
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const path = request.url ?? '';
      response.setHeader(
        'x-request',
        `${request.headers['content-length'] ?? request.headers['transfer-encoding'] ?? 'none'} ${request.headers['content-type'] ?? '-'}`,
      );
      if (path.includes('/gzip')) response.setHeader('content-encoding', 'gzip').end(gzipSync('{"zipped":true}'));
      else if (path.includes('/chunked')) {
        response.write('{"chunk');
        response.end('ed":true}');
      } else if (path.includes('/bytes')) response.end(Buffer.from([0, 255, 128, 10]));
      else if (path.includes('/big')) response.end(Buffer.alloc(LIMIT + 1, 'b'));
      else if (path.includes('/empty')) response.writeHead(200, { 'content-length': 0 }).end();
      else if (path.includes('/nobody')) response.writeHead(204).end();
      else if (path.includes('/broken')) {
        response.writeHead(200, { 'content-length': 100 });
        response.write('part', () => response.destroy());
      } else response.end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  [gateway] = await Promise.all([startGateway({ config: { modules: { max_body_bytes: LIMIT } } }), once(server, 'listening')]);
  urls = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

const requestHook = (body: string): string => `export const requestModifier = async (ctx: any) => { const req = ctx.request(); ${body} }`;
const responseHook = (body: string): string => `export const responseModifier = async (ctx: any) => { const up = ctx.upstream(); ${body} }`;

test('request bodies: read, written, both, neither; what was read still reaches the upstream', async () => {
  const sent = JSON.stringify({ n: 1, text: 'é'.repeat(1000) });
  const cases: Readonly<Record<string, readonly [hook: string, arrives: string | RegExp]>> = {
    neither: ['', sent],
    read: [`req.readBody()`, sent],
    'read-json': [`if (req.readJson().n !== 1) throw 1`, sent],
    'read-twice': [`req.readBody(); if (req.readJson().n !== 1) throw 1`, sent],
    'read-later': [`await null; req.readBody()`, sent],
    write: [`req.writeBody('new')`, 'new'],
    'write-bytes': [`req.writeBody(new Uint8Array([104, 105]))`, 'hi'],
    'write-buffer': [`req.writeBody(Buffer.from('buf'))`, 'buf'],
    'write-arraybuffer': [`req.writeBody(new TextEncoder().encode('ab').buffer)`, 'ab'],
    'write-empty': [`req.writeBody('')`, ''],
    'write-unicode': [`req.writeBody('€')`, '€'],
    'write-json': [`req.writeJson({ x: 1 })`, '{"x":1}'],
    'read-write': [`req.writeJson({ was: req.readJson().n })`, '{"was":1}'],
    'write-read': [`req.writeBody('abc'); req.writeBody(Buffer.from(req.readBody()).toString() + 'd')`, 'abcd'],
    grow: [`req.writeBody('x'.repeat(150000))`, /^x{150000}$/],
  };
  for (const [name, [hook, arrives]] of Object.entries(cases)) {
    const url = await deploy(gateway, `q-${name}`, { urls, source: requestHook(hook) });
    // The second request runs with what the gateway learned about the module; the third has no declared length.
    for (const headers of [{}, {}, { 'transfer-encoding': 'chunked' }]) {
      const answer = await ask(url, { method: 'POST', body: sent, headers: { 'content-type': 'text/x', ...headers } });
      assert.equal(answer.status, 200, name);
      if (typeof arrives === 'string') assert.equal(answer.text, arrives, name);
      else assert.match(answer.text, arrives, name);
      if (name.startsWith('write-json')) assert.equal(answer.headers['x-request'], '7 application/json');
    }
  }
});

test('a GET gets a body when the module writes one; a request without one reads as empty', async () => {
  const grown = await deploy(gateway, 'get-write', { urls, source: requestHook(`req.writeBody('given')`) });
  assert.equal((await ask(grown)).text, 'given');
  const read = await deploy(gateway, 'get-read', {
    source: `export const requestHandler = (ctx: any) => ctx.response().json({ n: ctx.request().readBody().byteLength })`,
  });
  assert.equal((await ask(read)).text, '{"n":0}');
  const json = await deploy(gateway, 'get-json', {
    source: `export const requestHandler = (ctx: any) => { try { ctx.request().readJson() } catch (e: any) { ctx.response().send(e.name) } }`,
  });
  assert.equal((await ask(json)).text, 'SyntaxError');
  assert.equal((await ask(json, { method: 'POST', body: '{' })).text, 'SyntaxError');
});

test('binary request bodies are the same bytes in the module and behind it', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const url = await deploy(gateway, 'hex', {
    source: `export const requestHandler = (ctx: any) => ctx.response().send(Buffer.from(ctx.request().readBody()).toString('hex'))`,
  });
  assert.equal((await ask(url, { method: 'POST', body: bytes })).text, bytes.toString('hex'));
});

test('response bodies: read, written, both, neither; of every framing', async () => {
  const hooks: Readonly<Record<string, readonly [hook: string, text: (original: string) => string]>> = {
    neither: ['', (text) => text],
    read: [`await up.readBody()`, (text) => text],
    'read-twice': [`await up.readBody(); await up.readBody()`, (text) => text],
    write: [`up.writeBody('new')`, () => 'new'],
    'write-empty': [`up.writeBody('')`, () => ''],
    'write-bytes': [`up.writeBody(new Uint8Array([104, 105]))`, () => 'hi'],
    'read-write': [`up.writeBody(Buffer.from(await up.readBody()) + '!')`, (text) => `${text}!`],
    late: [`await new Promise((r) => setTimeout(r, 5)); up.writeBody(Buffer.from(await up.readBody()) + '!')`, (text) => `${text}!`],
  };
  for (const [name, [hook, expected]] of Object.entries(hooks)) {
    const url = await deploy(gateway, `p-${name}`, { urls, source: responseHook(hook) });
    for (let i = 0; i < 2; i += 1) {
      for (const [path, original] of [
        ['/x', ''],
        ['/chunked', '{"chunked":true}'],
        ['/empty', ''],
      ] as const) {
        const answer = await ask(url + path);
        assert.equal(answer.text, expected(original), `${name} ${path}`);
        if (name !== 'neither' && name !== 'read' && name !== 'read-twice')
          assert.equal(answer.headers['content-length'], String(Buffer.byteLength(answer.text)));
      }
    }
    const head = await ask(`${url}/x`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, ''], name);
    assert.equal((await ask(`${url}/nobody`)).status, 204, name);
  }
});

test('compressed answers are read as text, and passed on as they were unless written', async () => {
  const read = await deploy(gateway, 'z-read', { urls, source: responseHook(`up.headers.set('X-Zipped', (await up.readJson()).zipped)`) });
  const passed = await ask(`${read}/gzip`);
  assert.deepEqual([passed.headers['x-zipped'], passed.headers['content-encoding']], ['true', 'gzip']);
  assert.equal(Number(passed.headers['content-length']), gzipSync('{"zipped":true}').length);
  const write = await deploy(gateway, 'z-write', {
    urls,
    source: responseHook(`const j = await up.readJson(); j.more = 1; up.writeJson(j)`),
  });
  const written = await ask(`${write}/gzip`);
  assert.deepEqual(written.json(), { zipped: true, more: 1 });
  assert.equal(written.headers['content-encoding'], undefined);
  const bytes = await deploy(gateway, 'z-bytes', {
    urls,
    source: responseHook(`up.headers.set('X-Hex', Buffer.from(await up.readBody()).toString('hex'))`),
  });
  assert.equal((await ask(`${bytes}/bytes`)).headers['x-hex'], '00ff800a');
});

test('bodies beyond modules.max_body_bytes: what reads them is refused, everything else passes', async () => {
  const big = 'x'.repeat(LIMIT + 1);
  const passes = await deploy(gateway, 'b-passes', { urls, source: `${requestHook('')}\n${responseHook('')}` });
  assert.equal((await ask(passes, { method: 'POST', body: big })).text.length, big.length);
  assert.equal((await ask(`${passes}/big`)).text.length, big.length);
  const reads = await deploy(gateway, 'b-reads', {
    urls,
    source: requestHook(`try { req.readBody() } catch (e: any) { req.headers.set('content-type', e.code) }`),
  });
  for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
    const answer = await ask(reads, { method: 'POST', body: big, headers });
    assert.equal(answer.status, 200);
    assert.match(String(answer.headers['x-request']), /MODULE_BODY_TOO_LARGE$/);
    assert.equal(answer.text, big, 'what was not read passes whole');
  }
  const uncaught = await deploy(gateway, 'b-uncaught', {
    source: `export const requestHandler = (ctx: any) => { ctx.request().readBody() }`,
  });
  assert.equal((await ask(uncaught, { method: 'POST', body: big })).status, 413);
  const response = await deploy(gateway, 'b-response', {
    urls,
    source: responseHook(`try { await up.readBody() } catch (e: any) { up.headers.set('x-code', e.code) }`),
  });
  const refused = await ask(`${response}/big`);
  assert.equal(refused.headers['x-code'], 'MODULE_BODY_TOO_LARGE');
  assert.equal(refused.text.length, big.length);
});

test('an upstream that breaks off while a module reads is an error, not half a body', async () => {
  const url = await deploy(gateway, 'half', {
    urls,
    source: `${responseHook(`up.writeBody(await up.readBody())`)}
      export const errorHandler = (ctx: any) => ctx.response().status(418).send('handled')`,
  });
  const outcome = await ask(`${url}/broken`).then(
    ({ status }) => status,
    () => 'cut',
  );
  assert.ok(outcome === 418 || outcome === 'cut' || outcome === 502, String(outcome));
  const unread = await deploy(gateway, 'half2', { urls, source: responseHook('') });
  await assert.rejects(ask(`${unread}/broken`));
});

test('Expect: 100-continue with a module that reads, and one that refuses without reading', async () => {
  const reads = await deploy(gateway, 'e-reads', {
    source: `export const requestHandler = (ctx: any) => ctx.response().send(ctx.request().readBody().byteLength + ' bytes')`,
  });
  const answer = await new Promise<string>((resolve, reject) => {
    const request = http.request(reads, { method: 'POST', agent: false, headers: { 'content-length': 4, expect: '100-continue' } });
    request.on('continue', () => request.end('body')).on('error', reject);
    request.on(
      'response',
      (response) =>
        void response
          .setEncoding('utf8')
          .toArray()
          .then((parts) => resolve(parts.join(''))),
    );
    request.flushHeaders();
  });
  assert.equal(answer, '4 bytes');
  await deploy(gateway, 'e-refuses', { source: `export const requestHandler = (ctx: any) => ctx.response().status(401).send('no')` });
  const refused = await sendRaw(
    gateway.ports.proxy,
    'POST /e-refuses HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
    { until: (text) => parseRawResponse(text) !== undefined },
  );
  assert.equal(parseRawResponse(refused.received)?.status, 401);
});

test('a client that goes away while a module is at work', async () => {
  const before = closed;
  const url = await deploy(gateway, 'gone', { urls, source: responseHook(`await new Promise((r) => setTimeout(r, 10_000))`) });
  const request = http.get(`${url}/big`, { agent: false }).on('error', () => {});
  await until('the module is at work', async () => {
    const programs = (await gateway.admin('GET', '/metrics')).text;
    return /sekisho_requests_in_flight(?:\{[^}]*\})? 1/.test(programs);
  });
  request.destroy();
  await until('the request is over', async () =>
    /sekisho_requests_in_flight(?:\{[^}]*\})? 0/.test((await gateway.admin('GET', '/metrics')).text),
  );
  assert.ok(closed >= before);
});
