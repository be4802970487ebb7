import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SekishoError } from '../lib/errors.ts';

export interface EncryptionKeyOptions {
  /** Folder of the store; `secret.key` is read or made there when no key is given. */
  readonly dir: string;
  /** 32 bytes as hex or base64. */
  readonly encryptionKey?: string | undefined;
  /** A file that holds such a text. */
  readonly encryptionKeyFile?: string | undefined;
  /** Whether a key may be made: only for a store that has none yet. */
  readonly mayGenerate: boolean;
}

const KEY_BYTES = 32;

/** The key that secrets are encrypted with. STORE_KEY when it is malformed, missing, or readable for others than its owner. */
export function loadEncryptionKey(options: EncryptionKeyOptions): Buffer {
  if (options.encryptionKey !== undefined) return parseKey(options.encryptionKey, 'storage.encryption_key');
  if (options.encryptionKeyFile !== undefined)
    return readKeyFile(options.encryptionKeyFile) ?? fail(`the key file ${options.encryptionKeyFile} does not exist`);
  const path = join(options.dir, 'secret.key');
  const found = readKeyFile(path);
  if (found !== undefined) return found;
  if (!options.mayGenerate)
    return fail(`the store holds encrypted values, but its key file ${path} is missing: put it back, or set storage.encryption_key`);
  try {
    return generateKey(path);
  } catch (error) {
    throw new SekishoError('STORE_KEY', `the key file ${path} can't be made: ${error instanceof Error ? error.message : 'unknown error'}`, {
      cause: error,
    });
  }
}

function readKeyFile(path: string): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new SekishoError('STORE_KEY', `the key file ${path} can't be read: ${error instanceof Error ? error.message : 'unknown error'}`, {
      cause: error,
    });
  }
  try {
    const mode = fstatSync(file).mode & 0o777;
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      return fail(`the key file ${path} has mode 0${mode.toString(8)}: others than its owner may use it; chmod 600 it`);
    }
    return parseKey(readFileSync(file, 'utf8'), path);
  } finally {
    closeSync(file);
  }
}

/** Written beside and renamed, so that a crash leaves no half key. The caller holds the lock of the store. */
function generateKey(path: string): Buffer {
  const key = randomBytes(KEY_BYTES);
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  const file = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    writeSync(file, `${key.toString('base64')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  return key;
}

function parseKey(text: string, place: string): Buffer {
  const trimmed = text.trim();
  const isHex = /^[0-9a-fA-F]{64}$/.test(trimmed);
  const key = Buffer.from(trimmed, isHex ? 'hex' : 'base64');
  if (key.length !== KEY_BYTES || (!isHex && !/^[A-Za-z0-9+/]{43}=?$/.test(trimmed))) {
    return fail(`${place} is no key: it has to be 32 bytes as 64 hex digits or as base64 (openssl rand -base64 32)`);
  }
  return key;
}

function fail(detail: string): never {
  throw new SekishoError('STORE_KEY', detail);
}
