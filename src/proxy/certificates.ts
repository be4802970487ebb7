import { createSecureContext, type SecureContext } from 'node:tls';
import type { Domain } from '../entity/types.ts';
import { compileDomains } from './namespace-resolver.ts';

/** Finds the certificate for a server name (SNI), lower case; undefined when there is none and no fallback. */
export type CertificateLookup = (servername: string) => SecureContext | undefined;

/** Contexts by certificate and key: parsing PEM costs about a millisecond, and most changes leave the certificates alone. */
const contexts = new Map<string, SecureContext>();
const MAX_CONTEXTS = 10_000;

/** The domains' certificates in the order in which domains match hosts. */
export function compileCertificates(domains: readonly Domain[], fallback: SecureContext | undefined, allows: (host: string) => boolean): CertificateLookup {
  const compiled = compileDomains(domains.filter(({ cert, key }) => Boolean(cert) && Boolean(key))).map(({ domain, matches }) => ({
    matches,
    context: toContext(domain.cert as string, domain.key as string),
  }));
  return (servername) => {
    const host = servername.toLowerCase();
    if (!allows(host)) return fallback;
    return compiled.find(({ matches }) => matches(host))?.context ?? fallback;
  };
}

function toContext(cert: string, key: string): SecureContext {
  const id = `${cert}\n${key}`;
  const known = contexts.get(id);
  if (known !== undefined) return known;
  if (contexts.size >= MAX_CONTEXTS) contexts.clear();
  const context = createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
  contexts.set(id, context);
  return context;
}
