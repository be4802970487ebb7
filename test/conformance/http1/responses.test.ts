import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import type { UpstreamHandler } from '../../../src/http/upstream.ts';
import { createUpstreams } from '../../../src/http/upstreams.ts';
import { toUpstreamOptions } from '../../support/call-upstream.ts';
import { startGateway } from '../../support/gateway.ts';
import { parseRawResponse, type RawResponse, sendRaw } from '../../support/raw-client.ts';
import { type Play, type PlayingUpstream, startPlayingUpstream } from './playing-upstream.ts';
import { type Outcome, RESPONSE_CASES, type ResponseCase } from './responses.ts';

/** What the client of the gateway got. */
interface Received {
  readonly informs: readonly number[];
  /** The final answer, if it is complete. */
  readonly answer: RawResponse | undefined;
  readonly status: number;
  /** Payload of the body as far as it came. */
  readonly partial: string;
  readonly text: string;
}

test('the corpus is what it claims to be', () => {
  assert.ok(RESPONSE_CASES.length >= 60, `${RESPONSE_CASES.length} cases`);
  assert.equal(new Set(RESPONSE_CASES.map(({ name }) => name)).size, RESPONSE_CASES.length);
});

suite('responses of upstreams, through the upstream client alone', () => {
  test('every case', async (t) => {
    await using upstream = await startPlayingUpstream();
    await using front = await startFront(upstream.port);
    for (const item of RESPONSE_CASES) await t.test(item.name, () => check(item, upstream, front.port));
  });
});

suite('responses of upstreams, through the gateway', () => {
  test('every case', async (t) => {
    await using upstream = await startPlayingUpstream();
    await using gateway = await startGateway();
    await gateway.put('service', { name: 'played', urls: [`http://127.0.0.1:${upstream.port}`] });
    await gateway.put('route', { name: 'all', paths: ['/*'], methods: ['*'], service: 'played' });
    for (const item of RESPONSE_CASES) await t.test(item.name, () => check(item, upstream, gateway.ports.proxy));
  });
});

/** Plays one case to a client and compares with its outcome. */
async function check(item: ResponseCase, upstream: PlayingUpstream, port: number): Promise<void> {
  const method = item.method ?? 'GET';
  const play = upstream.play(item);
  const { received } = await sendRaw(port, `${method} /case HTTP/1.1\r\nHost: client.test\r\nConnection: close\r\n\r\n`, {
    until: (text) => {
      if (text.includes('abc')) play.clientHasHead();
      return false;
    },
  });
  compare(parse(received, method), item.outcome, method);
  await checkReuse(item, upstream, play, port);
}

function compare(got: Received, outcome: Outcome, method: string): void {
  if ('refused' in outcome) {
    assert.equal(got.answer?.status, 502, got.text);
    if (method !== 'HEAD') assert.equal((JSON.parse(got.answer.body) as { code: string }).code, outcome.refused, got.answer.body);
    return;
  }
  if ('brokenAfter' in outcome) {
    assert.deepEqual([got.answer, got.status, got.partial], [undefined, outcome.status, outcome.brokenAfter], got.text);
    return;
  }
  assert.ok(got.answer !== undefined, `incomplete: ${JSON.stringify(got.text)}`);
  assert.deepEqual([got.answer.status, got.answer.body, got.answer.rest], [outcome.status, outcome.body, ''], got.text);
  if (outcome.informs !== undefined) assert.deepEqual(got.informs, outcome.informs);
  for (const [name, value] of outcome.has ?? []) {
    assert.equal(
      got.answer.headers.filter((field) => field[0] === name && field[1] === value).length,
      1,
      `${name}: ${value} in ${got.text}`,
    );
  }
  const names = new Set(got.answer.headers.map(([name]) => name));
  for (const name of outcome.lacks ?? []) assert.ok(!names.has(name), `${name} in ${got.text}`);
}

async function checkReuse(item: ResponseCase, upstream: PlayingUpstream, play: Play, port: number): Promise<void> {
  if (!item.reusable) await within(20_000, play.closed(), 'the gateway closed the connection to the upstream');
  const { received } = await sendRaw(port, 'GET /next HTTP/1.1\r\nHost: client.test\r\nConnection: close\r\n\r\n');
  assert.equal(parseRawResponse(received)?.body, 'next', received);
  assert.equal(
    upstream.lastConnection() === (await play.connection),
    item.reusable,
    `connection ${item.reusable ? 'reused' : 'not reused'}`,
  );
}

function parse(text: string, method: string): Received {
  const informs: number[] = [];
  let rest = text;
  for (let match = /^HTTP\/1\.1 (1\d\d) /.exec(rest); match; match = /^HTTP\/1\.1 (1\d\d) /.exec(rest)) {
    informs.push(Number(match[1]));
    rest = rest.slice(rest.indexOf('\r\n\r\n') + 4);
  }
  const status = Number(rest.slice(9, 12));
  const bodyAt = rest.indexOf('\r\n\r\n') + 4;
  const isChunked = /^transfer-encoding: *chunked\r$/im.test(rest.slice(0, bodyAt));
  const raw = rest.slice(bodyAt);
  return { informs, answer: parseRawResponse(rest, method), status, partial: isChunked ? unchunk(raw) : raw, text };
}

/** The payload of all chunks of an unfinished chunked body. */
function unchunk(raw: string): string {
  let payload = '';
  for (let at = 0; at < raw.length; ) {
    const size = Number.parseInt(raw.slice(at), 16);
    const start = raw.indexOf('\r\n', at) + 2;
    payload += raw.slice(start, start + size);
    at = start + size + 2;
  }
  return payload;
}

async function within(timeoutMs: number, promise: Promise<void>, what: string): Promise<void> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
  await Promise.race([promise, timeout.promise]).finally(() => clearTimeout(timer));
}

/** The least gateway that there can be: node:http in front, one upstream behind. */
async function startFront(upstreamPort: number): Promise<AsyncDisposable & { readonly port: number }> {
  const upstreams = createUpstreams();
  const upstream = upstreams.get(toUpstreamOptions(upstreamPort));
  const server = createServer((request, response) => {
    upstream.send(
      {
        method: request.method ?? '',
        target: request.url ?? '',
        headers: ['Host', 'upstream.test'],
        body: undefined,
        contentLength: undefined,
        upgrade: undefined,
        headTimeoutMs: 5000,
        idleTimeoutMs: 5000,
      },
      toHandler(response),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      upstreams.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function toHandler(response: ServerResponse): UpstreamHandler {
  return {
    onInform: (status) => response.socket?.write(`HTTP/1.1 ${status} Interim\r\n\r\n`),
    onHead(status, _reason, headers, contentLength) {
      const length = contentLength === undefined ? [] : ['Content-Length', String(contentLength)];
      response.writeHead(status, [...headers, ...length]);
    },
    onData: (chunk) => response.write(chunk),
    onEnd: () => void response.end(),
    onUpgrade: (_headers, socket) => void socket.destroy(),
    onError(error) {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end(JSON.stringify({ code: error.code, message: error.message }));
    },
  };
}
