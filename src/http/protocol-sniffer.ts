import type { Socket } from 'node:net';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/**
 * Waits for the first bytes of a socket and tells whether they are the connection preface of HTTP/2 (RFC 9113 3.4). The bytes
 * are put back. A socket that says nothing for `timeoutMs` is closed.
 */
export function sniffProtocol(socket: Socket, timeoutMs: number, onKnown: (isH2: boolean) => void): void {
  const onEnd = (): void => {
    socket.destroy();
  };
  let seen: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    const compared = Math.min(seen.length, PREFACE.length);
    const isPrefix = PREFACE.compare(seen, 0, compared, 0, compared) === 0;
    if (isPrefix && seen.length < PREFACE.length) return;
    clearTimeout(timer);
    socket.off('readable', onReadable).off('end', onEnd).off('error', onEnd).off('close', onClose);
    socket.unshift(seen);
    onKnown(isPrefix);
  };
  const timer = setTimeout(onEnd, timeoutMs);
  const onClose = (): void => clearTimeout(timer);
  socket.on('readable', onReadable).on('end', onEnd).on('error', onEnd).on('close', onClose);
}
