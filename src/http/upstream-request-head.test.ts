import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SekishoError } from '../lib/errors.ts';
import type { UpstreamRequest } from './upstream.ts';
import { toHttp2Headers } from './upstream-h2-head.ts';
import { toRequestHead } from './upstream-request-head.ts';

const REQUEST: UpstreamRequest = {
  method: 'GET',
  target: '/',
  headers: ['Host', 'a'],
  body: undefined,
  contentLength: undefined,
  upgrade: undefined,
  headTimeoutMs: 0,
  idleTimeoutMs: 0,
};

const UNSENDABLE: readonly Partial<UpstreamRequest>[] = [
  { method: '' },
  { method: 'GET /x' },
  { method: 'G\r\nX' },
  { method: 'CONNECT' },
  { target: '' },
  { target: 'x' },
  { target: 'http://a/' },
  { target: '/a b' },
  { target: '/a\r\nX: 1' },
  { target: '/\u00e9' },
  { target: '/\u010a' },
  { headers: [] },
  { headers: ['X-A', '1'] },
  { headers: ['Host', 'a', 'host', 'b'] },
  { headers: ['Host', 'a', '', '1'] },
  { headers: ['Host', 'a', 'X A', '1'] },
  { headers: ['Host', 'a', 'X:', '1'] },
  { headers: ['Host', 'a', 'X\r\nY', '1'] },
  { headers: ['Host', 'a\r\nX: 1'] },
  { headers: ['Host', 'a', 'X', '1\n2'] },
  { headers: ['Host', 'a', 'X', '1\0'] },
  { headers: ['Host', 'a', 'X', '\u007f'] },
  { headers: ['Host', 'a', 'X', '\u010a'] },
];

test('what would split or spoil a request is never written', () => {
  for (const change of UNSENDABLE) {
    for (const write of [toRequestHead, (request: UpstreamRequest) => toHttp2Headers(request, 'http')]) {
      assert.throws(
        () => write({ ...REQUEST, ...change }),
        (error) => error instanceof SekishoError && error.code === 'INTERNAL',
        JSON.stringify(change),
      );
    }
  }
  assert.throws(() => toRequestHead({ ...REQUEST, upgrade: 'web socket' }), SekishoError);
});

test('an upgrade is asked for with both fields', () => {
  assert.equal(
    toRequestHead({ ...REQUEST, upgrade: 'websocket' }),
    'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  );
});

test('whatever the fields are, a head has as many lines as it should (property)', () => {
  const text = fc.string({ unit: 'binary', maxLength: 8 });
  fc.assert(
    fc.property(text, text, text, text, (method, target, name, value) => {
      let head: string;
      try {
        head = toRequestHead({ ...REQUEST, method, target: `/${target}`, headers: ['Host', 'a', `x-${name}`, value] });
      } catch (error) {
        assert.ok(error instanceof SekishoError);
        return;
      }
      assert.match(head, /^[^\r\n]+\r\nHost: a\r\n[^\r\n]+\r\n(Content-Length: 0\r\n)?\r\n$/);
      assert.equal(Buffer.from(head, 'latin1').toString('latin1'), head);
    }),
    { numRuns: 500 },
  );
});
