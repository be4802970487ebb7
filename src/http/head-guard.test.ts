import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type GuardedHead, guardHead, type HttpVersion } from './head-guard.ts';

const limits = { maxTargetBytes: 200, maxHeaderBytes: 1000, maxHeaders: 10 };

function accept(method: string, target: string, headers: readonly string[], version: HttpVersion = '1.1'): GuardedHead {
  const head = guardHead(method, target, version, headers, limits);
  assert.ok(head.ok, head.ok ? '' : head.error.message);
  return head;
}

function status(method: string, target: string, headers: readonly string[], version: HttpVersion = '1.1'): number {
  const head = guardHead(method, target, version, headers, limits);
  return head.ok ? 200 : head.error.status;
}

const HOST = ['Host', 'a.com'];

test('an ordinary head is accepted as it is', () => {
  const headers = ['Host', 'A.com:80', 'Accept', '*/*', 'Connection', 'keep-alive'];
  const head = accept('GET', '/x?y', headers);
  assert.equal(head.headers, headers);
  const { target, path, query, host, authority, contentLength, chunked, upgrade, expectContinue } = head;
  assert.deepEqual(
    { target, path, query, host, authority, contentLength, chunked, upgrade, expectContinue },
    {
      target: '/x?y',
      path: '/x',
      query: 'y',
      host: 'a.com',
      authority: 'A.com:80',
      contentLength: undefined,
      chunked: false,
      upgrade: undefined,
      expectContinue: false,
    },
  );
});

test('HTTP/1.1 needs exactly one valid Host, HTTP/1.0 at most one', () => {
  assert.equal(status('GET', '/', []), 400);
  assert.equal(status('GET', '/', ['Host', 'a', 'hOST', 'a']), 400);
  for (const host of ['', 'a/b', 'u@a', 'a b', 'a:x', '[::1']) assert.equal(status('GET', '/', ['Host', host]), 400, host);
  assert.equal(accept('GET', '/', [], '1.0').host, '');
  assert.equal(status('GET', '/', ['Host', 'a', 'Host', 'a'], '1.0'), 400);
});

