import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeCertificate } from '../../test/support/certificates.ts';
import type { Domain } from '../entity/types.ts';
import { SekishoError } from '../lib/errors.ts';
import { checkCertificate } from './certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-cert-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const one = makeCertificate(folder, ['one.test'], 10);
const two = makeCertificate(folder, ['two.test']);
const domain = (cert?: string, key?: string): Domain => ({
  name: 'd',
  namespace: 'n',
  patterns: [],
  priority: 0,
  ...(cert !== undefined && { cert }),
  ...(key !== undefined && { key }),
});

test('gives the days that the first certificate still has', () => {
  const days = checkCertificate(domain(one.cert, one.key));
  assert.ok(days === 9 || days === 10, String(days));
  assert.ok((checkCertificate(domain(one.cert + two.cert, one.key)) ?? 0) <= 10, 'the first of a chain counts');
  assert.ok((checkCertificate(domain(one.cert, one.key), Date.now() + 20 * 86_400_000) ?? 0) < 0);
  assert.equal(checkCertificate(domain()), undefined);
});

test('refuses what does not parse or does not belong together', () => {
  const broken = one.cert.replace(/[A-Za-z0-9]{20}/, 'A'.repeat(20));
  const cases: readonly (readonly [string, string, string])[] = [
    ['nonsense', one.key, '/cert'],
    [broken, one.key, '/cert'],
    [one.cert + broken, one.key, '/cert'],
    [one.cert, 'nonsense', '/key'],
    [one.cert, two.key, '/key'],
  ];
  for (const [cert, key, pointer] of cases) {
    assert.throws(
      () => checkCertificate(domain(cert, key)),
      (error) => error instanceof SekishoError && error.code === 'ENTITY_INVALID' && error.errors[0]?.pointer === pointer,
      pointer,
    );
  }
});
