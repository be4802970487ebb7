import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { type Answer, ask } from '../support/client.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { sendRaw } from '../support/raw-client.ts';
import { until } from '../support/until.ts';
import { type RecordingUpstream, startUpstream } from '../support/upstream.ts';

let gateway: Gateway;
let upstream: RecordingUpstream;

before(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({
    config: {
      proxy: {
        global_headers: { 'X-Global': 'gateway' },
        redirect_https: ['secure.test'],
        allowed_domains: ['127.0.0.1', '*.test'],
        trusted_proxies: ['127.0.0.1'],
      },
    },
  });
});

after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await upstream?.close();
});

const get = (path: string, options: Parameters<typeof ask>[1] = {}): Promise<Answer> => ask(gateway.proxyUrl + path, options);
const route = (name: string, fields: object): Promise<Answer> =>
  gateway.put('route', { name, methods: ['GET'], service: 'echo', ...fields });
const lineOf = (answer: Answer): string => answer.json().line;
/** The fields that the upstream saw, names in lower case. */
const seenFields = (answer: Answer): Record<string, string> =>
  Object.fromEntries(answer.json().headers.map(([name, value]: [string, string]) => [name.toLowerCase(), value]));

describe('paths', () => {
  before(async () => {
    await gateway.put('service', { name: 'echo', urls: [`${upstream.url}/base?from=service`] });
    await route('static', { paths: ['/p/static'] });
    await route('number', { paths: ['/p/{id:[0-9]+}'], stripPath: true });
    await route('any', { paths: ['/p/{name}'], methods: ['GET', 'POST'] });
    await route('rest', { paths: ['/p/*'], stripPath: true });
    await route('exact', { paths: ['/exact/{x}'], stripPath: true });
  });

  const cases: readonly (readonly [path: string, target: string])[] = [
    ['/p/static', '/base/p/static?from=service'],
    ['/p/7', '/base?from=service'],
    ['/p/seven?a=1', '/base/p/seven?from=service&a=1'],
    ['/p/a/b', '/base/a/b?from=service'],
    ['/exact/1', '/base?from=service'],
  ];
  for (const [path, target] of cases) {
    test(`${path} is sent as ${target}`, async () => assert.equal(lineOf(await get(path)), `GET ${target} HTTP/1.1`));
  }

  test('an unknown path is 404, a known one with another method 405 with Allow', async () => {
    const missing = await get('/nowhere');
    assert.deepEqual([missing.status, missing.json().code], [404, 'ROUTE_NOT_FOUND']);
    const wrong = await get('/exact/1', { method: 'DELETE' });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.allow, 'GET');
  });

  test('a slash at the end is part of the path', async () => assert.equal((await get('/exact/1/')).status, 404));
});

