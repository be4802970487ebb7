import { X509Certificate } from 'node:crypto';
import type { CertificateStatus } from '../admin/types.ts';
import type { Entities } from '../entity/types.ts';
import { observe } from '../lib/event.ts';

const DAY_MS = 86_400_000;

/** When the certificates of all domains end. They were checked when they were put, so they parse. */
export function certificateStatus(entities: Entities): readonly CertificateStatus[] {
  return [...entities.domain.values()].flatMap(({ name, namespace, cert }) => {
    if (!cert) return [];
    const ends = Date.parse(new X509Certificate(cert).validTo);
    return [{ namespace, domain: name, notAfter: new Date(ends).toISOString(), daysLeft: Math.floor((ends - Date.now()) / DAY_MS) }];
  });
}

const EXPIRY_WARNING_DAYS = 30;

/** Tells once a day which certificates end within 30 days. At the start and when a domain is put, the registry tells. */
export function createCertificateWatch(entities: () => Entities): { close(): void } {
  const timer = setInterval(() => {
    for (const { namespace, domain, daysLeft } of certificateStatus(entities())) {
      if (daysLeft < EXPIRY_WARNING_DAYS) observe({ type: 'certificate.expiring', namespace, domain, daysLeft });
    }
  }, DAY_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