test('there is one framing', () => {
  assert.equal(accept('POST', '/', [...HOST, 'Content-Length', '7']).contentLength, 7);
  assert.equal(accept('POST', '/', [...HOST, 'Content-Length', '007']).contentLength, 7);
  assert.ok(accept('POST', '/', [...HOST, 'Transfer-Encoding', 'Chunked']).chunked);
  for (const length of ['', '-1', '+1', '1,1', '1 1', '0x1', '1.0', '9'.repeat(16), '１'])
    assert.equal(status('POST', '/', [...HOST, 'Content-Length', length]), 400, length);
  assert.equal(status('POST', '/', [...HOST, 'Content-Length', '1', 'content-length', '1']), 400);
  assert.equal(status('POST', '/', [...HOST, 'Content-Length', '1', 'Transfer-Encoding', 'chunked']), 400);
  assert.equal(status('POST', '/', [...HOST, 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked']), 400);
  for (const coding of ['', ',chunked', 'chunked,', 'chunked, chunked'])
    assert.equal(status('POST', '/', [...HOST, 'Transfer-Encoding', coding]), 400, coding);
  for (const coding of ['gzip', 'gzip, chunked', 'identity', 'xchunked', 'chunked;q=1', '"chunked"'])
    assert.equal(status('POST', '/', [...HOST, 'Transfer-Encoding', coding]), 501, coding);
  assert.equal(status('POST', '/', [...HOST, 'Transfer-Encoding', 'chunked'], '1.0'), 400);
});

test('a body on GET and HEAD is framed like any other', () => {
  assert.equal(accept('GET', '/', [...HOST, 'Content-Length', '3']).contentLength, 3);
  assert.ok(accept('HEAD', '/', [...HOST, 'Transfer-Encoding', 'chunked']).chunked);
});

test('absolute-form becomes origin-form when it agrees with Host', () => {
  const head = accept('GET', 'HTTP://A.com/x/../y?z', ['Host', 'a.COM']);
  assert.deepEqual([head.target, head.host, head.authority], ['/y?z', 'a.com', 'a.COM']);
  assert.equal(accept('GET', 'http://a.com', HOST).target, '/');
  assert.equal(accept('GET', 'http://a.com?q', HOST).target, '/?q');
  assert.equal(accept('OPTIONS', 'https://a.com', HOST).target, '*');
  assert.equal(accept('GET', 'http://a.com:8/', [], '1.0').host, 'a.com');
  for (const target of [
    'http://b.com/',
    'http://a.com:80/',
    'http://u@a.com/',
    'http:///',
    'http://',
    'ftp://a.com/',
    'http:/a.com/',
    'http://a.com#x',
    'a.com/x',
    'a.com:80',
  ]) {
    assert.equal(status('GET', target, HOST), 400, target);
  }
});

test('the asterisk is for OPTIONS, CONNECT and TRACE are not served', () => {
  assert.equal(accept('OPTIONS', '*', HOST).path, '*');
  assert.equal(status('GET', '*', HOST), 400);
  assert.equal(status('CONNECT', 'a.com:443', HOST), 501);
  assert.equal(status('TRACE', '/', HOST), 501);
});

test('targets are bounded and canonical', () => {
  assert.equal(accept('GET', '/%61/./b', HOST).target, '/a/b');
  for (const target of ['/#', '/\\', '/%', '/%00', '/\x80']) assert.equal(status('GET', target, HOST), 400, target);
  assert.equal(status('GET', `/${'x'.repeat(199)}`, HOST), 200);
  assert.equal(status('GET', `/${'x'.repeat(200)}`, HOST), 414);
});

test('fields are bounded in number and size', () => {
  const many = (count: number): string[] => [...HOST, ...Array.from({ length: count * 2 }, (_, i) => (i % 2 === 0 ? `x${i}` : '1'))];
  assert.equal(status('GET', '/', many(9)), 200);
  assert.equal(status('GET', '/', many(10)), 431);
  // Host takes 13 bytes, the name and separators of the other field 5.
  assert.equal(status('GET', '/', [...HOST, 'X', 'v'.repeat(982)]), 200);
  assert.equal(status('GET', '/', [...HOST, 'X', 'v'.repeat(983)]), 431);
});

test('Connection nominates neither framing, Host, forwarding nor credentials', () => {
  for (const name of [
    'content-length',
    'Transfer-Encoding',
    'HOST',
    'authorization',
    'Cookie',
    'forwarded',
    'X-Forwarded-For',
    'x-forwarded-anything',
    'X-Real-IP',
    'via',
    'content-type',
  ]) {
    assert.equal(status('GET', '/', [...HOST, 'Connection', name]), 400, name);
    assert.equal(status('GET', '/', [...HOST, 'Connection', 'close', 'connection', `keep-alive , ${name}`]), 400, name);
  }
  for (const value of ['', 'close', 'keep-alive, x-mine', ',,close,', 'TE', 'proxy-authorization'])
    assert.equal(status('GET', '/', [...HOST, 'Connection', value]), 200, value);
  for (const value of ['a b', '"close"', 'x:y', 'close;x']) assert.equal(status('GET', '/', [...HOST, 'Connection', value]), 400, value);
});

test('underscore twins of managed fields are dropped, other underscores stay', () => {
  const head = accept('GET', '/', [
    ...HOST,
    'X_Forwarded_For',
    '1',
    'x_key',
    '2',
    'content_length',
    '3',
    'X-Real_IP',
    '4',
    'X-Real-IP',
    '5',
  ]);
  assert.deepEqual(head.headers, [...HOST, 'x_key', '2', 'X-Real-IP', '5']);
});

test('Expect is 100-continue or refused; HTTP/1.0 has none', () => {
  assert.ok(accept('POST', '/', [...HOST, 'Expect', '100-Continue', 'Content-Length', '1']).expectContinue);
  assert.ok(!accept('POST', '/', [...HOST, 'Expect', '100-continue']).expectContinue);
  assert.equal(status('POST', '/', [...HOST, 'Expect', 'something']), 417);
  assert.equal(status('POST', '/', [...HOST, 'Expect', '100-continue', 'Expect', 'x']), 417);
  assert.equal(status('POST', '/', [...HOST, 'Expect', 'x'], '1.0'), 200);
});

test('only a WebSocket is an upgrade', () => {
  const upgrade = (protocol: string, method = 'GET', more: readonly string[] = [], version: HttpVersion = '1.1'): string | undefined =>
    accept(method, '/', [...HOST, 'Connection', 'keep-alive, Upgrade', 'Upgrade', protocol, ...more], version).upgrade;
  assert.equal(upgrade('WebSocket'), 'websocket');
  assert.equal(upgrade('h2c'), undefined);
  assert.equal(upgrade('websocket', 'POST'), undefined);
  assert.equal(upgrade('websocket', 'GET', ['Content-Length', '1']), undefined);
  assert.equal(upgrade('websocket', 'GET', [], '1.0'), undefined);
  assert.equal(accept('GET', '/', [...HOST, 'Upgrade', 'websocket']).upgrade, undefined);
});

test('whatever is accepted keeps the promises of an accepted head', () => {
  const piece = fc.constantFrom(
    'Host',
    'host',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'X_Forwarded_For',
    'Expect',
    'Upgrade',
    'A',
  );
  const value = fc.constantFrom('a.com', 'b.com', '1', '', 'chunked', 'close', 'host', 'websocket', '100-continue', 'upgrade');
  const target = fc.oneof(
    fc.constantFrom('/', '*', 'http://a.com/x', '/a/../b', '/%2e%2e/%2F'),
    fc.string({ unit: fc.constantFrom(...'/.%2eEf?#a*:h'.split('')), maxLength: 8 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'POST', 'OPTIONS'),
      target,
      fc.constantFrom('1.0', '1.1', '2.0'),
      fc.array(fc.tuple(piece, value), { maxLength: 5 }),
      (method, raw, version, pairs) => {
        const headers = pairs.flat();
        const head = guardHead(method, raw, version, headers, limits);
        if (!head.ok) return;
        const count = (name: string): number => pairs.filter(([key]) => key.toLowerCase() === name).length;
        assert.ok(count('host') <= 1 && (version !== '1.1' || count('host') === 1));
        assert.ok(count('content-length') + count('transfer-encoding') <= 1);
        assert.equal(head.chunked, count('transfer-encoding') === 1);
        assert.ok(head.target === '*' ? method === 'OPTIONS' : head.target.startsWith('/'));
        assert.ok(!head.headers.includes('X_Forwarded_For'));
        if (head.target !== '*') assert.equal(accept(method, head.target, headers, version).target, head.target);
      },
    ),
    { numRuns: 3000 },
  );
});