describe('fields', () => {
  before(async () => {
    await gateway.put('service', { name: 'plain', urls: [upstream.url] });
    await gateway.put('service', { name: 'quiet', urls: [upstream.url], hideDGateHeaders: true, disableQueryParams: true });
    await route('fields', { paths: ['/fields'], service: 'plain' });
    await route('keep', { paths: ['/keep'], service: 'plain', preserveHost: true });
    await route('quiet', { paths: ['/quiet'], service: 'quiet' });
  });

  test('the upstream learns who asked, by what and for which route', async () => {
    const fields = seenFields(await get('/fields', { headers: { host: 'shop.test' } }));
    assert.equal(fields.host, `127.0.0.1:${upstream.port}`);
    assert.equal(fields['x-forwarded-for'], '127.0.0.1');
    assert.equal(fields['x-forwarded-host'], 'shop.test');
    assert.equal(fields['x-forwarded-proto'], 'http');
    assert.equal(fields['x-dgate-route'], 'fields');
    assert.match(fields.traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  });

  test('a trusted proxy in front is believed, and appended to', async () => {
    const fields = seenFields(await get('/fields', { headers: { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' } }));
    assert.equal(fields['x-forwarded-for'], '203.0.113.9, 127.0.0.1');
    assert.equal(fields['x-forwarded-proto'], 'https');
  });

  test('hop-by-hop fields stay on their hop, others pass with their order and case', async () => {
    const answer = await sendRaw(
      gateway.ports.proxy,
      'GET /fields HTTP/1.1\r\nHost: a.test\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-B: 2\r\nx-a: 1\r\nX-B: 3\r\n\r\n',
    );
    const names = upstream.requests.at(-1)?.rawHeaders.filter((_, index) => index % 2 === 0) ?? [];
    assert.match(answer.received, /^HTTP\/1\.1 200 /);
    assert.deepEqual(
      names.filter((name) => /^x-(a|b|hop)$/i.test(name)),
      ['X-B', 'x-a', 'X-B'],
    );
  });

  test('preserveHost, hideDGateHeaders and disableQueryParams do what they say', async () => {
    assert.equal(seenFields(await get('/keep', { headers: { host: 'shop.test:81' } })).host, 'shop.test:81');
    const quiet = await get('/quiet?a=1');
    assert.equal(lineOf(quiet), 'GET /quiet HTTP/1.1');
    assert.deepEqual(
      Object.keys(seenFields(quiet)).filter((name) => name.startsWith('x-dgate-')),
      [],
    );
    assert.equal(quiet.headers.via, undefined);
  });

  test('global headers are on proxied answers', async () => assert.equal((await get('/fields')).headers['x-global'], 'gateway'));
});

describe('bodies', () => {
  before(async () => {
    await gateway.put('service', { name: 'stream', urls: [upstream.url], retries: 0 });
    await route('stream', { paths: ['/stream/*'], methods: ['*'], service: 'stream', stripPath: true });
  });

  test('a body arrives whole, with a length and without', async () => {
    const body = 'ä'.repeat(100_000);
    assert.equal((await get('/stream/in', { method: 'POST', body })).json().body, body);
    const chunked = await get('/stream/in', {
      method: 'POST',
      body,
      headers: { 'transfer-encoding': 'chunked', 'content-length': undefined },
    });
    assert.equal(chunked.json().body, body);
    assert.equal((await get('/stream/big')).text.length, 300_000);
  });

  test('the first event of a stream does not wait for the second', async () => {
    const start = performance.now();
    const first = await new Promise<string>((resolve, reject) => {
      const request = http.get(`${gateway.proxyUrl}/stream/sse`, { agent: false }, (response) => {
        response.setEncoding('utf8').once('data', (text: string) => {
          resolve(text);
          request.destroy();
        });
      });
      request.once('error', reject);
    });
    assert.equal(first, 'data: 0\n\n');
    assert.ok(performance.now() - start < 300, 'the events are 300 ms apart');
  });

  test('HEAD has the length and no body; 204 has neither', async () => {
    const head = await get('/stream/size/1000', { method: 'HEAD' });
    assert.equal(head.headers['content-length'], '1000');
    const empty = await get('/stream/status/204');
    assert.deepEqual([empty.status, empty.text, empty.headers['content-length']], [204, '', undefined]);
  });

  test('a client that leaves ends its upstream request', async () => {
    const before = upstream.aborted();
    const request = http.get(`${gateway.proxyUrl}/stream/slow`, { agent: false });
    request.on('error', () => {});
    await until('the upstream has the request', () => upstream.requests.at(-1)?.url === '/slow');
    request.destroy();
    await until('the upstream request is ended', () => upstream.aborted() > before, 900);
  });
});

describe('upstreams that fail', () => {
  before(async () => {
    await gateway.put('service', { name: 'dropping', urls: [upstream.url], retries: 2, retryTimeout: '1ms' });
    await gateway.put('service', { name: 'slow', urls: [upstream.url], retries: 0, requestTimeout: '50ms' });
    await gateway.put('service', { name: 'away', urls: ['http://127.0.0.1:1'], retries: 0 });
    await route('dropping', { paths: ['/drop'], methods: ['GET', 'POST'], service: 'dropping' });
    await route('slow', { paths: ['/slow'], service: 'slow' });
    await route('away', { paths: ['/away'], service: 'away' });
  });

  const attempts = async (method: string): Promise<number> => {
    const before = upstream.requests.length;
    const answer = await get('/drop', { method, ...(method === 'POST' && { body: 'x' }) });
    assert.equal(answer.status, 502);
    return upstream.requests.length - before;
  };

  test('idempotent requests are tried again, others are not', async () => {
    assert.equal(await attempts('GET'), 3);
    assert.equal(await attempts('POST'), 1);
  });

  test('the answer says what happened, and no internals', async () => {
    const slow = await get('/slow');
    assert.deepEqual([slow.status, slow.json().code], [502, 'UPSTREAM_TIMEOUT']);
    const away = await get('/away');
    assert.deepEqual([away.status, away.json().code], [502, 'UPSTREAM_CONNECT']);
    assert.doesNotMatch(away.text, /node:|\.ts:|ECONNREFUSED/);
    assert.ok(away.json().id);
  });

  test('requests take the URLs of a service in turn', async () => {
    await gateway.put('service', { name: 'many', urls: ['one', 'two', 'three'].map((name) => `${upstream.url}/${name}`) });
    await route('many', { paths: ['/many'], service: 'many', stripPath: true });
    const lines = new Set<string>();
    for (let i = 0; i < 3; i += 1) lines.add(lineOf(await get('/many')));
    assert.equal(lines.size, 3);
  });
});

describe('hosts', () => {
  before(async () => {
    for (const name of ['shop', 'wild', 'high']) {
      await gateway.put('namespace', { name });
      await gateway.put('service', { name: 'echo', namespace: name, urls: [upstream.url] });
      await route('r', { namespace: name, paths: [`/${name}`] });
    }
    await gateway.put('domain', { name: 'shop', namespace: 'shop', patterns: ['shop.test'] });
    await gateway.put('domain', { name: 'wild', namespace: 'wild', patterns: ['*.wild.test', '/^[0-9]+[.]test$/'] });
    await gateway.put('domain', { name: 'high', namespace: 'high', patterns: ['a.wild.test'], priority: 5 });
  });

  const statusOf = async (host: string, path: string): Promise<number> => (await get(path, { headers: { host } })).status;

  test('the domain decides the namespace, whatever the case, port and final dot', async () => {
    assert.equal(await statusOf('shop.test', '/shop'), 200);
    assert.equal(await statusOf('SHOP.test.:8080', '/shop'), 200);
    assert.equal(await statusOf('b.wild.test', '/wild'), 200);
    assert.equal(await statusOf('42.test', '/wild'), 200);
    assert.equal(await statusOf('a.wild.test', '/high'), 200);
    assert.equal(await statusOf('a.wild.test', '/wild'), 404);
  });

  test('hosts beside allowed_domains are refused, those of redirect_https sent to https', async () => {
    assert.equal(await statusOf('other.example', '/fields'), 403);
    const answer = await get('/shop?a=1', { headers: { host: 'secure.test' } });
    assert.deepEqual([answer.status, answer.headers.location], [307, 'https://secure.test/shop?a=1']);
  });

  test('explain says which domain matched and why the others did not', async () => {
    const { data } = (await gateway.admin('GET', '/api/v1/explain?host=b.wild.test&path=/wild')).json();
    assert.equal(data.namespace, 'wild');
    assert.equal(data.route.name, 'r');
    assert.equal(data.domains.length, 3);
  });
});
