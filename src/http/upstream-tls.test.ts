import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { callUpstream, toUpstreamOptions } from '../../test/support/call-upstream.ts';
import { makeCertificate, type TestCertificate } from '../../test/support/certificates.ts';
import { createTempFolder } from '../../test/support/temp.ts';
import type { Upstream, UpstreamOptions } from './upstream.ts';
import { isPrivateAddress } from './upstream-dialer.ts';
import { createUpstreams, type UpstreamsOptions } from './upstreams.ts';

interface SecureServer {
  readonly port: number;
  /** One entry per connection: the name that the client asked for, and whether its session was resumed. */
  readonly handshakes: { servername: string | false; resumed: boolean; alpn: string | false | null }[];
}

async function serve(t: TestContext, certificate: TestCertificate): Promise<SecureServer> {
  const handshakes: SecureServer['handshakes'] = [];
  const server: Server = createServer({ cert: certificate.cert, key: certificate.key }, (request, response) => request.pipe(response));
  server.on('secureConnection', (socket: TLSSocket & { servername?: string | false }) => {
    handshakes.push({ servername: socket.servername ?? false, resumed: socket.isSessionReused(), alpn: socket.alpnProtocol });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, handshakes };
}

function certify(t: TestContext, names: readonly [string, ...string[]], days?: number): TestCertificate {
  const folder = createTempFolder();
  t.after(() => folder.remove());
  return makeCertificate(folder.path, names, days);
}

function connectTo(t: TestContext, port: number, origin: Partial<UpstreamOptions>, options: UpstreamsOptions = {}): Upstream {
  const upstreams = createUpstreams(options);
  t.after(() => upstreams.close());
  return upstreams.get(toUpstreamOptions(port, { scheme: 'https', hostname: 'localhost', ...origin }));
}

test('a trusted certificate: requests pass, with SNI and ALPN, and sessions are resumed', async (t) => {
  const certificate = certify(t, ['localhost']);
  const { port, handshakes } = await serve(t, certificate);
  const upstream = connectTo(t, port, {}, { ca: [certificate.cert], keepAlive: false });
  const big = Buffer.alloc(1_000_000, 'q');
  for (let i = 0; i < 3; i += 1) {
    const answer = await callUpstream(upstream, { method: 'POST', body: big });
    assert.deepEqual([answer.error, answer.body.equals(big)], [undefined, true]);
  }
  assert.deepEqual(handshakes[0], { servername: 'localhost', resumed: false, alpn: 'http/1.1' });
  assert.equal(handshakes[2]?.resumed, true);
});

test('an IP address is verified, but not sent as SNI', async (t) => {
  const certificate = certify(t, ['127.0.0.1']);
  const { port, handshakes } = await serve(t, certificate);
  assert.equal((await callUpstream(connectTo(t, port, { hostname: '127.0.0.1' }, { ca: [certificate.cert] }))).error, undefined);
  assert.equal(handshakes[0]?.servername, false);
});

test('a certificate that is not trusted, or of another name, ends before a byte is sent', async (t) => {
  const certificate = certify(t, ['localhost']);
  const { port } = await serve(t, certificate);
  const foreign = certify(t, ['other.test']);
  const { port: foreignPort } = await serve(t, foreign);
  const untrusted = await callUpstream(connectTo(t, port, {}));
  assert.deepEqual([untrusted.error?.code, untrusted.sent], ['UPSTREAM_CONNECT', false]);
  assert.match(untrusted.error?.message ?? '', /self-signed certificate.*DEPTH_ZERO_SELF_SIGNED_CERT/);
  const misnamed = await callUpstream(connectTo(t, foreignPort, {}, { ca: [foreign.cert] }));
  assert.deepEqual([misnamed.error?.code, misnamed.sent], ['UPSTREAM_CONNECT', false]);
  assert.match(misnamed.error?.message ?? '', /altnames/);
  for (const [refused, ca] of [
    [port, foreign],
    [foreignPort, certificate],
  ] as const) {
    assert.equal((await callUpstream(connectTo(t, refused, {}, { ca: [ca.cert] }))).error?.code, 'UPSTREAM_CONNECT');
    assert.equal((await callUpstream(connectTo(t, refused, { tlsSkipVerify: true }))).status, 200);
  }
});

test('plain HTTP behind https is an error', async (t) => {
  const { createServer: createPlain } = await import('node:http');
  const server = createPlain((_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const answer = await callUpstream(connectTo(t, (server.address() as AddressInfo).port, {}));
  assert.deepEqual([answer.error?.code, answer.sent], ['UPSTREAM_CONNECT', false]);
});

test('private addresses', () => {
  for (const address of [
    '127.0.0.1',
    '127.9.9.9',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '0.0.0.0',
    '::1',
    '::',
    'fc00::1',
    'fdff::1',
    'fe80::1',
    '::ffff:10.0.0.1',
  ]) {
    assert.equal(isPrivateAddress(address), true, address);
  }
  for (const address of ['1.1.1.1', '172.32.0.1', '172.15.0.1', '11.0.0.1', '192.169.0.1', '2001:db8::1', '::2', '::ffff:8.8.8.8']) {
    assert.equal(isPrivateAddress(address), false, address);
  }
});
