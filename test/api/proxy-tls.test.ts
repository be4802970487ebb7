import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import { makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { ask } from '../support/client.ts';
import { deploy } from '../support/deploy.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { createTempFolder, type TempFolder } from '../support/temp.ts';
import { until } from '../support/until.ts';
import { type RecordingUpstream, startUpstream } from '../support/upstream.ts';

let folder: TempFolder;
let gateway: Gateway;
let upstream: RecordingUpstream;
let fallback: TestCertificate;

before(async () => {
  folder = createTempFolder();
  fallback = makeCertificate(folder.path, ['fallback.test', 'localhost']);
  const listener = { port: '${TLS_PORT}', cert_file: fallback.certFile, key_file: fallback.keyFile };
  const config = {
    proxy: { tls: listener, enable_http2: true, enable_h2c: true, redirect_https: ['secure.test'], limits: { header_timeout: '5m' } },
  };
  [gateway, upstream] = await Promise.all([startGateway({ config }), startUpstream()]);
  await deploy(gateway, 'up', { urls: [upstream.url] });
});
after(async () => {
  await Promise.all([gateway[Symbol.asyncDispose](), upstream.close()]);
  folder.remove();
});

/** Common name of the certificate that is served for `servername`, or the alert. */
async function certificateFor(servername: string, port = gateway.ports.tls): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return String(socket.getPeerCertificate().subject.CN);
  } catch (error) {
    return String((error as { code?: string }).code);
  } finally {
    socket.destroy();
  }
}

test('certificates are chosen by server name, and a changed domain counts for the next handshake', async () => {
  assert.equal(await certificateFor('a.dom.test'), 'fallback.test');
  const first = makeCertificate(folder.path, ['dom.test', '*.dom.test']);
  const put = (certificate: TestCertificate, fields = {}): Promise<unknown> =>
    gateway.put('domain', { name: 'dom', patterns: ['*dom.test'], cert: certificate.cert, key: certificate.key, ...fields });
  await put(first);
  assert.equal(await certificateFor('a.dom.test'), 'dom.test');
  assert.equal(await certificateFor('A.DOM.TEST'), 'dom.test');
  assert.equal(await certificateFor('other.test'), 'fallback.test');

  const second = makeCertificate(folder.path, ['second.dom.test']);
  await put(second);
  assert.equal(await certificateFor('a.dom.test'), 'second.dom.test');
  await gateway.put('domain', { name: 'higher', patterns: ['a.dom.test'], cert: first.cert, key: first.key, priority: 3 });
  assert.equal(await certificateFor('a.dom.test'), 'dom.test', 'by priority');
  await gateway.put('domain', { name: 'higher', patterns: ['a.dom.test'], priority: 3 });
  assert.equal(await certificateFor('a.dom.test'), 'second.dom.test', 'a domain without certificate is passed over');
  for (const name of ['higher', 'dom']) await gateway.admin('DELETE', '/api/v1/domain', { name });
  assert.equal(await certificateFor('a.dom.test'), 'fallback.test');

  for (const fields of [{ cert: 'nonsense' }, { key: 'nonsense' }, { key: first.key }, { key: undefined }]) {
    const refused = await gateway.admin('PUT', '/api/v1/domain', {
      name: 'bad',
      patterns: ['x'],
      cert: second.cert,
      key: second.key,
      ...fields,
    });
    assert.equal(refused.status, 400, JSON.stringify(fields));
  }
});

test('connections that end within or right behind their handshake are closed at once', async () => {
  const open = async (): Promise<number> => {
    const { text } = await gateway.admin('GET', '/metrics');
    return Number(/^sekisho_connections_open\{listener="proxy-tls"\} (\d+)/m.exec(text)?.[1] ?? 0);
  };
  const bare = connect(gateway.ports.tls, '127.0.0.1');
  await once(bare, 'connect');
  const halves = [
    tls.connect({ port: gateway.ports.tls, rejectUnauthorized: false }),
    tls.connect({ port: gateway.ports.tls, rejectUnauthorized: false }),
  ];
  await Promise.all(halves.map((socket) => once(socket, 'secureConnect')));
  bare.destroy();
  halves[0]?.destroy();
  halves[1]?.end();
  await until('all are closed', async () => (await open()) === 0);
});

