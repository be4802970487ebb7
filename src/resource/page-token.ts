import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { SekishoError } from '../lib/errors.ts';

/**
 * Opaque page tokens: the place in the order, encrypted because it may hold values that the caller does not see, and bound to the arguments of the list,
 * because behind other arguments it would be another place.
 */
export function toPageToken(key: Buffer, fingerprint: string, place: readonly unknown[]): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(fingerprint));
  const text = Buffer.concat([cipher.update(JSON.stringify(place)), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
}

/** The place of a token. Throws PAGE_TOKEN_INVALID when it is damaged or belongs to other arguments. */
export function fromPageToken(key: Buffer, fingerprint: string, token: string): readonly unknown[] {
  const bytes = Buffer.from(token, 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(fingerprint));
    decipher.setAuthTag(bytes.subarray(12, 28));
    const text = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString();
    return JSON.parse(text) as readonly unknown[];
  } catch {
    throw new SekishoError('PAGE_TOKEN_INVALID', 'The page token is damaged, or was made for a list with other arguments.');
  }
}
