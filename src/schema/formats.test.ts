import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMATS } from './formats.ts';

const UUID4 = 'de305d54-75b4-431b-adb2-eb6b9e546014';

/** Per format: texts that have it, and texts that have not. */
const CASES: Readonly<Record<string, readonly [yes: readonly string[], no: readonly string[]]>> = {
  'date-time': [
    ['2026-11-21T07:30:00Z', '2024-02-29T23:59:60+09:00', '2026-11-21t07:30:00.123z', '0001-01-01T00:00:00Z'],
    ['2026-11-21', '2023-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-11-21T24:00:00Z', '2026-11-21T07:30:00', 'yesterday', ''],
  ],
  hostname: [
    ['a', 'example.com', 'a-b.c1', `${'a'.repeat(63)}.x`],
    ['', '-a', 'a-', 'a..b', 'a_b', `${'a'.repeat(64)}.x`, `${'a.'.repeat(128)}a`, 'a.', ' a'],
  ],
  email: [
    ['a@b', 'first.last+tag@example.com'],
    ['a', '@b', 'a@', 'a b@c', 'a@b@c', ''],
  ],
  uri: [
    ['http://a/b?c=d#e', 'urn:x', 'mailto:a@b', 'http://[::1]/', 'http://a/%20'],
    ['/a', 'a', '', 'http://a b', 'http://a/%2', ':x', '1a:b'],
  ],
  ipv4: [
    ['0.0.0.0', '255.255.255.255', '10.0.0.1%eth0'],
    ['256.0.0.1', '01.0.0.1', '1.2.3', '1.2.3.4.5', '1.2.3.4%', '', '1.2.3.4/8', ' 1.2.3.4'],
  ],
  ipv6: [
    ['::', '::1', 'fe80::1', '2001:db8::8a2e:370:7334', '::ffff:1.2.3.4'],
    ['1.2.3.4', 'fe80::1%eth0', ':::', '', 'g::1', '::1/64'],
  ],
  mac: [
    ['00:1a:2b:3c:4d:5e', 'FF:FF:FF:FF:FF:FF'],
    ['00-1a-2b-3c-4d-5e', '00:1a:2b:3c:4d', '0:1a:2b:3c:4d:5e', '00:1a:2b:3c:4d:5g', '', '00:1a:2b:3c:4d:5e:6f'],
  ],
  cidr: [
    ['10.0.0.0/8', '10.0.0.1/8', '0.0.0.0/0', '1.2.3.4/32', '::/0', '2001:db8::/32', '::1/128'],
    ['10.0.0.0/08', '010.0.0.0/8', '10.0.0.0/33', '10.0.0.0', '::/129', 'fe80::1%e/64', '/8', '', '10.0.0.0/-1'],
  ],
  'ipv4-network': [
    ['10.0.0.0/8', '0.0.0.0/0', '192.168.1.128/25', '1.2.3.4/32'],
    ['10.0.0.1/8', '192.168.1.129/25', '::/0', '10.0.0.0', '10.0.0.0/08'],
  ],
  'ipv4-address-with-cidr': [
    ['10.0.0.1/8', '192.168.1.254/24', '10.0.0.0/31', '10.0.0.1/31', '1.2.3.1/30'],
    ['10.0.0.0/8', '10.255.255.255/8', '192.168.1.255/24', '10.0.0.1', '::1/64', '10.0.0.1/08'],
  ],
  'cidr-or-ipv4': [
    ['10.0.0.1', '10.0.0.0/8', '10.0.0.1/8', '10.0.0.0/31'],
    ['10.255.255.255/8', '::1', '::/0', 'x', ''],
  ],
  regex: [
    ['^a+$', '', '(?P<name>x)', '[[:alpha:]]', '(?i)abc', '\\p{Greek}', '\\pL'],
    ['(', '[', '(?=a)', '(?<!a)b', '\\1', 'a**'],
  ],
  uuid: [
    [UUID4, UUID4.toUpperCase(), UUID4.replaceAll('-', ''), `{${UUID4}}`, `urn:uuid:${UUID4}`],
    [UUID4.replace('431b', '631b'), UUID4.replace('431b', '031b'), `{${UUID4}`, `${UUID4}}`, `${UUID4}0`, '', 'x'],
  ],
  'hyph-uuid': [[UUID4], [UUID4.replaceAll('-', ''), `{${UUID4}}`, `urn:uuid:${UUID4}`, '']],
  'non-hyph-uuid': [[UUID4.replaceAll('-', '')], [UUID4, UUID4.replaceAll('-', '').replace('431b', '931b'), '']],
  port: [
    ['1', '80', '65535'],
    ['0', '65536', '-1', '+1', '1.0', 'http', '', ' 80', '99999999'],
  ],
  version: [
    ['1', 'v1', '1.2', '1.2.3', 'v1.2.3-rc.1+build.5'],
    ['', 'x', '1.', '1.2.3.4', 'a1', '1.2.3-', '1 '],
  ],
  'version-constraint': [
    ['>=1.2, <2', 'x', '*', '1.x', '^1.2.3', '~> 1.2', '!=3', '1.2 - 1.4', '>1 || <0.5', '= v1.0.0'],
    ['', '>>1', '1.2,', 'one', '>=', '1.2.3.4'],
  ],
  yaml: [['', ': : :'], []],
  text: [['', 'x'], []],
  javascript: [['', 'x'], []],
};

test('every format has cases', () => assert.deepEqual(Object.keys(CASES).toSorted(), Object.keys(FORMATS).toSorted()));

for (const [name, [yes, no]] of Object.entries(CASES)) {
  test(`format ${name}`, () => {
    const matches = FORMATS[name]?.matches;
    assert.deepEqual(
      yes.filter((text) => !matches?.(text)),
      [],
      'these have it',
    );
    assert.deepEqual(
      no.filter((text) => matches?.(text)),
      [],
      'these have it not',
    );
  });
}
