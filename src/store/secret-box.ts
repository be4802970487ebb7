import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** Encrypts texts for the disk. AES-256-GCM with a random 96-bit nonce each. */
export interface SecretBox {
  /** `context` is bound to the text: a sealed text opens only in the place that it was sealed for. */
  seal(text: string, context: string): string;
  /** The text, or undefined when `sealed` was changed, is of another place, or of another key. */
  open(sealed: string, context: string): string | undefined;
  /** Tells keys apart without telling the key, hex. */
  readonly fingerprint: string;
}

const VERSION = 'v1:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The box of a key of 32 bytes. */
export function toSecretBox(key: Buffer): SecretBox {
  return {
    fingerprint: createHmac('sha256', key).update('sekisho store key').digest('hex').slice(0, 32),
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return VERSION + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
    },
    open(sealed, context) {
      if (!sealed.startsWith(VERSION)) return undefined;
      const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES }).setAAD(
        Buffer.from(context),
      );
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
  };
}
