import assert from 'node:assert/strict';
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server as NetServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { callUpstream, toUpstreamOptions } from '../../test/support/call-upstream.ts';
import { makeCertificate } from '../../test/support/certificates.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import type { Upstream, UpstreamOptions } from './upstream.ts';
import { createUpstreams, type UpstreamsOptions } from './upstreams.ts';

type Respond = (stream: ServerHttp2Stream, headers: Record<string, string | string[] | undefined>) => void;

async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function connectTo(t: TestContext, port: number, origin: Partial<UpstreamOptions>, options: UpstreamsOptions = {}): Upstream {
  const upstreams = createUpstreams(options);
  t.after(() => upstreams.close());
  return upstreams.get(toUpstreamOptions(port, origin));
}

/** An h2c server whose sessions end with the test. */
async function startH2c(
  t: TestContext,
  respond: Respond,
  settings = {},
): Promise<{ port: number; sessions: ServerHttp2Session[]; server: Http2Server }> {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer({ settings });
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    respond(stream, headers);
  });
  const port = await listen(server);
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port, sessions, server };
}

test('a request over h2c: pseudo-fields, several values, body, trailers', async (t) => {
  let seen: Record<string, unknown> = {};
  const { port } = await startH2c(t, (stream, headers) => {
    seen = { ...headers };
    stream.respond({ ':status': 201, 'set-cookie': ['a=1', 'b=2'], 'content-length': '2' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7', 'x-b': 'é' }));
    stream.end('ok');
  });
  const upstream = connectTo(t, port, { scheme: 'h2c' });
  const headers = [
    'Host',
    'a.test',
    'X-Two',
    '1',
    'x-two',
    '2',
    'Connection',
    'close',
    'TE',
    'trailers',
    'Content-Length',
    '99',
    'X-Latin',
    'caf\u00e9',
  ];
  const answer = await callUpstream(upstream, { method: 'POST', target: '/a?b', headers, body: Buffer.from('body') });
  assert.equal(answer.error, undefined);
  assert.deepEqual([answer.status, answer.body.toString(), answer.contentLength, answer.protocol], [201, 'ok', 2, 'HTTP/2.0']);
  assert.deepEqual(answer.headers.slice(0, 4), ['set-cookie', 'a=1', 'set-cookie', 'b=2']);
  assert.deepEqual(answer.trailers.slice(0, 2), ['x-sum', '7']);
  assert.deepEqual(
    [
      seen[':method'],
      seen[':path'],
      seen[':authority'],
      seen[':scheme'],
      seen['x-two'],
      seen['content-length'],
      seen['te'],
      seen['connection'],
      seen['x-latin'],
    ],
    ['POST', '/a?b', 'a.test', 'http', '1, 2', '4', 'trailers', undefined, 'caf\u00e9'],
  );
});

test('requests share one session, answers keep to their request', async (t) => {
  const { port, sessions } = await startH2c(t, (stream, headers) =>
    setTimeout(
      () => {
        stream.respond({ ':status': 200 });
        stream.end(headers[':path']);
      },
      Number(headers[':path']?.slice(1)) % 7,
    ),
  );
  const upstream = connectTo(t, port, { scheme: 'h2c' });
  const answers = await Promise.all(Array.from({ length: 90 }, (_, i) => callUpstream(upstream, { target: `/${i}` })));
  assert.deepEqual(
    answers.map(({ body }) => body.toString()),
    answers.map((_, i) => `/${i}`),
  );
  assert.equal(sessions.length, 1);
});

test('more sessions are made only when the peer allows no more streams, and the rest waits', async (t) => {
  let open = 0;
  let most = 0;
  const { port, sessions } = await startH2c(
    t,
    (stream) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        stream.respond({ ':status': 200 });
        stream.end();
      }, 5);
    },
    { maxConcurrentStreams: 2 },
  );
  const upstream = connectTo(t, port, { scheme: 'h2c' });
  await callUpstream(upstream);
  const answers = await Promise.all(Array.from({ length: 60 }, () => callUpstream(upstream)));
  assert.deepEqual(new Set(answers.map(({ status, error }) => error?.message ?? status)), new Set([200]));
  assert.ok(sessions.length > 1 && sessions.length <= 8, `${sessions.length} sessions`);
  assert.ok(most <= 16, `${most} streams`);
});

test('a bodyless answer ends at once; HEAD, 204 and 304 have none', async (t) => {
  const { port } = await startH2c(t, (stream, headers) => {
    stream.respond({ ':status': Number(headers[':path']?.slice(1)), 'content-length': '0' }, { endStream: true });
  });
  const upstream = connectTo(t, port, { scheme: 'h2c' });
  for (const status of [200, 204, 304]) {
    const answer = await callUpstream(upstream, { target: `/${status}` });
    assert.deepEqual([answer.status, answer.hasBody, answer.order], [status, false, ['onHead', 'onEnd']]);
  }
  assert.equal((await callUpstream(upstream, { method: 'HEAD', target: '/200' })).hasBody, false);
});

test('full duplex: the answer begins before the request ends', async (t) => {
  const { port } = await startH2c(t, (stream) => {
    stream.respond({ ':status': 200 });
    stream.on('data', (chunk: Buffer) => stream.write(chunk.toString().toUpperCase())).on('end', () => stream.end('!'));
  });
  const upstream = connectTo(t, port, { scheme: 'h2c' });
  const body = new PassThrough();
  const answer = await callUpstream(upstream, {
    method: 'POST',
    body,
    onHead: () => body.write('a'),
    onData: (chunk) => {
      if (chunk.toString() === 'A') body.write('b');
      if (chunk.toString() === 'B') body.end();
      return true;
    },
  });
  assert.deepEqual([answer.error, answer.body.toString()], [undefined, 'AB!']);
});

