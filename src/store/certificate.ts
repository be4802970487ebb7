import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { EntityError } from '../entity/entity-error.ts';
import type { Domain } from '../entity/types.ts';

const DAY_MS = 86_400_000;
const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Whole days until the first certificate of the domain's chain ends, negative when it has; undefined for a domain without one.
 * ENTITY_INVALID when a certificate or the key does not parse, or the key is not that of the certificate.
 */
export function checkCertificate(domain: Domain, now: number = Date.now()): number | undefined {
  const { cert, key } = domain;
  if (cert === undefined || key === undefined) return undefined;
  const blocks = cert.match(PEM_BLOCK) ?? [];
  if (blocks.length === 0) throw invalid(domain, 'cert', 'holds no certificate: it has to be PEM text (-----BEGIN CERTIFICATE-----)');
  const chain = blocks.map((block, index) => parseCertificate(domain, block, index));
  const [leaf] = chain;
  if (leaf === undefined || !leaf.checkPrivateKey(parseKey(domain, key))) throw invalid(domain, 'key', 'is not the key of the certificate');
  return Math.floor((Date.parse(leaf.validTo) - now) / DAY_MS);
}

function parseCertificate(domain: Domain, block: string, index: number): X509Certificate {
  try {
    return new X509Certificate(block);
  } catch (error) {
    throw invalid(domain, 'cert', `the certificate number ${index + 1} of the chain can't be read: ${textOf(error)}`);
  }
}

function parseKey(domain: Domain, key: string): KeyObject {
  try {
    return createPrivateKey(key);
  } catch (error) {
    throw invalid(domain, 'key', `the private key can't be read (PEM, without a passphrase): ${textOf(error)}`);
  }
}

function invalid(domain: Domain, field: 'cert' | 'key', detail: string): EntityError {
  return new EntityError(
    'ENTITY_INVALID',
    { kind: 'domain', namespace: domain.namespace, name: domain.name },
    `domain ${JSON.stringify(domain.name)}: ${field}: ${detail}`,
    { errors: [{ pointer: `/${field}`, detail }] },
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
