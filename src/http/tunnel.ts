import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Two sockets that are joined: what one receives the other sends. */
export interface Tunnel {
  /** Bytes that went through, both ways together. */
  readonly bytes: number;
  destroy(): void;
}

/**
 * Joins `client` and `peer` both ways with backpressure and half-close. `clientBytes` and `peerBytes` came behind the heads and go first.
 * When both directions have ended, or one side breaks, both sockets are closed and `onEnd` is told the bytes sent to the client.
 */
export function joinTunnel(
  client: Duplex,
  clientBytes: Buffer,
  peer: Duplex,
  peerBytes: Buffer,
  onEnd: (bytesToClient: number) => void,
): Tunnel {
  return new JoinedSockets(client, clientBytes, peer, peerBytes, onEnd);
}

class JoinedSockets implements Tunnel {
  bytes = 0;
  #toClient = 0;
  #isOver = false;
  readonly #client: Duplex;
  readonly #peer: Duplex;
  readonly #onEnd: (bytesToClient: number) => void;

  constructor(client: Duplex, clientBytes: Buffer, peer: Duplex, peerBytes: Buffer, onEnd: (bytesToClient: number) => void) {
    this.#client = client;
    this.#peer = peer;
    this.#onEnd = onEnd;
    for (const side of [client, peer]) {
      // A side that has finished sending may still receive.
      side.allowHalfOpen = true;
      if (side instanceof Socket) side.setNoDelay(true).setTimeout(0);
      side.on('error', () => this.destroy());
      side.on('close', () => this.#onClose());
    }
    this.#forward(client, peer, clientBytes, false);
    this.#forward(peer, client, peerBytes, true);
  }

  destroy(): void {
    this.#client.destroy();
    this.#peer.destroy();
    this.#finish();
  }

  #forward(from: Duplex, to: Duplex, firstBytes: Buffer, isToClient: boolean): void {
    const send = (chunk: Buffer): void => {
      this.bytes += chunk.length;
      if (isToClient) this.#toClient += chunk.length;
      if (to.writable && !to.write(chunk)) from.pause();
    };
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    if (firstBytes.length > 0) send(firstBytes);
    from.on('data', send);
    if (from.readableEnded) to.end();
    else if (!to.writableNeedDrain) from.resume();
  }

  /** A socket that closed after both of its directions ended lets the other finish; one that broke takes it along. */
  #onClose(): void {
    const isClean = (side: Duplex): boolean => !side.destroyed || (side.readableEnded && side.writableFinished);
    if (!isClean(this.#client) || !isClean(this.#peer)) this.destroy();
    else if (this.#client.destroyed && this.#peer.destroyed) this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd(this.#toClient);
  }
}
