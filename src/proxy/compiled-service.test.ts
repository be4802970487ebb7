import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../entity/types.ts';
import { parseServiceTarget } from './compiled-service.ts';

const service = { tlsSkipVerify: false, http2Only: false, connectTimeout: '50ms' } as unknown as Service;
const parse = (url: string) =>
  parseServiceTarget(url, service, { connectTimeoutMs: 5000, responseHeaderTimeoutMs: 60_000, forceHttp2: false });

test('schemes decide protocol and default port', () => {
  const seen = ['http://h', 'https://h', 'ws://h', 'wss://h', 'h2c://h'].map((url) => [
    parse(url).upstream.scheme,
    parse(url).upstream.port,
  ]);
  assert.deepEqual(seen, [
    ['http', 80],
    ['https', 443],
    ['http', 80],
    ['https', 443],
    ['h2c', 80],
  ]);
});

test('authority, base path and query come from the URL', () => {
  const { authority, basePath, baseQuery, upstream } = parse('http://Example.com:8080/base/?a=1');
  assert.deepEqual({ authority, basePath, baseQuery }, { authority: 'example.com:8080', basePath: '/base/', baseQuery: 'a=1' });
  assert.equal(upstream.connectTimeoutMs, 50);
  assert.equal(parse('https://h:443/x').authority, 'h:443', 'a written port stays written');
  assert.equal(parse('http://h').basePath, '');
  assert.equal(parse('http://h/').basePath, '/');
  assert.equal(parse('h2c://[::1]:50051').upstream.hostname, '::1');
});

test('what is no service URL is refused', () => {
  for (const url of ['ftp://h', 'h', '', 'http://', '//h']) assert.throws(() => parse(url), TypeError, url);
});
