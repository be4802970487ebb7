import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseHost } from './authority.ts';

test('hosts are lower case, without port and trailing dot', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['example.com', 'example.com'],
    ['Example.COM:8080', 'example.com'],
    ['example.com.', 'example.com'],
    ['example.com.:80', 'example.com'],
    ['example.com:', 'example.com'],
    ['127.0.0.1:1', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[FE80::1]:443', '[fe80::1]'],
    ['[::ffff:1.2.3.4]', '[::ffff:1.2.3.4]'],
    ["a_b-c~d!$&'()*+,;=", "a_b-c~d!$&'()*+,;="],
    ['x:65535', 'x'],
  ];
  for (const [authority, host] of cases) assert.equal(parseHost(authority), host, authority);
});

test('anything else is no authority', () => {
  const broken = [
    '',
    '.',
    ':80',
    '.:80',
    'a/b',
    'u@a',
    'u:p@a',
    'a b',
    'a:b',
    'a:1:2',
    'a:65536',
    'a:000080',
    'a:-1',
    'a:+1',
    '::1',
    '[::1',
    '[::1]x',
    '[::1]:x',
    '[]',
    '[1.2.3.4]',
  ];
  for (const authority of [
    ...broken,
    '[fe80::1%25eth0]',
    '[v1.x]',
    'a%41',
    'a#b',
    'a?b',
    'a\\b',
    'é',
    'a\x00',
    'http://a',
    '[::1]]',
    'a[b]',
  ]) {
    assert.equal(parseHost(authority), undefined, JSON.stringify(authority));
  }
});

test('a parsed host parses to itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aZ09.-:[]_%@/'.split('')), maxLength: 12 }), (authority) => {
      const host = parseHost(authority);
      if (host === undefined || host.endsWith('.')) return;
      assert.equal(parseHost(host), host);
      assert.equal(parseHost(`${host}:1`), host);
    }),
    { numRuns: 3000 },
  );
});
