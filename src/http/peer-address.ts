import type { Socket } from 'node:net';

/** The IP of a socket's peer; an IPv4 address that came through an IPv6 socket (`::ffff:1.2.3.4`) in its own form. Empty when the peer is already gone. */
export function peerAddress(socket: Socket): string {
  const address = socket.remoteAddress ?? '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
