import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Why a certificate file and a key file cannot be used together, each with the key it is about; empty when they can. */
export function checkCertificateFiles(
  certFile: string,
  keyFile: string,
): readonly { readonly key: 'cert_file' | 'key_file'; readonly detail: string }[] {
  const cert = attempt(() => new X509Certificate(readFileSync(certFile)));
  const key = attempt(() => createPrivateKey(readFileSync(keyFile)));
  const problems: { key: 'cert_file' | 'key_file'; detail: string }[] = [];
  if (!cert)
    problems.push({
      key: 'cert_file',
      detail: `found ${certFile}, which holds no readable certificate; expected a PEM file that begins with the certificate of this server`,
    });
  if (!key)
    problems.push({
      key: 'key_file',
      detail: `found ${keyFile}, which holds no readable private key; expected a PEM file with an unencrypted private key`,
    });
  if (cert && key && !matches(cert, key))
    problems.push({
      key: 'key_file',
      detail: `found ${keyFile}, which is not the key of the certificate in ${certFile}; expected its private key`,
    });
  return problems;
}

function matches(cert: X509Certificate, key: KeyObject): boolean {
  return attempt(() => cert.checkPrivateKey(key)) === true;
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
