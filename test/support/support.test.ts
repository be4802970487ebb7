import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCertificate } from './certificates.ts';
import { ask } from './client.ts';
import { findFreePorts } from './ports.ts';
import { parseRawResponse, sendRaw } from './raw-client.ts';
import { createTempFolder } from './temp.ts';
import { startUpstream } from './upstream.ts';

test('the upstream echoes and records what it was sent', async () => {
  await using upstream = await startUpstream();
  const answer = await ask(`${upstream.url}/a//b?c=%20`, { method: 'POST', headers: { 'X-One': '1' }, body: { d: 1 } });
  assert.equal(answer.json().line, 'POST /a//b?c=%20 HTTP/1.1');
  assert.equal(upstream.requests[0]?.body, '{"d":1}');
  assert.equal(upstream.requests[0]?.headers['x-one'], '1');
});

test('the raw client stops at a complete response, at a close and at its time limit', async () => {
  await using upstream = await startUpstream();
  const complete = (text: string): boolean => parseRawResponse(text) !== undefined;
  const kept = await sendRaw(upstream.port, ['GET / HTTP/1.1\r\n', 'Host: a\r\n\r\n'], { until: complete });
  assert.equal(kept.end, 'until');
  assert.equal(parseRawResponse(kept.received)?.status, 200);
  const closed = await sendRaw(upstream.port, 'GET /drop HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.deepEqual(closed, { received: '', end: 'closed' });
  assert.equal((await sendRaw(upstream.port, 'GET / HTTP/1.1\r\n', { timeoutMs: 50 })).end, 'timeout');
  await assert.rejects(sendRaw((await findFreePorts(1))[0] ?? 0, 'x'), /ECONNREFUSED/);
});

test('raw responses are framed by chunks, length or close', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n';
  assert.equal(parseRawResponse(chunked), undefined);
  assert.deepEqual(parseRawResponse(`${chunked}\r\nnext`)?.rest, 'next');
  assert.equal(parseRawResponse(`${chunked}x-t: 1\r\n\r\n`)?.body, 'abc');
  assert.equal(parseRawResponse('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab'), undefined);
  assert.equal(parseRawResponse('HTTP/1.0 200 OK\r\n\r\nab')?.body, 'ab');
});

test('certificates carry the names', () => {
  using folder = createTempFolder();
  const { cert, key } = makeCertificate(folder.path, ['a.test', '*.a.test', '127.0.0.1']);
  assert.match(cert, /BEGIN CERTIFICATE/);
  assert.match(key, /PRIVATE KEY/);
});
