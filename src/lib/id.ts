import { randomBytes, randomFillSync } from 'node:crypto';

const POOL_BYTES = 4096;
const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** `bytes` random bytes as lower-case hex, from a pool that is filled in bulk (one system call per 4 KiB). */
export function randomHex(bytes: number): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
}

const PROCESS_PREFIX = randomBytes(5).readUIntBE(0, 5).toString(36).padStart(8, '0');
let count = 0;

/** An id of a request: unique in this process and, by a random prefix, very likely among processes. Base 36. */
export function createRequestId(): string {
  count += 1;
  return PROCESS_PREFIX + count.toString(36);
}