test('requests over TLS: the same routes, X-Forwarded-Proto, and no redirect to where they are', async () => {
  const url = `https://127.0.0.1:${gateway.ports.tls}/up`;
  const answer = await ask(url, { headers: { host: 'secure.test' }, servername: 'secure.test' });
  assert.equal(answer.status, 200);
  assert.ok(
    answer.json().headers.some(([name, value]: [string, string]) => name.toLowerCase() === 'x-forwarded-proto' && value === 'https'),
  );
  const moved = await ask(`${gateway.proxyUrl}/up?a=1`, { headers: { host: 'secure.test:80' } });
  assert.equal(moved.status, 307);
  assert.equal(moved.headers.location, `https://secure.test:${gateway.ports.tls}/up?a=1`);
});

interface Http2Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly text: string;
}

async function askHttp2(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body?: string): Promise<Http2Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  // Read from the start: a stream that is over before anybody reads ends in an error on node's client.
  const parts = stream.setEncoding('utf8').toArray();
  const [[head]] = (await Promise.all([once(stream, 'response'), parts])) as [
    [http2.IncomingHttpHeaders & { ':status'?: number }],
    unknown,
  ];
  const text = (await parts).join('');
  return { status: Number(head[':status']), headers: head, text };
}

for (const kind of ['h2c', 'h2']) {
  test(`HTTP/2 (${kind}) in front of HTTP/1: many requests at once, bodies, heads, errors`, async () => {
    const origin = kind === 'h2c' ? gateway.proxyUrl : `https://127.0.0.1:${gateway.ports.tls}`;
    const session = http2.connect(origin, { rejectUnauthorized: false });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        askHttp2(
          session,
          { ':path': `/up/${i}`, ':method': 'POST', ':authority': 'two.test', 'x-n': `${i}`, cookie: ['a=1', 'b=2'] },
          `body ${i}`,
        ),
      ),
    );
    for (const [i, { status, text, headers }] of answers.entries()) {
      assert.equal(status, 200);
      const echo = JSON.parse(text);
      assert.equal(echo.line, `POST /up/${i} HTTP/1.1`);
      assert.equal(echo.body, `body ${i}`);
      const field = (name: string): string[] =>
        echo.headers.filter(([key]: [string]) => key.toLowerCase() === name).map(([, value]: [string, string]) => value);
      assert.deepEqual(field('x-n'), [`${i}`]);
      assert.deepEqual(field('host'), [`127.0.0.1:${upstream.port}`]);
      assert.deepEqual(field('x-forwarded-host'), ['two.test']);
      assert.deepEqual(field('cookie'), ['a=1; b=2'], 'crumbs are joined for HTTP/1');
      assert.equal(headers['connection'], undefined);
    }
    assert.equal((await askHttp2(session, { ':path': '/up/x', ':method': 'HEAD' })).text, '');
    assert.equal((await askHttp2(session, { ':path': '/nope' })).status, 404);
    const redirected = await askHttp2(session, { ':path': '/up', ':authority': 'secure.test' });
    assert.equal(redirected.status, kind === 'h2c' ? 307 : 200);
    const big = await askHttp2(session, { ':path': '/up/x' }, undefined);
    assert.equal(big.status, 200);
    session.close();
  });
}

test('curl speaks h2c by prior knowledge and HTTP/1 on one port', async () => {
  const session = http2.connect(gateway.proxyUrl);
  assert.equal((await askHttp2(session, { ':path': '/up' })).status, 200);
  session.close();
  assert.equal((await ask(`${gateway.proxyUrl}/up`)).status, 200);
});

