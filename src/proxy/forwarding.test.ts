import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../http/exchange.ts';
import { compileTrust } from './forwarding.ts';

const from = (remoteAddress: string, headers: readonly string[] = []): Exchange =>
  ({ remoteAddress, headers, authority: 'a.com:8080', isTls: false }) as unknown as Exchange;

function forwarded(trustedProxies: readonly string[], exchange: Exchange): Record<string, string> {
  const out: string[] = [];
  compileTrust({ trustedProxies, disableForwardedHeaders: false }).appendForwarded(exchange, out);
  return Object.fromEntries(Array.from({ length: out.length / 2 }, (_, i) => [out[2 * i] as string, out[2 * i + 1] as string]));
}

test('an untrusted peer is the client, whatever it says', () => {
  const exchange = from('9.9.9.9', ['X-Forwarded-For', '1.1.1.1', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'evil.com']);
  assert.deepEqual(forwarded([], exchange), {
    'X-Forwarded-For': '9.9.9.9',
    'X-Real-IP': '9.9.9.9',
    'X-Forwarded-Host': 'a.com:8080',
    'X-Forwarded-Proto': 'http',
  });
  assert.equal(compileTrust({ trustedProxies: ['10.0.0.0/8'], disableForwardedHeaders: false }).clientAddress(exchange), '9.9.9.9');
});

test("a trusted peer's chain is kept, and the client is the last address that is not ours", () => {
  const exchange = from('10.0.0.2', [
    'x-forwarded-for',
    '6.6.6.6, 1.2.3.4',
    'X-Forwarded-For',
    '10.0.0.1',
    'x-forwarded-proto',
    'https',
    'x-forwarded-host',
    'shop.com',
  ]);
  assert.deepEqual(forwarded(['10.0.0.0/8'], exchange), {
    'X-Forwarded-For': '6.6.6.6, 1.2.3.4, 10.0.0.1, 10.0.0.2',
    'X-Real-IP': '1.2.3.4',
    'X-Forwarded-Host': 'shop.com',
    'X-Forwarded-Proto': 'https',
  });
});

test('IPv6 peers are matched by IPv6 ranges', () => {
  const exchange = from('fd00::2', ['X-Forwarded-For', '2001:db8::1']);
  assert.equal(compileTrust({ trustedProxies: ['fd00::/8'], disableForwardedHeaders: false }).clientAddress(exchange), '2001:db8::1');
});

test('forwarding headers can be switched off', () => {
  const out: string[] = [];
  compileTrust({ trustedProxies: [], disableForwardedHeaders: true }).appendForwarded(from('9.9.9.9'), out);
  assert.deepEqual(out, []);
});
