import { createSecureContext, type SecureContext } from 'node:tls';
import type { Domain } from '../entity/types.ts';
import { compileDomains } from './namespace-resolver.ts';

/** Finds the certificate of a domain for a server name (SNI); undefined when no domain has one, and the listener's own is served. */
export type CertificateLookup = (servername: string) => SecureContext | undefined;

/** Contexts by certificate and key: parsing PEM costs about a millisecond, and most changes leave the certificates alone. */
const contexts = new Map<string, SecureContext>();
const MAX_CONTEXTS = 10_000;

/** The domains' certificates in the order in which domains match hosts. */
export function compileCertificates(domains: readonly Domain[], allows: (host: string) => boolean): CertificateLookup {
  const compiled = compileDomains(domains.filter(({ cert, key }) => Boolean(cert) && Boolean(key))).map(({ domain, matches }) => ({
    matches,
    context: toContext(domain.cert as string, domain.key as string),
  }));
  return (servername) => {
    const host = servername.toLowerCase();
    return allows(host) ? compiled.find(({ matches }) => matches(host))?.context : undefined;
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