test('https upstreams are verified unless the service says otherwise; http2Only speaks HTTP/2', async () => {
  const seen: { version: string; servername: unknown; host: unknown; path: string }[] = [];
  const onRequest = (
    request: { httpVersion: string; url?: string; headers: Record<string, unknown>; socket: unknown },
    response: { end(text: string): void },
  ): void => {
    const { servername } = request.socket as { servername?: string };
    seen.push({
      version: request.httpVersion,
      servername,
      host: request.headers['host'] ?? request.headers[':authority'],
      path: request.url ?? '',
    });
    response.end('secret');
  };
  const secure = https.createServer({ cert: fallback.cert, key: fallback.key }, onRequest as never).listen(0, '127.0.0.1');
  const secure2 = http2
    .createSecureServer({ cert: fallback.cert, key: fallback.key, allowHTTP1: true }, onRequest as never)
    .listen(0, '127.0.0.1');
  await Promise.all([once(secure, 'listening'), once(secure2, 'listening')]);
  const port = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

  await deploy(gateway, 'verified', { urls: [`https://localhost:${port(secure)}`] });
  assert.equal((await ask(`${gateway.proxyUrl}/verified`)).status, 502);
  await deploy(gateway, 'skipped', { urls: [`https://localhost:${port(secure)}/base`], service: { tlsSkipVerify: true } });
  assert.equal((await ask(`${gateway.proxyUrl}/skipped`)).text, 'secret');
  assert.deepEqual(seen.at(-1), { version: '1.1', servername: 'localhost', host: `localhost:${port(secure)}`, path: '/base/skipped' });
  await deploy(gateway, 'kept', {
    urls: [`https://localhost:${port(secure)}`],
    service: { tlsSkipVerify: true },
    route: { preserveHost: true },
  });
  assert.equal(
    (await ask(`${gateway.proxyUrl}/kept`, { headers: { host: 'front.test' } })).text,
    'secret',
    'preserveHost does not change the scheme',
  );
  assert.equal(seen.at(-1)?.host, 'front.test');
  await deploy(gateway, 'two', { urls: [`https://localhost:${port(secure2)}`], service: { tlsSkipVerify: true, http2Only: true } });
  assert.equal((await ask(`${gateway.proxyUrl}/two`)).text, 'secret');
  assert.equal(seen.at(-1)?.version, '2.0');
  await deploy(gateway, 'plain', { urls: [upstream.url.replace('http:', 'https:')], service: { tlsSkipVerify: true } });
  assert.equal((await ask(`${gateway.proxyUrl}/plain`)).status, 502, 'a plain server behind an https URL');
  secure.closeAllConnections();
  secure.close();
  secure2.close();
});

test('h2c upstreams get HTTP/2 from HTTP/1 clients and HTTP/2 clients alike', async () => {
  const server = http2.createServer();
  server.on('stream', (stream, headers) => {
    let body = '';
    stream.setEncoding('utf8').on('data', (text: string) => (body += text));
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'x-path': headers[':path'] ?? '' });
      stream.end(`${headers[':method']} ${body}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await deploy(gateway, 'hc', { urls: [`h2c://127.0.0.1:${(server.address() as AddressInfo).port}/base`] });
  const plain = await ask(`${gateway.proxyUrl}/hc/x?q=1`, { method: 'POST', body: 'hello' });
  assert.equal(plain.text, 'POST hello');
  assert.equal(plain.headers['x-path'], '/base/hc/x?q=1');
  const session = http2.connect(gateway.proxyUrl);
  assert.equal((await askHttp2(session, { ':path': '/hc', ':method': 'PUT' }, 'two')).text, 'PUT two');
  session.close();
  server.close();
});

test('without HTTP/2 enabled the plain listener is HTTP/1 only; TLS offers both', async () => {
  const listener = { port: '${TLS_PORT}', cert_file: fallback.certFile, key_file: fallback.keyFile };
  await using plain = await startGateway({ config: { proxy: { tls: listener, allowed_domains: ['dom.test', '127.0.0.1'] } } });
  await deploy(plain, 'up', { urls: [upstream.url] });
  const session = http2.connect(plain.proxyUrl);
  session.on('error', () => {});
  await assert.rejects(askHttp2(session, { ':path': '/up' }));
  session.destroy();
  const secure = http2.connect(`https://127.0.0.1:${plain.ports.tls}`, { rejectUnauthorized: false });
  assert.equal((await askHttp2(secure, { ':path': '/up' })).status, 200);
  secure.close();

  const certificate = makeCertificate(folder.path, ['gated.test']);
  await plain.put('domain', { name: 'd', patterns: ['*.test'], cert: certificate.cert, key: certificate.key });
  assert.equal(await certificateFor('dom.test', plain.ports.tls), 'gated.test');
  assert.equal(await certificateFor('other.test', plain.ports.tls), 'fallback.test', 'allowed_domains gates the certificates too');
});