test('a paused answer stops the peer, abort resets the stream', async (t) => {
  let written = 0;
  const closed = Promise.withResolvers<number>();
  const { port } = await startH2c(t, (stream) => {
    stream.respond({ ':status': 200 });
    const chunk = Buffer.alloc(16_384);
    const pump = (): void => {
      while (!stream.destroyed && written < 64_000_000) {
        written += chunk.length;
        if (!stream.write(chunk)) return void stream.once('drain', pump);
      }
    };
    pump();
    stream.on('close', () => closed.resolve(stream.rstCode));
  });
  const upstream = connectTo(t, port, { scheme: 'h2c' });
  let received = 0;
  const stuck = await new Promise<{ abort(): void }>((resolve) => {
    void callUpstream(upstream, {
      onData: (chunk, call) => {
        received += chunk.length;
        if (received > 100_000) resolve(call);
        return received <= 100_000;
      },
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(written < 2_000_000, `${written} bytes written`);
  stuck.abort();
  assert.equal(await closed.promise, 8);
});

test('REFUSED_STREAM may be retried, other resets may not', async (t) => {
  const { port } = await startH2c(t, (stream, headers) => stream.close(Number(headers[':path']?.slice(1))));
  const upstream = connectTo(t, port, { scheme: 'h2c' });
  const refused = await callUpstream(upstream, { target: '/7' });
  assert.deepEqual([refused.error?.code, refused.sent], ['UPSTREAM_RESET', false]);
  const reset = await callUpstream(upstream, { target: '/2' });
  assert.deepEqual([reset.error?.code, reset.sent], ['UPSTREAM_RESET', true]);
});

test('a body that ends too early is an error', async (t) => {
  const { port } = await startH2c(t, (stream) => {
    stream.respond({ ':status': 200, 'content-length': '10' });
    stream.write('12345', () => stream.close(0));
  });
  const answer = await callUpstream(connectTo(t, port, { scheme: 'h2c' }));
  assert.equal(answer.error?.code, 'UPSTREAM_RESET');
});

test('after GOAWAY a new session serves, the old one finishes its streams', async (t) => {
  const release = Promise.withResolvers<void>();
  const { port, sessions } = await startH2c(t, (stream, headers) => {
    stream.respond({ ':status': 200 });
    if (headers[':path'] === '/slow') {
      stream.session?.close();
      void release.promise.then(() => stream.end('slow'));
    } else stream.end('fast');
  });
  const upstream = connectTo(t, port, { scheme: 'h2c' });
  const slow = await new Promise<{ answer: ReturnType<typeof callUpstream> }>((resolve) => {
    const answer = callUpstream(upstream, { target: '/slow', onHead: () => setTimeout(() => resolve({ answer }), 200) });
  });
  const next = await callUpstream(upstream, { target: '/fast' });
  assert.deepEqual([next.error, next.body.toString(), sessions.length], [undefined, 'fast', 2]);
  release.resolve();
  assert.equal((await slow.answer).body.toString(), 'slow');
});

test('head timeout, connect failure and unsendable requests', async (t) => {
  const { port } = await startH2c(t, () => {});
  const upstream = connectTo(t, port, { scheme: 'h2c' });
  const late = await callUpstream(upstream, { headTimeoutMs: 400 });
  assert.deepEqual([late.error?.code, late.sent], ['UPSTREAM_TIMEOUT', true]);
  const bad = await callUpstream(upstream, { headers: ['Host', 'a', 'x', 'a\r\nb'] });
  assert.deepEqual([bad.error?.code, bad.sent], ['INTERNAL', false]);
  const dead = await callUpstream(connectTo(t, 1, { scheme: 'h2c' }));
  assert.deepEqual([dead.error?.code, dead.sent], ['UPSTREAM_CONNECT', false]);
  assert.match(dead.error?.message ?? '', /^connect ECONNREFUSED 127\.0\.0\.1:1/);
  const silent = createTcpServer((socket) => t.after(() => socket.destroy()));
  const silentPort = await listen(silent);
  t.after(() => silent.close());
  const quiet = await callUpstream(connectTo(t, silentPort, { scheme: 'h2c' }), { headTimeoutMs: 400 });
  assert.equal(quiet.error?.code, 'UPSTREAM_TIMEOUT');
});

test('over TLS the peer decides: h2 if it speaks it, else HTTP/1.1', async (t) => {
  using folder = createTempFolder();
  const { cert, key } = makeCertificate(folder.path, ['localhost']);
  const modern = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => response.end(`h2 ${request.httpVersion}`));
  const modernPort = await listen(modern);
  const old = createHttpsServer({ cert, key }, (request, response) => response.end(`h1 ${request.httpVersion}`));
  const oldPort = await listen(old);
  t.after(() => {
    modern.close();
    old.close();
  });
  const origin = { scheme: 'https', hostname: 'localhost', http2: true } as const;
  const first = await callUpstream(connectTo(t, modernPort, origin, { ca: [cert] }));
  assert.deepEqual([first.error, first.body.toString(), first.protocol], [undefined, 'h2 2.0', 'HTTP/2.0']);
  const upstream = connectTo(t, oldPort, origin, { ca: [cert] });
  for (const answer of await Promise.all([callUpstream(upstream), callUpstream(upstream)])) {
    assert.deepEqual([answer.error, answer.body.toString(), answer.protocol], [undefined, 'h1 1.1', 'HTTP/1.1']);
  }
  assert.equal((await callUpstream(upstream)).body.toString(), 'h1 1.1');
});
