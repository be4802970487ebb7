import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createEchoServer, type EchoServerOptions } from './echo-server.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

async function withEcho(options: Partial<EchoServerOptions>, run: (port: number) => Promise<void>): Promise<void> {
  const echo = await createEchoServer({ host: '127.0.0.1', port: 0, ...options });
  try {
    await run(echo.port);
  } finally {
    await echo.close();
  }
}

async function ask(port: number, { method = 'GET', path = '/', body, headers = {} }: Ask): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, agent: false as const, headers };
    const read = async (response: IncomingMessage) =>
      resolve({ status: response.statusCode, headers: response.headers, text: await text(response) });
    request(options, (response) => void read(response))
      .on('error', reject)
      .end(body);
  });
}

test('the answer is what the server saw of the request, keys in order, markup escaped', async () => {
  await withEcho({ globalHeaders: { 'X-Test-Header': 'test' } }, async (port) => {
    const answer = await ask(port, {
      method: 'POST',
      path: '/x/y?a=1&b=<2>',
      body: 'he&llo',
      headers: { 'x-q': ['1', '2'], 'Content-Length': '6' },
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['x-test-header'], 'test');
    assert.match(answer.text, /"path":"\/x\/y\?a=1\\u0026b=\\u003c2\\u003e"/);
    const { data, status_code } = JSON.parse(answer.text) as { data: Record<string, unknown>; status_code: number };
    assert.equal(status_code, 200);
    assert.match(String(data.remote_addr), /^127\.0\.0\.1:\d+$/);
    delete data.remote_addr;
    assert.deepEqual(data, {
      body: 'he&llo',
      global_headers: { 'X-Test-Header': 'test' },
      host: `127.0.0.1:${port}`,
      method: 'POST',
      path: '/x/y?a=1&b=<2>',
      req_headers: { Connection: ['close'], 'Content-Length': ['6'], 'X-Q': ['1', '2'] },
    });
    assert.deepEqual(Object.keys(data), Object.keys(data).toSorted());
  });
});

test('wait delays the answer and is repeated as a duration; a bad one is refused', async () => {
  await withEcho({}, async (port) => {
    const started = performance.now();
    const waited = await ask(port, { path: '/?wait=20ms' });
    assert.ok(performance.now() - started >= 19);
    assert.match(waited.text, /"waited":"20ms"/);
    assert.match(waited.text, /"global_headers":null/);
    for (const bad of ['zz', '5', '2h']) {
      const refused = await ask(port, { path: `/?wait=${bad}` });
      assert.equal(refused.status, 400);
      assert.equal(refused.text, `{"data":{"error":"Invalid wait time: ${bad}"},"status_code":400}`);
    }
  });
});

test('the environment is shown only when enabled', async () => {
  await withEcho({}, async (port) => assert.doesNotMatch((await ask(port, {})).text, /"env"/));
  await withEcho({ enableEnvVars: true }, async (port) => assert.match((await ask(port, {})).text, /"env":\[".*PATH=/));
});

test('HTTP/2 without TLS is spoken on the same port', async () => {
  await withEcho({}, async (port) => {
    const client = connect(`http://127.0.0.1:${port}`);
    const stream = client.request({ ':method': 'POST', ':path': '/two', 'x-a': 'b' });
    stream.end('body');
    const { data } = JSON.parse(await text(stream)) as { data: Record<string, unknown> };
    client.close();
    assert.equal(data.body, 'body');
    assert.equal(data.host, `127.0.0.1:${port}`);
    assert.deepEqual(data.req_headers, { 'X-A': ['b'] });
  });
});

test('a request that arrives byte by byte is answered, also one that begins like the preface of HTTP/2', async () => {
  await withEcho({}, async (port) => {
    const socket = connectTcp(port, '127.0.0.1').setNoDelay(true);
    for (const byte of 'PUT /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(await text(socket), /"method":"PUT","path":"\/slow"/);
  });
});

test('a second server on the port is refused with a message that names the port', async () => {
  await withEcho({}, async (port) => {
    await assert.rejects(createEchoServer({ host: '127.0.0.1', port }), {
      code: 'LISTEN_FAILED',
      message: new RegExp(`127\\.0\\.0\\.1:${port}`),
    });
  });
});

test('close ends connections that are waiting', async () => {
  const echo = await createEchoServer({ host: '127.0.0.1', port: 0 });
  const socket = connectTcp(echo.port, '127.0.0.1');
  socket.on('error', () => {}).write('GET /?wait=1h HTTP/1.1\r\nHost: a\r\n\r\n');
  await new Promise((resolve) => socket.once('connect', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await echo.close();
  await closed;
});
