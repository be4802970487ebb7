import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  fieldValue,
  hasToken,
  indexOfField,
  isManagedTwin,
  isName,
  isPlainConnection,
  listTokens,
  stripRequestHeaders,
} from './header-rules.ts';

function strip(...headers: string[]): string[] {
  const out = ['kept', 'before'];
  stripRequestHeaders(headers, out);
  assert.deepEqual(out.slice(0, 2), ['kept', 'before']);
  return out.slice(2);
}

test('names compare without case', () => {
  assert.ok(isName('Host', 'host') && isName('HOST', 'host') && isName('host', 'host'));
  assert.ok(!isName('Hos', 'host') && !isName('Hosts', 'host') && !isName('H\u004fst_', 'host'));
  // '@' and '`' differ in the case bit only, and are no letters.
  assert.ok(!isName('@', '`') && !isName('[', '{'));
});

test('fields are found by name', () => {
  const headers = ['A', '1', 'b', '2', 'B', '3'];
  assert.equal(indexOfField(headers, 'b'), 2);
  assert.equal(fieldValue(headers, 'a'), '1');
  assert.equal(fieldValue(headers, 'c'), undefined);
});

const STRIPPED = [
  'Host',
  'Connection',
  'Keep-Alive',
  'Proxy-Connection',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Expect',
  'Content-Length',
  'HTTP2-Settings',
  'Forwarded',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'X-Forwarded-By',
  'X-Forwarded-Server',
  'X-Forwarded-Client-Cert',
  'X-Real-IP',
];

test('hop-by-hop, framing and forwarding fields are stripped, whatever their case', () => {
  for (const name of STRIPPED) {
    for (const spelled of [name, name.toLowerCase(), name.toUpperCase()])
      assert.deepEqual(strip('A', '1', spelled, 'close', 'B', '2'), ['A', '1', 'B', '2'], spelled);
  }
});

test('end-to-end fields survive in order, with their case and duplicates', () => {
  const headers = [
    'Accept',
    '*/*',
    'cookie',
    'a',
    'COOKIE',
    'b',
    'X-Forwarded',
    'x',
    'X-Forwarder-For',
    'x',
    'Via',
    '1.0 p',
    'Authorization',
    's',
    'Hosts',
    'h',
    'X',
    '',
    'Expected',
    '1',
  ];
  assert.deepEqual(strip(...headers), headers);
});

test('what Connection nominates is stripped, wherever it stands', () => {
  assert.deepEqual(strip('X-A', '1', 'Connection', 'close, x-a , X-B', 'x-b', '2', 'C', '3'), ['C', '3']);
  assert.deepEqual(strip('X-A', '1', 'Connection', 'x-a', 'B', '2', 'connection', 'b'), []);
  assert.deepEqual(strip('X-A', '1', 'Connection', 'keep-alive', 'B', '2'), ['X-A', '1', 'B', '2']);
});

test('TE survives as trailers only', () => {
  assert.deepEqual(strip('TE', 'gzip, trailers;q=0.5', 'Connection', 'TE'), ['TE', 'trailers']);
  assert.deepEqual(strip('te', 'gzip'), []);
});

test('lists are split into lower-case elements', () => {
  assert.deepEqual(listTokens(' A,,b ,\tC'), ['a', 'b', 'c']);
  assert.ok(hasToken('Upgrade', 'upgrade') && hasToken('x, UPGRADE', 'upgrade') && hasToken('websocket;x=1', 'websocket'));
  assert.ok(!hasToken('upgrades', 'upgrade') && !hasToken('', 'upgrade'));
  assert.ok(isPlainConnection('Keep-Alive') && isPlainConnection('close') && !isPlainConnection('keep-alive, x'));
});

test('underscore twins of managed fields are known', () => {
  for (const name of ['X_Forwarded_For', 'x-forwarded_proto', 'content_length', 'Transfer_Encoding', 'x_real_ip', 'X_DGate_Route'])
    assert.ok(isManagedTwin(name), name);
  for (const name of ['x_api_key', 'user_agent', 'x_forward', '_']) assert.ok(!isManagedTwin(name), name);
});

test('no stripped or nominated name is left, and everything else is', () => {
  const name = fc.oneof(
    fc.constantFrom(...STRIPPED, 'X-Custom', 'Accept', 'TE'),
    fc.string({ unit: fc.constantFrom(...'xX-aFfor_d'.split('')), minLength: 1, maxLength: 20 }),
  );
  const pair = fc.tuple(name, fc.constantFrom('close', 'x-custom', 'keep-alive, accept', 'trailers'));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 10 }), (pairs) => {
      const nominated = pairs.filter(([key]) => key.toLowerCase() === 'connection').flatMap(([, value]) => listTokens(value));
      const isGone = (key: string): boolean =>
        STRIPPED.some((other) => other.toLowerCase() === key) || key.startsWith('x-forwarded-') || nominated.includes(key);
      const expected = pairs.filter(([key, value]) => (key.toLowerCase() === 'te' ? value === 'trailers' : !isGone(key.toLowerCase())));
      assert.deepEqual(
        strip(...pairs.flat()),
        expected.map(([key, value]) => (key.toLowerCase() === 'te' ? ['TE', value] : [key, value])).flat(),
      );
    }),
  );
});
