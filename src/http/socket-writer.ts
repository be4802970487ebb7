import type { Writable } from 'node:stream';

/** Up to here copying into one buffer is cheaper than a vectored write. */
const MAX_COPIED_BYTES = 16_384;

/** Writes latin1 text, bytes and latin1 text so that they leave in one system call. */
export function writeTogether(socket: Writable, before: string, chunk: Buffer, after: string): void {
  const length = before.length + chunk.length + after.length;
  if (length > MAX_COPIED_BYTES) {
    socket.cork();
    if (before !== '') socket.write(before, 'latin1');
    socket.write(chunk);
    if (after !== '') socket.write(after, 'latin1');
    socket.uncork();
    return;
  }
  const whole = Buffer.allocUnsafe(length);
  whole.write(before, 0, 'latin1');
  whole.set(chunk, before.length);
  if (after !== '') whole.write(after, before.length + chunk.length, 'latin1');
  socket.write(whole);
}
