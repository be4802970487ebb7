import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createUpstreams } from '../../../src/http/upstreams.ts';
import { callUpstream, toUpstreamOptions } from '../../support/call-upstream.ts';

const REQUESTS = 2000;
const CONCURRENCY = 20;

/** Deterministic numbers below 2^32 (mulberry32), so that a failure can be repeated with its seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/**
 * Answers that all carry the nonce of their request in body and field, well or badly framed. `EVIL` stands only where no client may see it. What poisons
 * a connection comes in one write with the end of the good answer: bytes that come later than the next request look like its answer to everybody.
 */
function toAnswer(nonce: string, random: () => number): { readonly parts: readonly string[]; readonly closes: boolean } {
  const field = `X-Nonce: ${nonce}\r\n`;
  const pad = 'p'.repeat(random() % 3000);
  const body = `${nonce}:${pad}`;
  const chunks = (body.match(/.{1,700}/g) ?? []).map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
  const fixed = `HTTP/1.1 200 OK\r\n${field}Content-Length: ${body.length}\r\n\r\n${body}`;
  const chunked = `HTTP/1.1 200 OK\r\n${field}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
  const evil = 'HTTP/1.1 200 OK\r\nX-Nonce: EVIL\r\nContent-Length: 4\r\n\r\nEVIL';
  const kinds = [
    [fixed],
    [chunked],
    [`HTTP/1.1 103 Early Hints\r\n${field}\r\n${fixed}`],
    [`HTTP/1.1 204 No Content\r\n${field}\r\n`],
    [fixed + evil],
    [chunked + evil],
    [`HTTP/1.1 204 No Content\r\n${field}Content-Length: 4\r\n\r\n${evil}`],
    [`HTTP/1.1 200 OK\r\n${field}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${evil}`],
    [`HTTP/1.1 200 OK\r\n${field}Content-Length: 3\r\nContent-Length: 9\r\n\r\n${evil}`],
    [`HTTP/1.1 200 OK\r\nX-Nonce: EVIL\r\n folded: 1\r\nContent-Length: 4\r\n\r\nEVIL`],
    [`HTTP/1.1 200 OK\nX-Nonce: EVIL\nContent-Length: 4\n\nEVIL`],
  ];
  const kind = random() % (kinds.length + 3);
  const parts = kinds[kind];
  if (parts !== undefined) return { parts: split(parts[0] ?? '', fixed.length, random), closes: false };
  if (kind === kinds.length) return { parts: [fixed.slice(0, -1)], closes: true };
  if (kind === kinds.length + 1) return { parts: [chunked.slice(0, -4)], closes: true };
  return { parts: [`HTTP/1.1 200 OK\r\n${field}\r\n${body}`], closes: true };
}

function split(text: string, before: number, random: () => number): readonly string[] {
  const cut = random() % (2 * before);
  return cut > 0 && cut < Math.min(before, text.length) && !text.startsWith('HTTP/1.1 204')
    ? [text.slice(0, cut), text.slice(cut)]
    : [text];
}

async function startUpstream(t: TestContext, random: () => number): Promise<{ port: number; connections: () => number }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let received = '';
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        const nonce = received.split(' ')[1]?.slice(1) ?? '';
        received = received.slice(end + 4);
        const { parts, closes } = toAnswer(nonce, random);
        for (const part of parts) socket.write(part, 'latin1');
        if (closes) socket.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

test(`${REQUESTS} answers of all kinds: each that arrives carries the nonce of its request`, async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  const random = createRandom(seed);
  const { port, connections } = await startUpstream(t, random);
  const upstreams = createUpstreams({ maxConnections: CONCURRENCY / 2 });
  t.after(() => upstreams.close());
  const upstream = upstreams.get(toUpstreamOptions(port));
  const outcomes = { whole: 0, failed: 0 };

  async function worker(name: number): Promise<void> {
    for (let i = 0; i < REQUESTS / CONCURRENCY; i += 1) {
      const nonce = `n${name}-${i}-${random()}`;
      const answer = await callUpstream(upstream, { target: `/${nonce}` });
      const say = `SEED=${seed} request ${nonce}`;
      if (answer.status !== 0) assert.equal(answer.headers[answer.headers.indexOf('X-Nonce') + 1], nonce, say);
      assert.ok(!answer.body.includes('EVIL'), say);
      if (answer.error === undefined) {
        assert.ok(answer.status === 204 || answer.body.toString().startsWith(`${nonce}:`), say);
        outcomes.whole += 1;
      } else {
        assert.match(answer.error.code, /^UPSTREAM_(INVALID|RESET)$/, say);
        outcomes.failed += 1;
      }
    }
  }

  await Promise.all(Array.from({ length: CONCURRENCY }, (_, name) => worker(name)));
  t.diagnostic(`SEED=${seed}: ${outcomes.whole} whole, ${outcomes.failed} failed, ${connections()} connections`);
  assert.ok(outcomes.whole > REQUESTS / 3 && outcomes.failed > REQUESTS / 10, JSON.stringify(outcomes));
});
